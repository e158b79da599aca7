"""How names, numbers, times and statuses are written, the same on every page and in every figure."""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mgic.records import Config, RunStatus, Value

ICONS = {
    RunStatus.QUEUED: "◷",
    RunStatus.RUNNING: "▶",
    RunStatus.CANCELLING: "◌",
    RunStatus.SUCCEEDED: "✔",
    RunStatus.FAILED: "✖",
    RunStatus.CANCELLED: "⊘",
}
NO_NUMBER = "-"
MOST_DECIMALS = 8


def plain(text: object) -> str:
    """For plotly, which reads a few HTML tags, and LaTeX in what begins and ends with a dollar sign."""
    return html.escape(str(text), quote=False).replace("$", "&#36;")


def status(value: RunStatus) -> str:
    return f"{ICONS[value]} {value.value}"


def counts(given: Mapping[RunStatus, int]) -> str:
    """`✔ 3 succeeded · ✖ 1 failed`, in the order of a run's life."""
    return " · ".join(f"{ICONS[one]} {given[one]} {one.value}" for one in RunStatus if given.get(one))


def si(value: float | None, digits: int = 3) -> str:
    """`1.23 M`, `45.6 k`; three significant digits."""
    if value is None:
        return NO_NUMBER
    for size, sign in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.{digits}g}{sign}"
    return f"{value:.{digits}g}"


def number(value: float, digits: int = 4) -> str:
    """As short as it can be read: 40800000 is 40.8 M, 0.00012 stays."""
    if isinstance(value, int) and abs(value) < 10_000:
        return str(value)
    if abs(value) >= 10_000:
        return si(value, digits)
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"


def decimals(values: Iterable[float]) -> int:
    """The same for all numbers of a column: by 98.19 stands 97.50.

    The largest has four significant digits at least, the smallest two; whole numbers stay whole.
    """
    sizes = [abs(value) for value in values if value and math.isfinite(value)]
    if all(size == int(size) for size in sizes):
        return 0
    wanted = max(3 - math.floor(math.log10(max(sizes))), 1 - math.floor(math.log10(min(sizes))))
    return min(MOST_DECIMALS, max(0, wanted))


def seconds(value: float | None) -> str:
    if value is None:
        return NO_NUMBER
    if value < 10:
        return f"{value:.1f} s"
    if value < 90:
        return f"{value:.0f} s"
    if value < 5400:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h" if value < 2 * 86400 else f"{value / 86400:.1f} days"


def since(passed: float) -> str:
    return "just now" if passed < 1 else f"{passed:.0f} s ago" if passed < 90 else f"{seconds(passed)} ago"


def ago(moment: datetime) -> str:
    return since((datetime.now(UTC) - moment).total_seconds())


def moment(value: datetime | None) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else NO_NUMBER


def size(value: int) -> str:
    return f"{si(value)}B" if value >= 1000 else f"{value} B"


def value(given: Value | Any) -> str:
    """One value of a config, as it is typed into a form."""
    if given is None:
        return "none"
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, (list, tuple)):
        return ", ".join(map(value, given))
    return f"{given:g}" if isinstance(given, float) else str(given)


def series(numbers: Sequence[int]) -> str:
    """`64 → 32 → 16`, from the finest level to the coarsest."""
    return " → ".join(map(str, numbers))


def assignments(config: Config, fields: tuple[str, ...] | None = None) -> str:
    """`group_size=8, seed=0`, of all fields or of those named, in that order."""
    names = config.keys() if fields is None else [name for name in fields if name in config]
    return ", ".join(f"{name}={value(config[name])}" for name in names)
