"""The most that a network may cost, by each of its costs, as people write it: `20M` multiply-accumulates, `1.5` ms."""

from collections.abc import Mapping

from mgic.figures.front import Budget
from mgic.figures.switches import Switch

COSTS = {"macs": "MACs", "params": "parameters", "wall": "wall time", "cpu": "CPU time", "memory": "peak memory"}
UNITS = {"macs": "", "params": "", "wall": "ms", "cpu": "ms", "memory": "MB"}
TIMES = ("wall", "cpu", "memory")  # of a latency run
LIMITS = {"macs": "max_macs", "params": "max_params", "wall": "max_ms", "cpu": "max_cpu_ms", "memory": "max_mb"}
AT_MOST = {
    "macs": ("At most MACs", "Such as 20M: what costs more is over budget"),
    "params": ("At most params", "Such as 300k: what has more is over budget"),
    "wall": ("At most ms", "Wall time of a pass"),
    "cpu": ("At most CPU ms", "CPU time of a pass"),
    "memory": ("At most MB", "Peak memory of a pass"),
}
MULTIPLES = {"k": 1e3, "M": 1e6, "G": 1e9}


def boxes(timed: bool) -> list[Switch]:
    """A box for each cost; those of a latency run only where networks were timed."""
    return [
        Switch(LIMITS[cost], title, {}, help=about, letters=9)
        for cost, (title, about) in AT_MOST.items()
        if timed or cost not in TIMES
    ]


def read_budgets(values: Mapping[str, str]) -> tuple[tuple[Budget, ...], tuple[str, ...]]:
    """Those that are written; and of texts that are no amount what is wrong with them."""
    found, faults = [], []
    for cost, name in LIMITS.items():
        text = values.get(name, "").strip()
        amount = _amount(text)
        if amount is not None:
            found.append(Budget(name, amount, COSTS[cost], UNITS[cost]))
        elif text:
            faults.append(f"{AT_MOST[cost][0]}: “{text[:40]}” is no amount above 0, such as 20M or 1.5")
    return tuple(found), tuple(faults)


def _amount(text: str) -> float | None:
    """`20M` is 20 million."""
    try:
        amount = float(text.rstrip("kMG").strip()) * MULTIPLES.get(text[-1:], 1.0)
    except ValueError:
        return None
    return amount if 0 < amount < float("inf") else None
