"""Try plug-ins in a fork of this process, so that none of them can take it down."""

import faulthandler
import json
import multiprocessing
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module

from mgic.plugins.asked import Asked
from mgic.plugins.loading import load
from mgic.process import die_with_parent
from mgic.records.service import PluginInfo
from mgic.registry import load_own

LIMIT_S = 10.0


def load_tried(wanted: Iterable[Asked], limit_s: float = LIMIT_S) -> tuple[PluginInfo, ...]:
    """As `load`, but each is tried first: one that ends its process, or never ends, is an error like any other.

    For a process that has no threads yet. With plug-ins it loads all of the lab.
    """
    given = list(wanted)
    return load(given, trial(given, limit_s) if given else {})


def trial(wanted: Sequence[Asked], limit_s: float = LIMIT_S) -> dict[str, str]:
    """Import these, one after another, in a process that is thrown away.

    Args:
        wanted: The modules.
        limit_s: Seconds that the import of one may take.

    Returns:
        Those that fail, each with the reason.
    """
    import_module("mgic.describe")  # by name: the lab stands above what it is loaded by
    load_own()  # the lab has all the time it needs
    failed: dict[str, str] = {}
    while left := [one for one in wanted if one.module not in failed]:
        errors, words = _try(left, limit_s)
        failed |= {one.module: error for one, error in zip(left, errors, strict=False) if error}
        if len(errors) == len(left):
            break
        failed[left[len(errors)].module] = words
    return failed


def _try(wanted: Sequence[Asked], limit_s: float) -> tuple[list[str], str]:
    """The errors of the first of them, up to one that did not come back, and what became of that one."""
    reading, writing = os.pipe()
    alone = die_with_parent(parent=os.getpid())
    process = multiprocessing.get_context("fork").Process(target=_import_all, args=(alone, writing, wanted))
    process.start()
    os.close(writing)
    try:
        errors = [json.loads(line) for line in _lines(reading, limit_s)]
        process.join(0.5)  # one that has closed its end of the pipe is ending; one that is out of time is not
        code = process.exitcode
    finally:
        process.kill()
        process.join()
        os.close(reading)
    if code is None:
        return errors, f"its import took longer than {limit_s:g} s"
    return errors, f"its import ended the process ({signal.Signals(-code).name if code < 0 else f'code {code}'})"


def _lines(reading: int, limit_s: float) -> Iterator[bytes]:
    """What it tells, until it has told all, or nothing for too long."""
    rest, deadline = b"", time.monotonic() + limit_s
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            part = os.read(reading, 2**16)
            if not part:
                return
            *lines, rest = (rest + part).split(b"\n")
            deadline = time.monotonic() + limit_s
            yield from lines


def _import_all(alone: Callable[[], None], channel: int, wanted: Sequence[Asked]) -> None:
    """The whole life of the fork: nobody hears what it prints, and it tells of each import how it went."""
    alone()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    faulthandler.disable()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    for one in wanted:
        (info,) = load([one])
        os.write(channel, json.dumps(info.error).encode() + b"\n")
    os._exit(0)  # whatever threads it has by now
