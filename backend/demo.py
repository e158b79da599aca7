"""The results that ship with the service, to be seen before anything has run: who measured them, and when."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from backend.store import ImportedRun, ImportedSweep, Store
from mgic.records import DEMO_TAG, Sweep

ARCHIVE = "demo.json"  # written by `python -m tests.bench.demo`


def load_demo(store: Store) -> list[Sweep]:
    """Raises `Conflict` where they are there already."""
    archive = json.loads(files("backend").joinpath(ARCHIVE).read_text(encoding="utf-8"))
    words = "measured on {date} with {processor}, {cores} cores, at commit {commit}".format(**archive["measured"])
    given = [_sweep(one, f"demo data: {words}") for one in archive["sweeps"]]
    return store.add_imported(DEMO_TAG, given, [DEMO_TAG])


def delete_demo(store: Store) -> None:
    """All of it that is there."""
    for sweep_id in store.imported(DEMO_TAG):
        store.delete_sweep(sweep_id)


def _sweep(given: Mapping[str, Any], words: str) -> ImportedSweep:
    runs = [
        ImportedRun(**{**run, "environment": {**given["environment"], **run["environment"], "imported": words}})
        for run in given["runs"]
    ]
    return ImportedSweep(given["name"], given["experiment"], given["grids"], runs)
