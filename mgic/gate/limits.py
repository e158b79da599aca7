"""How far a metric may move to the worse, read and applied without rounding."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from types import MappingProxyType
from typing import get_args

from mgic.errors import BadConfig, Problem
from mgic.records import GateMetric, Limits

METRICS: tuple[GateMetric, ...] = get_args(GateMetric)
DEFAULTS: Mapping[GateMetric, str] = MappingProxyType(
    {"params": "+0%", "macs": "+0%", "size_bytes": "+0%", "top1": "-0.5pp"}
)


def parse_limits(text: str, field: str) -> Limits:
    """`params:+0%,macs:+1%,top1:-0.5pp`.

    Args:
        text: What stands there.
        field: How errors call it.

    Raises:
        BadConfig: Not metric:limit, a metric there is not, or one twice.
        ValidationError: A limit that is none, located at its metric.
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        metric, colon, limit = (piece.strip() for piece in part.partition(":"))
        if not colon:
            raise _bad(field, f"metric:limit is wanted, such as macs:+1%, not {part[:40]!r}")
        if metric not in METRICS:
            near = get_close_matches(metric, METRICS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(METRICS)}"
            raise _bad(field, f"there is no metric {metric[:40]!r}; {hint}")
        if metric in found:
            raise _bad(field, f"{metric} stands there twice")
        found[metric] = limit
    return Limits.model_validate(found)


def limit_of(limits: Limits, metric: GateMetric) -> str:
    """The one given, or the default."""
    given: str | None = getattr(limits, metric)
    return DEFAULTS[metric] if given is None else given


def movement(metric: GateMetric, base: float, head: float, limit: str) -> tuple[bool, bool]:
    """Whether it moved to the worse by more than the limit allows, and whether to the better.

    Decimal throughout: a fall from 90.2 to 89.7 is 0.5 points and no more. To the better counts any
    fall of a cost, and a rise of top1 by more than it may fall.
    """
    before, after = Decimal(str(base)), Decimal(str(head))
    if metric == "top1":
        allowed = Decimal(limit.removeprefix("-").removesuffix("pp"))
        return before - after > allowed, after - before > allowed
    allowed = Decimal(limit.removeprefix("+").removesuffix("%"))
    return (after - before) * 100 > before * allowed, after < before


def _bad(field: str, words: str) -> BadConfig:
    return BadConfig(f"{field}: {words}", (Problem(field, "limit", words),))
