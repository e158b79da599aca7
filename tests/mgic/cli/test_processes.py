"""A process's log stays short, and the process goes on writing into it."""

import os
import sys
import time
from contextlib import contextmanager

from mgic.cli import processes
from mgic.cli.processes import Process
from tests.conftest import wait_for


@contextmanager
def talker(log, lines=None):
    """It writes so many lines of 100 bytes, or on and on."""
    script = f"""import itertools, sys, time
for _ in itertools.islice(itertools.count(), {lines}):
    sys.stdout.write("x" * 99 + chr(10)); sys.stdout.flush(); time.sleep(0.001)
time.sleep(600)"""
    process = Process("talker", [sys.executable, "-c", script], {}, log)
    process.start()
    try:
        yield process
    finally:
        process.wait(time.monotonic())


def test_a_log_that_has_grown_is_set_aside_while_the_process_goes_on_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_BYTES", 5000)
    log = tmp_path / "logs" / "talker.log"
    with talker(log) as process:
        wait_for(lambda: log.stat().st_size > 5000, 20, "a log that has grown")
        process.tend(print)
        assert (tmp_path / "logs" / "talker.log.1").stat().st_size > 5000
        wait_for(lambda: log.stat().st_size > 0, 20, "a line after the cut")
        assert log.read_bytes()[:1] == b"x"  # no hole where the old lines were


def test_a_log_that_was_removed_is_cut_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_BYTES", 5000)
    log = tmp_path / "logs" / "talker.log"
    with talker(log, 100) as process:
        log.unlink()
        size = lambda: os.stat(f"/proc/{process.running.pid}/fd/1").st_size  # noqa: E731
        wait_for(lambda: size() == 10_000, 20, "a log that has grown, which nobody sees")
        process.tend(print)
        assert size() == 0
        assert (tmp_path / "logs" / "talker.log.1").stat().st_size == 10_000
