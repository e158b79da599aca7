"""On a fresh clone the test files are compiled by two processes before one imports them all: pytest rewrites their
asserts, which takes more than half as long as importing them, and keeps what came out.
"""

import multiprocessing
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


def compile_all(config: pytest.Config, paths: Sequence[Path]) -> None:
    other = multiprocessing.get_context("fork").Process(target=_compile, args=(config, paths[1::2]))
    other.start()
    _compile(config, paths[::2])
    other.join()


def _compile(config: pytest.Config, paths: Sequence[Path]) -> None:
    """As pytest does when it imports one; those that are compiled stay so."""
    for path in paths:
        folder = get_cache_dir(path)
        kept = folder / (path.stem + PYC_TAIL)
        if try_makedirs(folder) and _read_pyc(path, kept) is None:
            source, code = _rewrite_test(path, config)
            _write_pyc(config.stash[assertstate_key], code, source, kept)
