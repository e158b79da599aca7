"""Cores and quotas of control groups: of trees that are made up, and of a real group that this process makes."""

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from backend.settings import Settings
from mgic.cli.core import run_all
from mgic.cli.terminal import Meter
from mgic.cores import cpu_quota, usable_cores
from mgic.records import RunStatus, SweepRequest
from mgic.tasks.timing import Config

V2 = "31 23 0:28 {root} {mount} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 31 0:30 {root} {mount} rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
OTHERS = """23 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/a
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Makes a tree of groups, for a process that may run on 8 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))

    def make(own: str, mounts: str, **files: str) -> Path:
        """`files` by the path of their group, with their text; `cpu.max` is version 2's."""
        write(tmp_path / "proc/self/cgroup", own)
        write(tmp_path / "proc/self/mountinfo", OTHERS + mounts)
        for path, text in files.items():
            write(tmp_path / "sys/fs/cgroup" / path, text)
        return tmp_path

    return make


def unified(root="/", mount="/sys/fs/cgroup") -> str:
    return V2.format(root=root, mount=mount)


def first(root="/", mount="/sys/fs/cgroup/cpu,cpuacct") -> str:
    return V1.format(root=root, mount=mount)


@pytest.mark.parametrize(
    ("text", "quota", "cores"),
    [
        ("max 100000\n", None, 8),
        ("300000 100000\n", 3.0, 3),
        ("350000 100000\n", 3.5, 3),
        ("150000 100000\n", 1.5, 1),
        ("20000 100000\n", 0.2, 1),
        ("100000 25000\n", 4.0, 4),
        ("1600000 100000\n", 16.0, 8),
        ("", None, 8),
        ("nonsense\n", None, 8),
        ("100000 0\n", None, 8),
    ],
)
def test_a_quota_is_rounded_down_to_whole_cores_of_which_there_is_at_least_one(tree, text, quota, cores):
    root = tree("0::/\n", unified(), **{"cpu.max": text})
    assert (cpu_quota(root), usable_cores(root)) == (quota, cores)


def test_the_tightest_group_above_counts(tree):
    groups = {"a/cpu.max": "200000 100000", "a/b/cpu.max": "500000 100000", "a/b/c/cpu.max": "max 100000"}
    assert cpu_quota(tree("0::/a/b/c\n", unified(), **groups)) == 2.0


def test_a_group_beside_does_not_count(tree):
    root = tree("0::/a\n", unified(), **{"a/cpu.max": "max 100000", "b/cpu.max": "100000 100000"})
    assert cpu_quota(root) is None


def test_a_container_with_a_name_space_of_its_own_sees_its_group_as_the_uppermost(tree):
    assert cpu_quota(tree("0::/\n", unified(), **{"cpu.max": "250000 100000"})) == 2.5


def test_a_container_without_one_sees_its_group_mounted_at_the_top(tree):
    own = "0::/docker/4f5e\n"
    assert cpu_quota(tree(own, unified(root="/docker/4f5e"), **{"cpu.max": "250000 100000"})) == 2.5


@pytest.mark.parametrize("path", ["/../../elsewhere", "/elsewhere"])
def test_a_group_outside_of_what_is_mounted_is_taken_for_the_one_that_is(tree, path):
    root = tree(f"0::{path}\n", unified(root="/docker/4f5e"), **{"cpu.max": "100000 100000"})
    assert cpu_quota(root) == 1.0


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("250000", 2), ("50000", 1)])
def test_version_1_has_its_quota_and_its_period_in_two_files(tree, quota, cores):
    group = "cpu,cpuacct/user/job"
    files = {f"{group}/cpu.cfs_quota_us": quota, f"{group}/cpu.cfs_period_us": "100000"}
    root = tree("5:cpuset:/\n4:cpu,cpuacct:/user/job\n0::/\n", first(), **files)
    assert usable_cores(root) == cores


def test_of_both_versions_side_by_side_the_tighter_counts(tree):
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "400000",
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "unified/cpu.max": "300000 100000",
    }
    root = tree("4:cpu,cpuacct:/\n0::/\n", first() + unified(mount="/sys/fs/cgroup/unified"), **files)
    assert cpu_quota(root) == 3.0


def test_a_mount_point_with_a_blank_is_found(tree):
    root = tree("0::/\n", unified(mount="/sys/fs/cgroup/a\\040b"), **{"a b/cpu.max": "200000 100000"})
    assert cpu_quota(root) == 2.0


def test_without_control_groups_the_affinity_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    assert (cpu_quota(tmp_path), usable_cores(tmp_path)) == (None, 3)


def test_the_cores_here_are_at_least_one_and_no_more_than_the_machine_has():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_slots_share_the_cores_that_the_quota_pays_for(monkeypatch):
    monkeypatch.setattr("backend.settings.usable_cores", lambda: 4)
    assert [Settings(slots=slots).run_threads for slots in (1, 2, 3, 8)] == [4, 2, 1, 1]
    assert Settings(slots=2, threads=3).run_threads == 3


def test_latency_takes_no_more_threads_than_the_quota_pays_for(monkeypatch):
    monkeypatch.setattr("mgic.tasks.timing.usable_cores", lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 cores to use"):
        Config(threads=2)


def test_a_run_without_a_service_takes_no_more_threads_than_the_quota_pays_for(monkeypatch, tmp_path):
    """torch's own number of threads is that of the cores, whatever the quota."""
    monkeypatch.setattr("mgic.cli.core.usable_cores", lambda: 2)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(8)
        sweep = SweepRequest(experiment="cost", axes={"model": ["resnet20"]})
        (outcome,) = run_all(sweep, "cpu", tmp_path, None, Meter(quiet=True))
        assert outcome.status is RunStatus.SUCCEEDED
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


TELL = """
import inspect, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text("0")  # this process
from backend.settings import Settings
from mgic.cli.doctor import _cores
from mgic.cli.up import up
from mgic.cores import cpu_quota, usable_cores
slots = inspect.signature(up).parameters["slots"].default
print(cpu_quota(), usable_cores(), Settings(slots=1).run_threads, slots, _cores().detail)
"""


@contextmanager
def real_group(quota_us: int, period_us: int):
    """A group of this machine with a quota, or None where this process may not make one."""
    for top, files in (
        (Path("/sys/fs/cgroup"), {"cpu.max": f"{quota_us} {period_us}"}),
        (Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": str(period_us), "cpu.cfs_quota_us": str(quota_us)}),
    ):
        group = top / f"mgic-test-{os.getpid()}"
        if not (top / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
        except OSError:  # not root, or mounted to be read only
            continue
        try:
            for name, text in files.items():
                if (group / name).exists():  # not where this controller serves another tree, or is kept from this one
                    (group / name).write_text(text)
            yield group if all((group / name).exists() for name in files) else None
        finally:
            group.rmdir()
        return
    yield None


@pytest.mark.parametrize(("quota_us", "told"), [(150_000, "1.5 1 1 1 1 to use of"), (50_000, "0.5 1 1 1 1 to use of")])
def test_a_process_in_a_real_group_follows_its_quota(quota_us, told):
    with real_group(quota_us, 100_000) as group:
        if group is None:
            pytest.skip("this process may not make a control group with a quota")
        done = subprocess.run([sys.executable, "-c", TELL, str(group)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(told)
    assert f"the quota of this control group is {quota_us / 100_000:g} cores" in done.stdout


def test_lines_that_say_nothing_are_passed_over(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("\n0::/\nnonsense\n")
    (tmp_path / "proc/self/mountinfo").write_text(
        "\n30 23 0:26 / /sys/fs/cgroup rw\n31 23 0:26 / /sys/fs/cgroup rw - cgroup2 x rw\n"
    )
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("150000 100000\n")
    assert cpu_quota(tmp_path) == 1.5
