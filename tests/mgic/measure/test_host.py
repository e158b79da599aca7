"""What is read of a machine, from files that are made up; and of this one, while it is kept busy."""

import subprocess
import sys
import time

import pytest

from mgic.measure.host import ForeignLoad, Host, foreign_processes
from mgic.measure.validity import judge
from tests.mgic.measure.test_validity import evidence

CPUINFO = """processor\t: 0
model name\t: Intel(R) Core(TM) i9-9820X CPU @ 3.30GHz
cpu MHz\t\t: 1200.000
flags\t\t: fpu vme {flag}

processor\t: 1
model name\t: Intel(R) Core(TM) i9-9820X CPU @ 3.30GHz
cpu MHz\t\t: 3300.500
flags\t\t: fpu vme {flag}
"""


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def root(tmp_path):
    write(tmp_path, "proc/cpuinfo", CPUINFO.format(flag="sse2"))
    write(tmp_path, "proc/loadavg", "1.25 0.80 0.50 2/345 6789\n")
    write(tmp_path, "proc/stat", "cpu  1000 200 300 9000 50 10 20 70 999 99\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
    for core, (governor, khz, hot) in enumerate([("performance", 3300000, 2), ("performance", 4100000, 3)]):
        base = f"sys/devices/system/cpu/cpu{core}"
        write(tmp_path, f"{base}/cpufreq/scaling_governor", f"{governor}\n")
        write(tmp_path, f"{base}/cpufreq/scaling_cur_freq", f"{khz}\n")
        write(tmp_path, f"{base}/thermal_throttle/core_throttle_count", f"{hot}\n")
    return tmp_path


def test_a_machine_of_its_own_tells_all(root):
    host = Host(root)
    facts = host.facts()
    assert facts.processor == "Intel(R) Core(TM) i9-9820X CPU @ 3.30GHz"
    assert (facts.virtual, facts.governor) == (False, "performance")
    assert (host.clock_mhz(), host.throttle_events(), host.load()) == (4100.0, 5, 1.25)


def test_a_quota_limits_the_cores(root, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)))
    assert (Host(root).facts().cores, Host(root).facts().quota) == (8, None)
    write(root, "proc/self/cgroup", "0::/\n")
    write(root, "proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    write(root, "sys/fs/cgroup/cpu.max", "250000 100000\n")
    assert (Host(root).facts().cores, Host(root).facts().quota) == (2, 2.5)


def test_a_hypervisor_and_different_governors_are_seen(root):
    write(root, "proc/cpuinfo", CPUINFO.format(flag="hypervisor"))
    write(root, "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n")
    facts = Host(root).facts()
    assert (facts.virtual, facts.governor) == (True, "performance, powersave")


def test_without_cpufreq_the_clock_is_that_of_cpuinfo(tmp_path):
    write(tmp_path, "proc/cpuinfo", CPUINFO.format(flag=""))
    assert Host(tmp_path).clock_mhz() == 3300.5


def test_where_nothing_can_be_read_nothing_is_said(tmp_path):
    host = Host(tmp_path)
    facts = host.facts()
    assert (facts.processor, facts.virtual, facts.governor) == (None, None, None)
    assert (host.clock_mhz(), host.throttle_events(), host.load(), host.busy_seconds()) == (None,) * 4
    assert host.process_seconds() == {}
    assert ForeignLoad(host).cores() is None


def test_idle_and_waiting_time_is_not_busy_and_guests_count_once(root, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 100)
    assert Host(root).busy_seconds() == (1000 + 200 + 300 + 10 + 20 + 70) / 100


def test_processes_are_told_with_the_time_of_user_and_system(root, monkeypatch):
    monkeypatch.setattr("os.sysconf", lambda name: 100)
    write(root, "proc/42/stat", "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 150 9 9 20 0 1 0 5 0 0\n")
    assert Host(root).process_seconds() == {(42, "a (b) c"): 4.0}


def test_foreign_processes_are_those_that_took_most_and_lived_through_it():
    before = {(1, "idle"): 5.0, (2, "busy"): 1.0, (3, "ended"): 1.0, (4, "some"): 0.0}
    after = {(1, "idle"): 5.1, (2, "busy"): 9.0, (4, "some"): 1.0, (5, "new"): 9.0}
    assert foreign_processes(before, after, 10.0) == ["busy 0.80 cores", "some 0.10 cores"]


@pytest.mark.skipif(Host().busy_seconds() is None, reason="this kernel does not tell who is busy")
def test_a_machine_that_is_kept_busy_loses_its_grade():
    """A process computes beside; this one sleeps, so that what it takes itself does not count."""
    quiet = evidence()
    assert judge(quiet)[0] == "A"
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            foreign = ForeignLoad()
            time.sleep(1.5)
            cores = foreign.cores()
        finally:
            other.kill()
    assert cores is not None
    assert cores > 0.3
    grade, reasons = judge(evidence(foreign_cpu=[cores]))
    assert grade > "A"
    assert "other processes took" in reasons[0]
