"""How far a metric may move to the worse, by model, read and applied without rounding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import get_args

from pydantic import ValidationError

from mgic.errors import BadConfig, Problem
from mgic.records import GateMetric, Limits, TimedMetric
from mgic.records.limits import DEFAULTS, WRITTEN, ExactMetric, allowances

EXACT: tuple[ExactMetric, ...] = get_args(ExactMetric)
TIMED: tuple[TimedMetric, ...] = get_args(TimedMetric)
METRICS: tuple[GateMetric, ...] = (*EXACT, *TIMED, "top1")


@dataclass(frozen=True)
class Rules:
    """The limits of all models, and of those that a pattern names, such as `ours.nets:*`; the last that fits counts."""

    every: Limits = field(default_factory=Limits)
    named: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, model: str) -> Limits:
        """Of a model, by its whole spec or by its name."""
        found = self.every
        for pattern, limits in self.named.items():
            if fnmatchcase(model, pattern) or fnmatchcase(model.partition("(")[0], pattern):
                found = found.model_copy(update=limits.model_dump(exclude_none=True))
        return found


def check_used(rules: Rules, models: Iterable[str], field: str) -> None:
    """Raises `BadConfig` for a pattern that no model fits."""
    known = list(models)
    for pattern in rules.named:
        if not any(fnmatchcase(one, pattern) or fnmatchcase(one.partition("(")[0], pattern) for one in known):
            raise _bad(field, f"no model fits {pattern[:80]!r}; there are {', '.join(known)[:300]}")


def parse_limits(text: str, field: str) -> Limits:
    """`params:+0%,macs:+1%,top1:-0.5pp`.

    Args:
        text: What stands there.
        field: How errors call it.

    Raises:
        BadConfig: Not metric:limit, a metric there is not, or one twice, or a limit that is none.
    """
    found: dict[str, str] = {}
    for part in text.split(","):
        metric, colon, limit = (piece.strip() for piece in part.partition(":"))
        if not colon:
            raise _bad(field, f"metric:limit is wanted, such as macs:+1%, not {part[:40]!r}")
        _check_metric(metric, field)
        if metric in found:
            raise _bad(field, f"{metric} stands there twice")
        found[metric] = limit
    return _limits(found, field)


def parse_rules(texts: Sequence[str], field: str) -> Rules:
    """Each `macs:+1%,...` for all models, or `PATTERN=macs:+1%,...` for those whose spec or name it fits.

    Raises:
        BadConfig: As `parse_limits`, or one pattern twice.
    """
    every, named = Limits(), dict[str, Limits]()
    for text in texts:
        pattern, equals, limits = text.rpartition("=")
        if not equals:
            every = every.model_copy(update=parse_limits(text, field).model_dump(exclude_none=True))
        elif pattern.strip() in named:
            raise _bad(field, f"{pattern.strip()} stands there twice")
        else:
            named[pattern.strip()] = parse_limits(limits, field)
    return Rules(every, named)


def read_rules(table: object, field: str) -> Rules:
    """From a table of pyproject.toml: metrics with their limits, and patterns with a table of these.

    Raises:
        BadConfig: Anything else.
    """
    if not isinstance(table, dict):
        raise _bad(field, "should be a table of metrics with their limits")
    every: dict[str, str] = {}
    named: dict[str, Limits] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            for metric in value:
                _check_metric(str(metric), f"{field}.{key}")
            named[key] = _limits(value, f"{field}.{key}")
        else:
            _check_metric(key, field)
            every[key] = value
    return Rules(_limits(every, field), named)


def joined(first: Rules, second: Rules) -> Rules:
    """Both; where they name the same, the second counts."""
    every = first.every.model_copy(update=second.every.model_dump(exclude_none=True))
    return Rules(every, {**first.named, **second.named})


def limit_of(limits: Limits, metric: GateMetric) -> str:
    """The one given, or the default; empty for a metric that is shown and not judged unless it is named."""
    given: str | None = getattr(limits, metric)
    return DEFAULTS.get(metric, "") if given is None else given


def movement(metric: GateMetric, base: float, head: float, limit: str) -> tuple[bool, bool]:
    """Whether it moved to the worse by more than the limit allows, and whether to the better.

    Decimal throughout: a fall from 90.2 to 89.7 is 0.5 points and no more. To the better counts any
    fall of a cost, and a rise of top1 by more than it may fall.
    """
    before, after = Decimal(str(base)), Decimal(str(head))
    if WRITTEN[metric].sign == "-":
        before, after = after, before  # what may fall is worse by what the base has more
    worse_by = after - before
    most = max(one.at(Decimal(str(base))) for one in allowances(metric, limit))
    return worse_by > most, worse_by < (-most if metric == "top1" else 0)


def _limits(found: Mapping[str, object], field: str) -> Limits:
    try:
        return Limits.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise _bad(field, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _check_metric(metric: str, field: str) -> None:
    if metric not in METRICS:
        near = get_close_matches(metric, METRICS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(METRICS)}"
        raise _bad(field, f"there is no metric {metric[:40]!r}; {hint}")


def _bad(field: str, words: str) -> BadConfig:
    return BadConfig(f"{field}: {words}", (Problem(field, "limit", words),))
