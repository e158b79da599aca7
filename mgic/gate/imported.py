"""Top-1 that was measured elsewhere, as a number: what it says of base and head, and that nobody here has seen it."""

import math
import re
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from mgic.errors import BadConfig, Problem
from mgic.records import MetricVerdict, Record, RowVerdict
from mgic.records.limits import allowance
from mgic.statistics.proportions import binomial_interval

WRITTEN = re.compile(r"(?:(?P<model>.+)=)?top1=(?P<values>[0-9.,]+)(?::n=(?P<n>[0-9]{1,9}))?")
EXAMPLE = "top1=74.8:n=50000, or with that of the base before it top1=75.1,74.8:n=50000"
Percent = Annotated[float, Field(ge=0, le=100)]


class Imported(Record):
    """One number of one model; the file has a list of these."""

    model: str = Field("", max_length=500)  # empty: the only one that is compared
    base: Percent | None = None
    head: Percent
    n: int | None = Field(None, ge=1, le=10**9)  # test samples of each; without it nothing is judged


NUMBERS = TypeAdapter(list[Imported])


def parse_imported(text: str, field: str) -> Imported:
    """`[MODEL=]top1=[BASE,]HEAD[:n=SAMPLES]`. Raises `BadConfig`."""
    found = WRITTEN.fullmatch(text)
    values = found["values"].split(",") if found else []
    if found is None or not 1 <= len(values) <= 2:
        raise _bad(field, f"{EXAMPLE} is wanted, not {text[:80]!r}; all else is measured here")
    sides = dict(zip(("head", "base"), reversed(values), strict=False))
    try:
        return Imported.model_validate({"model": found["model"] or "", "n": found["n"], **sides}, strict=False)
    except ValidationError as error:
        raise _invalid(error, field) from error


def read_imported(document: bytes, field: str) -> list[Imported]:
    """A JSON list of such numbers. Raises `BadConfig`."""
    try:
        return NUMBERS.validate_json(document, strict=False)
    except ValidationError as error:
        raise _invalid(error, field) from error


def _invalid(error: ValidationError, field: str) -> BadConfig:
    first = error.errors()[0]
    return _bad(field, f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": "))


def of_imported(model: str, one: Imported, base: float | None, limit: str) -> MetricVerdict:
    """The row of `top1`; its interval, in points, is that of two independent shares.

    `pass` where its lower end is above the limit, `regression` where its upper end is below 0 and the loss is more
    than the limit, else `inconclusive`. Without the number of samples, or without the base's, it is `shown`.
    Source: the square-and-add interval of Newcombe 1998 (his method 10 with exact limits),
    https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C873::AID-SIM779%3E3.0.CO;2-I

    Args:
        model: Its spec.
        one: What is imported.
        base: The base's top1 where `one` has none.
        limit: Such as -0.5pp.
    """
    before = base if one.base is None else one.base
    row = MetricVerdict(
        model=model,
        base_model=model,
        metric="top1",
        base=before,
        head=one.head,
        change=None if before is None else round(one.head - before, 6),
        limit=limit,
        verdict="shown",
        note="imported, measured elsewhere; without the base's number nothing is judged",
    )
    if before is None:
        return row
    if one.n is None:
        return row.model_copy(update={"note": "imported, measured elsewhere; without :n=SAMPLES nothing is judged"})
    low, high = difference(before, one.head, one.n)
    points = float(allowance("top1", limit).amount)
    verdict: RowVerdict = "inconclusive"
    if low > -points:
        verdict = "pass"
    elif high < 0 and before - one.head > points:
        verdict = "regression"
    note = f"imported, measured elsewhere, on {one.n} samples each, which are taken to be others on either side"
    found = {"low_percent": low, "high_percent": high, "n": one.n, "improved": low > 0, "verdict": verdict}
    return row.model_copy(update={**found, "note": note})


def difference(base: float, head: float, n: int) -> tuple[float, float]:
    """The interval of head minus base, in points."""
    (low_a, high_a), (low_b, high_b) = (_interval(one, n) for one in (base, head))
    change = head - base
    return change - math.hypot(head - low_b, high_a - base), change + math.hypot(high_b - head, base - low_a)


def _interval(percent: float, n: int) -> tuple[float, float]:
    low, high = binomial_interval(round(percent * n / 100), n)
    return 100 * low, 100 * high


def _bad(field: str, words: str) -> BadConfig:
    return BadConfig(f"{field}: {words}", (Problem(field, "validation", words),))
