"""Of many rows of a comparison the one that is told first, in words."""

from collections.abc import Sequence

from mgic.gate.words import METRICS
from mgic.records import MetricVerdict, RowVerdict
from mgic.records.limits import WRITTEN

ORDER: tuple[RowVerdict, ...] = ("regression", "gone", "not measured", "inconclusive", "pass", "shown", "new")


def worst_of(rows: Sequence[MetricVerdict]) -> MetricVerdict | None:
    """By its verdict, then by how far it moved to the worse; None where there are no rows."""
    return min(rows, key=lambda row: (ORDER.index(row.verdict), -_worse_by(row)), default=None)


def first_to_see(rows: Sequence[MetricVerdict]) -> list[MetricVerdict]:
    """What is wrong before what is not, in the order of its verdicts; else as they come."""
    return sorted(rows, key=lambda row: min(ORDER.index(row.verdict), ORDER.index("pass")))


def row_in_words(row: MetricVerdict) -> str:
    """`CPU time of resnet20: +9.8 % (8.1 to 11.5 %), limit +5 %`."""
    if row.metric is None:
        return f"{row.model} is {row.verdict}"
    what = f"{METRICS[row.metric].name} of {row.model}"
    if row.verdict == "not measured":
        return f"{what}: not measured"
    limit = f", limit {row.limit}" if row.limit else ""
    return f"{what}: {change_in_words(row) or 'no number'}{limit}"


def change_in_words(row: MetricVerdict) -> str:
    """`+9.8 % (8.1 to 11.5 %)`; empty where nothing is known of it."""
    if row.change is not None and row.metric == "top1":
        return f"{row.change:+.2f} pp"
    if row.change_percent is None:
        return "" if row.change is None else f"{row.change:+,}"
    known = row.low_percent is not None and row.high_percent is not None
    between = f" ({row.low_percent:+.1f} to {row.high_percent:+.1f} %)" if known else ""
    return f"{row.change_percent:+.1f} %{between}"


def _worse_by(row: MetricVerdict) -> float:
    change = row.change if row.metric == "top1" else row.change_percent
    if change is None or row.metric is None:
        return 0.0
    return float(change) if WRITTEN[row.metric].sign == "+" else -float(change)
