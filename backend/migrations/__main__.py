"""Bring the configured database to the newest schema; exit 78 if it is newer than this program."""

import sys

from backend.migrations import upgrade
from backend.settings import Settings
from backend.store import SchemaMismatch, make_engine

try:
    upgrade(make_engine(Settings().database, pooled=False))
except SchemaMismatch as mismatch:
    sys.stderr.write(f"{mismatch}\n")
    raise SystemExit(78) from mismatch
