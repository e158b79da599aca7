"""Table 10 beside the same networks here: how long each takes, and how many times the first."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mgic.records import Metric
from mgic.reference.paper import Row, printed_tables
from mgic.spec import parse_spec

PRINTED: tuple[tuple[Metric, str], ...] = (("mobile_ms", "Galaxy S8"), ("cpu_ms", "i9-9820X"))


def is_of_table_10(models: Sequence[str]) -> bool:
    """Whether these are its networks, in its order, with no option that its rows do not have."""
    rows = _rows()
    return len(models) == len(rows) and all(
        row.model == name and given.items() <= row.options.items()
        for row, (name, given) in zip(rows, map(parse_spec, models), strict=True)
    )


def printed_times() -> dict[str, list[float]]:
    """Of each machine of the paper, its milliseconds by network."""
    return {f"the paper's {machine}": [float(row.metrics[metric]) for row in _rows()] for metric, machine in PRINTED}


def labels() -> list[str]:
    """The networks as the paper calls them."""
    return [row.label for row in _rows()]


def times(result: Mapping[str, Any], measured: Iterable[Mapping[str, Any]]) -> tuple[list[float], str]:
    """Milliseconds of each measured row and their grade: of CPU time where that was graded, else of wall time."""
    by_cpu = result.get("cpu_grade") is not None
    took = [float(row["cpu_median_ms" if by_cpu else "median_ms"]) for row in measured]
    return took, str(result["cpu_grade" if by_cpu else "grade"])


def _rows() -> tuple[Row, ...]:
    return printed_tables()["10"].row
