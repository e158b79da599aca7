"""A process's log stays short, and the process goes on writing into it."""

import sys

from mgic.cli import processes
from mgic.cli.processes import Process
from tests.conftest import wait_for


def test_a_log_that_has_grown_is_set_aside_while_the_process_goes_on_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "LOG_BYTES", 5000)
    script = "import sys, time\nwhile True: sys.stdout.write('x' * 99 + chr(10)); sys.stdout.flush(); time.sleep(0.001)"
    log = tmp_path / "logs" / "talker.log"
    process = Process("talker", [sys.executable, "-c", script], {}, log)
    process.start()
    try:
        wait_for(lambda: log.stat().st_size > 5000, 20, "a log that has grown")
        process.tend(print)
        assert (tmp_path / "logs" / "talker.log.1").stat().st_size > 5000
        wait_for(lambda: log.stat().st_size > 0, 20, "a line after the cut")
        assert log.read_bytes()[:1] == b"x"  # no hole where the old lines were
    finally:
        process.running.kill()
        process.running.wait()
