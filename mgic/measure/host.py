"""What of a machine decides a latency: processor, clocks, load, and who else computes on it."""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from mgic.cores import cpu_quota, usable_cores

NAMED_FROM = 0.05  # cores; a process that takes less is not named
NAMED = 5


@dataclass(frozen=True)
class Facts:
    """What holds for the whole run; None for what the kernel does not tell.

    Args:
        processor: Its name.
        cores: That this process may use.
        quota: Cores' worth of time that the kernel gives it, if there is a limit.
        virtual: Whether a hypervisor is below.
        governor: The policy that sets the clock; several, if cores differ.
    """

    processor: str | None
    cores: int
    quota: float | None
    virtual: bool | None
    governor: str | None


class Host:
    """Reads it all from `/proc` and `/sys`, of which a container may show little.

    Args:
        root: Where these two lie.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._proc = root / "proc"
        self._cpus = root / "sys/devices/system/cpu"

    def facts(self) -> Facts:
        text = _read(self._proc / "cpuinfo")
        name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
        governors = {_read(path).strip() for path in self._cpus.glob("cpu[0-9]*/cpufreq/scaling_governor")} - {""}
        return Facts(
            processor=name[1].strip() if name else None,
            cores=usable_cores(self._root),
            quota=cpu_quota(self._root),
            virtual="hypervisor" in flags[1].split() if flags else None,
            governor=", ".join(sorted(governors)) or None,
        )

    def clock_mhz(self) -> float | None:
        """Of the fastest core just now; what `/proc/cpuinfo` says counts only where cpufreq does not tell."""
        now = [_read(path).strip() for path in self._cpus.glob("cpu[0-9]*/cpufreq/scaling_cur_freq")]
        found = [int(text) / 1000 for text in now if text.isdecimal()]
        if not found:
            found = [
                float(text) for text in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", _read(self._proc / "cpuinfo"), re.M)
            ]
        return max(found, default=None)

    def throttle_events(self) -> int | None:
        """How often a core or its package was slowed down because it was hot, since the machine started."""
        paths = self._cpus.glob("cpu[0-9]*/thermal_throttle/*_throttle_count")
        counts = [int(text) for path in paths if (text := _read(path).strip()).isdecimal()]
        return sum(counts) if counts else None

    def load(self) -> float | None:
        """Processes that wanted to run, the mean over about a minute."""
        words = _read(self._proc / "loadavg").split()
        return float(words[0]) if words else None

    def busy_seconds(self) -> float | None:
        """CPU seconds since the machine started of all processes, all interrupts, and of other guests ("steal")."""
        words = _read(self._proc / "stat").partition("\n")[0].split()
        if len(words) < 9 or words[0] != "cpu":
            return None
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[1:9])
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def process_seconds(self) -> dict[tuple[int, str], float]:
        """CPU seconds so far of each process that can be seen but this one, by pid and name."""
        found: dict[tuple[int, str], float] = {}
        for folder in self._proc.glob("[0-9]*"):
            before, _, after = _read(folder / "stat").rpartition(")")
            fields = after.split()
            if len(fields) > 12 and int(folder.name) != os.getpid():
                name = before.partition("(")[2]
                ticks = int(fields[11]) + int(fields[12])  # utime and stime
                found[int(folder.name), name] = ticks / os.sysconf("SC_CLK_TCK")
        return found


class ForeignLoad:
    """CPU time that others than this process take, from when this is made.

    The kernel counts in steps of a hundredth of a second a core, so that over 0.2 s it may be off by 0.1 cores.
    """

    def __init__(self, host: Host | None = None) -> None:
        self._host = host or Host()
        self._start = time.monotonic()
        self._busy, self._own = self._host.busy_seconds(), time.process_time()

    def cores(self) -> float | None:
        """In cores, so far; None where it cannot be read."""
        now = self._host.busy_seconds()
        elapsed = time.monotonic() - self._start
        if now is None or self._busy is None or elapsed <= 0:
            return None
        return (now - self._busy - (time.process_time() - self._own)) / elapsed


def foreign_processes(
    before: dict[tuple[int, str], float], after: dict[tuple[int, str], float], seconds: float
) -> list[str]:
    """Those that took most, as "name 0.31 cores"; of two readings of `process_seconds`, so many seconds apart."""
    taken = {who: (after[who] - before[who]) / seconds for who in after.keys() & before.keys()}
    most = sorted(taken, key=lambda who: (-taken[who], who))[:NAMED]
    return [f"{who[1]} {taken[who]:.2f} cores" for who in most if taken[who] >= NAMED_FROM]


def _read(path: Path) -> str:
    """Empty where it cannot be read, be it that another process has just ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
