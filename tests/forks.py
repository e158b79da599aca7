"""Tests in several processes: forks of the one that has collected them, so that what they import is imported once.

The first process hands out portions (`tests/order.py`) and passes on what it is told of each test. A fork asks for the
next portion when it takes the last test of one: pytest must know what comes next, to keep what that needs.
"""

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import pytest

from mgic.process import die_with_parent
from tests.bare import bare

FORK = multiprocessing.get_context("fork")
GRACE_S = 60.0  # for the test that is at work, and for the end of what it has started


class Teller:
    """In a fork: what pytest would show goes to the first process."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config, self._connection = config, connection

    @pytest.hookimpl(trylast=True)  # one of its subtests may have failed, as the terminal finds
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._connection.send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


class Fork:
    """One of them, as the first process sees it."""

    def __init__(self, session: pytest.Session, folder: Path, others: Iterable[Connection]) -> None:
        self.connection, theirs = FORK.Pipe()
        self.left: deque[int] = deque()  # of the tests that it was given; the first one is at work
        not_its_own = (self.connection, *others)  # while anybody has them, nobody is told that the first process ended
        tie = die_with_parent(signal.SIGINT)
        self.process = FORK.Process(target=_work, args=(session, theirs, not_its_own, folder, tie))
        self.process.start()
        theirs.close()

    def hand_out(self, portion: Sequence[int]) -> None:
        self.left.extend(portion)
        self.connection.send(portion)


def run_in_forks(session: pytest.Session, portions: Sequence[Sequence[int]], count: int) -> None:
    """All portions of the session's tests, by number, in so many forks."""
    others = [thread.name for thread in threading.enumerate() if thread is not threading.current_thread()]
    assert not others, f"a fork would be without the threads that were started while tests were collected: {others}"
    folders = (session.config._tmp_path_factory.getbasetemp() / f"process-{number}" for number in itertools.count())
    left, forks = deque(portions), {}
    try:
        while left or forks:
            while left and len(forks) < count:
                fork = Fork(session, next(folders), forks)
                forks[fork.connection] = fork
            for connection in wait(list(forks)):
                fork = forks[connection]
                try:
                    _hear(session, fork, fork.connection.recv(), left)
                except (EOFError, ConnectionError):
                    del forks[connection]
                    left.extendleft([rest] if (rest := _ended(session, fork)) else [])
    finally:
        for fork in forks.values():
            fork.connection.close()
        for fork in forks.values():
            fork.process.join(GRACE_S)
            fork.process.kill()


def _hear(session: pytest.Session, fork: Fork, told: dict[str, Any] | None, left: deque[Sequence[int]]) -> None:
    """A report, or None: it asks for more."""
    if told is None:
        fork.hand_out(left.popleft() if left else [])
        return
    report = session.config.hook.pytest_report_from_serializable(config=session.config, data=told)
    _pass_on(session, report)
    if report.when == "teardown":
        fork.left.popleft()


def _ended(session: pytest.Session, fork: Fork) -> list[int]:
    """What it has left to others; the test that it was at has failed."""
    fork.process.join()
    if not fork.left:
        assert fork.process.exitcode == 0, f"a process of the tests ended between two of them: {fork.process.exitcode}"
        return []
    item = session.items[fork.left.popleft()]
    why = f"the process of this test ended, with exit code {fork.process.exitcode}"
    _pass_on(session, pytest.TestReport(item.nodeid, item.location, {}, "failed", why, "call"))
    return list(fork.left)


def _pass_on(session: pytest.Session, report: pytest.TestReport) -> None:
    session.config.hook.pytest_runtest_logreport(report=report)
    if session.shouldfail:
        raise session.Failed(session.shouldfail)
    if session.shouldstop:
        raise session.Interrupted(session.shouldstop)


def _work(
    session: pytest.Session, connection: Connection, not_its_own: Sequence[Connection], folder: Path, tie: Any
) -> None:
    """What a fork does: its tests go through pytest as they do without forks."""
    tie()
    for other in not_its_own:
        other.close()
    config = session.config
    _apart(config, folder)
    config.pluginmanager.register(Teller(config, connection))
    try:
        for item, following in itertools.pairwise(itertools.chain(_handed_out(session, connection), [None])):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    except (KeyboardInterrupt, EOFError, ConnectionError):
        config.pluginmanager.getplugin("runner").pytest_sessionfinish(session)  # what it has started ends


def _handed_out(session: pytest.Session, connection: Connection) -> Iterator[pytest.Item]:
    while True:
        connection.send(None)
        if not (portion := connection.recv()):
            return
        yield from (session.items[number] for number in portion)


def _apart(config: pytest.Config, folder: Path) -> None:
    """Output, places for files and the home are its own."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    config.get_terminal_writer()._file = open(os.devnull, "w")  # noqa: SIM115 - to the end of the process
    (home := folder / "mgic-bare").mkdir(mode=0o700, parents=True)
    bare(home)
    config._tmp_path_factory._basetemp = folder
