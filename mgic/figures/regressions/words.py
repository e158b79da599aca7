"""A comparison in words: its verdict, its rows, what the two sides differ in, how it was measured."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from mgic.figures.words import number, seconds
from mgic.gate import METRICS, first_to_see
from mgic.records import Comparison, Conditions, GateMetric, MetricVerdict
from mgic.records.limits import WRITTEN, allowances

SIGNS: Mapping[str, str] = {
    "pass": "✔",
    "regression": "✖",
    "inconclusive": "◐",
    "not measured": "○",
    "gone": "⊘",
    "new": "+",
    "shown": "·",
}
COMMIT_LETTERS, SHOWN_LETTERS = 40, 12
OF_A_PASS = ("cpu_time", "instructions", "wall_time", "p50")


def _title(metric: GateMetric) -> str:
    name, unit = METRICS[metric]
    whole = f"{name[0].upper()}{name[1:]}{' of a pass' if metric in OF_A_PASS else ''}"
    shown = "bytes" if metric == "peak_memory" else unit  # plots have their own multiples
    return f"{whole} ({shown})" if shown else whole


TITLES: Mapping[GateMetric, str] = {metric: _title(metric) for metric in METRICS}


def verdict_words(verdict: str) -> str:
    """`✖ regression`."""
    return f"{SIGNS[verdict]} {verdict}"


def limit_percent(row: MetricVerdict) -> float | None:
    """How far it may move, in per cent of the base and with its sign; None where no limit holds, or of top-1."""
    if row.metric in (None, "top1") or not row.limit:
        return None
    try:
        allowed = allowances(row.metric, row.limit)
    except PydanticCustomError:  # of a later version, or no limit
        return None
    shares = [float(one.at(Decimal(str(row.base)))) / row.base for one in allowed] if row.base else []
    shares = shares or [float(one.amount) / 100 for one in allowed if one.relative]
    share = 100 * max(shares) if shares else None
    return None if share is None else share if WRITTEN[row.metric].sign == "+" else -share


def rows_of(found: Comparison) -> list[dict[str, Any]]:
    """The table of a comparison, a row a metric, what is wrong first; numbers are text, since their units differ."""
    return [
        {
            "verdict": verdict_words(row.verdict) + (", better" if row.improved else ""),
            "model": row.model if row.base_model == row.model else f"{row.model} against {row.base_model}",
            "metric": TITLES[row.metric] if row.metric else "",
            "base": _number(row.base),
            "head": _number(row.head),
            "change": _change(row),
            "95 % interval": _between(row.low_percent, row.high_percent),
            "limit": row.limit,
            "n": str(row.n or ""),
            "base against itself": _between(row.control_low_percent, row.control_high_percent),
            "note": row.note,
        }
        for row in first_to_see(found.rows)
    ]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else number(value)


def _change(row: MetricVerdict) -> str:
    if row.change is None:
        return ""
    if not row.change:
        return "0"
    if row.metric == "top1":
        return f"{row.change:+.2f} pp"
    return f"{row.change:+,}" if row.change_percent is None else f"{row.change_percent:+.2f} %"


def _between(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"{low:+.1f} %" if low == high else f"{low:+.1f} to {high:+.1f} %"


def differences(found: Comparison) -> list[dict[str, str]]:
    """What the two sides have not in common: code, and the lab that counted."""
    pairs: dict[str, tuple[object, object]] = {}
    if found.base_side and found.head_side:
        names = {"commit": "commit", "branch": "branch", "dirty": "changed since that commit", "remote": "repository"}
        pairs |= {
            words: (getattr(found.base_side, name), getattr(found.head_side, name)) for name, words in names.items()
        }
    names = {"mgic": "version of MGIC Lab", "commit": "commit of MGIC Lab", "dirty": "MGIC Lab changed since"}
    pairs |= {
        words: (getattr(found.base_source, name), getattr(found.head_source, name)) for name, words in names.items()
    }
    return [
        {"what": words, "base": _said(base, head), "head": _said(head, base)}
        for words, (base, head) in pairs.items()
        if base != head
    ]


def _said(value: object, other: object) -> str:
    """Of one side; of a commit its beginning, where that tells it from the other side's."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    long = len(text) == COMMIT_LETTERS and text[:SHOWN_LETTERS] != str(other)[:SHOWN_LETTERS]
    return text[:SHOWN_LETTERS] if long else text


def origin_words(found: Comparison) -> str:
    """Whose numbers these are."""
    if found.origin == "service":
        return "Counted by this service, as its own code builds the models."
    where = f" on {found.conditions.hostname}" if found.conditions else ""
    return f"Measured elsewhere{where} and sent to this service, which has not seen the code."


def conditions_words(of: Conditions) -> str:
    """In one paragraph."""
    load = [f"{one:.1f}" for one in (of.load_before, of.load_after) if one is not None]
    blocks = f"{of.blocks} block{'' if of.blocks == 1 else 's'}"
    parts = [
        f"{of.engine}, {of.threads} thread{'s' if of.threads > 1 else ''}, batch {of.batch_size}",
        f"{blocks} in {seconds(of.elapsed_s)} of {seconds(of.budget_s)}",
        f"{of.cores} cores{f' of {of.processor}' if of.processor else ''}",
        f"load {' before, '.join(load)} after" if len(load) == 2 else "",
        f"Python {of.python}, torch {of.torch}",
        f"host {of.hostname}",
    ]
    remarks = (f" {one[:1].upper()}{one[1:].rstrip('.')}." for one in of.remarks)
    return f"{'; '.join(filter(None, parts))}.{''.join(remarks)}"
