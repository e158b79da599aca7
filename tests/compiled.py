"""On a fresh clone each process compiles its share of the test files before it imports them all, or each would compile
all: pytest rewrites their asserts, which takes more than half as long as importing them, and keeps what came out.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import (
    PYC_TAIL,
    _read_pyc,
    _rewrite_test,
    _write_pyc,
    assertstate_key,
    get_cache_dir,
    try_makedirs,
)


def compile_share(config: pytest.Config, paths: Sequence[Path], number: int, count: int) -> None:
    """Of these files, every `count`-th one, as pytest does when it imports one; those that are compiled stay so."""
    for path in paths[number::count]:
        folder = get_cache_dir(path)
        kept = folder / (path.stem + PYC_TAIL)
        if try_makedirs(folder) and _read_pyc(path, kept) is None:
            source, code = _rewrite_test(path, config)
            _write_pyc(config.stash[assertstate_key], code, source, kept)
