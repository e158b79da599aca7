"""How many cores may this process use: those it may run on, or fewer where a quota limits its time on them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

UNIFIED = ""  # how /proc/self/cgroup names version 2, which has all controllers in one tree


def usable_cores(root: Path = Path("/")) -> int:
    """Whole cores, at least one: those this process may run on, and no more than its `cpu_quota` pays for.

    A quota is rounded down. Two threads on 1.5 cores use up a period's time before the period is over, and then both
    stand still until the next one: one thread is never stopped.

    Args:
        root: Where `/proc` and `/sys` lie.
    """
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = cpu_quota(root)
    return cores if quota is None else max(1, min(cores, int(quota)))


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Cores' worth of time that the kernel gives this process's control group; None without a limit.

    The tightest of the group and of all above it counts, as far up as this process sees: in a container that is the
    container's own group. Version 2 (`cpu.max`) and version 1 (`cpu.cfs_quota_us` and `cpu.cfs_period_us`), be they
    mounted side by side: https://docs.kernel.org/admin-guide/cgroup-v2.html, .../scheduler/sched-bwc.html.

    Args:
        root: Where `/proc` and `/sys` lie.
    """
    return min((quota for folder in _groups(root) if (quota := _quota(folder)) is not None), default=None)


def _quota(group: Path) -> float | None:
    words = _read(group / "cpu.max").split() or [
        *_read(group / "cpu.cfs_quota_us").split(),
        *_read(group / "cpu.cfs_period_us").split(),
    ]
    if len(words) != 2 or not all(word.isdecimal() for word in words):  # "max" and -1 stand for no limit
        return None
    quota, period = map(int, words)
    return quota / period if period else None


def _groups(root: Path) -> Iterator[Path]:
    """The folders of the group of this process and of those above it, in each tree that limits CPU time."""
    own = {
        name: path
        for line in _read(root / "proc/self/cgroup").splitlines()
        if line.count(":") >= 2  # else it is not what cgroups(7) says
        for _, names, path in [line.split(":", 2)]
        for name in names.split(",")
    }
    for line in _read(root / "proc/self/mountinfo").splitlines():  # proc(5)
        mount, _, kind = line.partition(" - ")
        where, how = mount.split(), kind.split()
        if len(where) < 5 or not how:
            continue
        if how[0] == "cgroup2":
            path = own.get(UNIFIED)
        elif how[0] == "cgroup" and "cpu" in how[-1].split(","):
            path = own.get("cpu")
        else:
            continue
        top = root / _unescaped(where[4]).lstrip("/")
        for inside in _upwards(path or "/", _unescaped(where[3])):
            yield top / inside


def _upwards(path: str, mounted: str) -> list[PurePosixPath]:
    """From the group at `path` up to the one that is mounted, relative to that one.

    A group outside of what is mounted, as a container may see its own, is taken for the one that is.
    """
    group = PurePosixPath(path)
    if ".." in group.parts or not group.is_relative_to(mounted):
        return [PurePosixPath(".")]
    inside = group.relative_to(mounted)
    return [inside, *inside.parents]


def _unescaped(field: str) -> str:
    """Of mountinfo, where a blank is \\040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _read(path: Path) -> str:
    """Empty where there is no such file, or it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def open_cores() -> list[int]:
    """The numbers of those that this process may be put on; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def stay_on(core: int) -> None:
    """This process computes on that one of `open_cores` from now on."""
    os.sched_setaffinity(0, {core})
