"""A process that measures: what it tells, and that nobody outlives whom they work for."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mgic.errors import BadConfig, Cancelled
from mgic.measure.probe import _environment, _told, measure_fresh
from tests.conftest import gone, wait_for
from tests.mgic.measure.test_latency import SETUP, setup

PARENT = """
import sys
from dataclasses import replace
from pathlib import Path
from mgic.measure.probe import measure_fresh
from tests.mgic.measure.test_latency import SETUP
measure_fresh(replace(SETUP, samples=10**9, seconds=1e9), Path(sys.argv[1]), lambda: None)
"""


def probes(parent: int) -> list[int]:
    """The processes that measure for this one."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            of = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if of == parent and b"mgic.measure.probe" in command:
            found.append(int(entry.name))
    return found


def test_what_it_raises_between_two_looks_ends_the_process(tmp_path):
    seen = []

    def cancelled():
        seen.extend(probes(os.getpid()))
        if seen:
            assert os.getpgid(seen[0]) == os.getpgid(0)  # what ends the run's process group ends it too
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_fresh(setup(samples=10**9, seconds=1e9), tmp_path, cancelled)
    assert gone(seen[0])


@pytest.mark.fault
def test_it_dies_with_the_run_even_if_that_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], cwd=Path(__file__).parents[3]) as run:
        try:
            (probe,) = wait_for(lambda: probes(run.pid), 200, "the process that measures")
        finally:
            run.send_signal(signal.SIGKILL)
    assert wait_for(lambda: gone(probe), 10, "its end")


def test_a_network_that_cannot_be_built_is_told_as_what_it_is(tmp_path):
    bad = setup(model="mgic_resnet20", options={"width": 6, "coarsest_size": 1})
    with pytest.raises(BadConfig, match="coarsest_size=1") as caught:
        measure_fresh(bad, tmp_path, lambda: None)
    assert caught.value.problems


def test_threads_that_wait_sleep_from_the_start_of_the_process(tmp_path):
    """OpenMP reads this before torch can say it; threads that spin would count as CPU time of the pass."""
    environment = _environment(2, tmp_path)
    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "2"


def test_a_killed_process_is_want_of_memory_and_others_tell_their_last_words(tmp_path):
    log, answer = tmp_path / "log", tmp_path / "answer"
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    with pytest.raises(MemoryError, match="resnet20"):
        _told(SETUP, answer, -signal.SIGKILL, log)
    with pytest.raises(RuntimeError, match=r"code 1:\nline 80\n(line \d+\n)+line 99$"):
        _told(SETUP, answer, 1, log)
    with pytest.raises(RuntimeError, match="code 0"):
        _told(SETUP, answer, 0, log)
    answer.write_text('{"out_of_memory": "resnet20: no more"}')
    with pytest.raises(MemoryError, match="no more"):
        _told(SETUP, answer, 0, log)
