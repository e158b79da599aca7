"""How far a metric may move to the worse: as it is written, and what it then allows."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mgic.records.base import Record

ExactMetric = Literal["params", "macs", "size_bytes"]
TimedMetric = Literal["cpu_time", "instructions", "peak_memory", "wall_time", "p50", "throughput"]
GateMetric = Literal[ExactMetric, TimedMetric, "top1"]

MAX_PERCENT = 1000
BYTES = MappingProxyType({"B": 1, "kB": 1000, "MB": 10**6, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30})
TIMES = MappingProxyType({"us": Decimal("0.001"), "ms": Decimal(1), "s": Decimal(1000)})
NOTHING: Mapping[str, Any] = MappingProxyType({})
OR = " or "
NUMBER = re.compile(r"([+-])([0-9]{1,15}(?:\.[0-9]{1,6})?)([A-Za-z%]*)")


class Written(NamedTuple):
    """How the limits of one metric are written.

    Args:
        sign: "+" for what may rise, "-" for what may fall.
        units: Of an absolute limit, each with how much of the metric's own unit it is; "" is a plain number.
        percent: Whether a share of the base may be given.
        example: One that holds.
    """

    sign: str
    units: Mapping[str, Any]
    percent: bool
    example: str


WRITTEN: Mapping[GateMetric, Written] = MappingProxyType(
    {
        "params": Written("+", {"": 1}, True, "+1% or +1000"),
        "macs": Written("+", {"": 1}, True, "+1% or +1000000"),
        "size_bytes": Written("+", {"": 1, **BYTES}, True, "+1% or +1KiB"),
        "cpu_time": Written("+", TIMES, True, "+5% or +0.5ms"),
        "instructions": Written("+", NOTHING, True, "+5%"),
        "peak_memory": Written("+", BYTES, True, "+5% or +1MiB"),
        "wall_time": Written("+", TIMES, True, "+10% or +0.5ms"),
        "p50": Written("+", TIMES, True, "+10% or +0.5ms"),
        "throughput": Written("-", NOTHING, True, "-10%"),
        "top1": Written("-", {"pp": 1}, False, "-0.5pp"),
    }
)


class Allowance(NamedTuple):
    """How far it may move to the worse: by `amount` of the metric's own unit, or by so many per cent of the base."""

    amount: Decimal
    relative: bool

    def at(self, base: Decimal) -> Decimal:
        """In the metric's own unit, from this value of the base."""
        return base * self.amount / 100 if self.relative else self.amount


def allowances(metric: GateMetric, text: str) -> tuple[Allowance, ...]:
    """Read a limit, or two with `or` between them, of which the one that allows more counts: `+5% or +1MiB`.

    Raises:
        PydanticCustomError: It is none of this metric, or two of one kind.
    """
    found = tuple(allowance(metric, part) for part in text.split(OR))
    if len({one.relative for one in found}) != len(found):
        raise PydanticCustomError("limit", "has `or` between a share and an amount, such as +5% or +1MiB")
    return found


def allowance(metric: GateMetric, text: str) -> Allowance:
    """Read a limit.

    Raises:
        PydanticCustomError: It is none of this metric.
    """
    written = WRITTEN[metric]
    found = NUMBER.fullmatch(text)
    if found is not None and found[1] == written.sign:
        amount, unit = Decimal(found[2]), found[3]
        if unit == "%" and written.percent and amount <= (MAX_PERCENT if written.sign == "+" else 100):
            return Allowance(amount, True)
        if unit in written.units and not (unit == "pp" and amount > 100):
            return Allowance(amount * written.units[unit], False)
    way = "rise" if written.sign == "+" else "fall"
    most = "-100pp" if not written.percent else f"{written.sign}{_most(written)}%"
    words = f"should be how far it may {way}, such as {written.example}, and at most {most}"
    raise PydanticCustomError("limit", words)


def _most(written: Written) -> int:
    return MAX_PERCENT if written.sign == "+" else 100


def _field(metric: GateMetric, default: str) -> Any:
    way = "rise" if WRITTEN[metric].sign == "+" else "fall"
    said = f"{default}, the default" if default else "without it the metric is shown and not judged"
    words = f"May {way} by so much, such as {WRITTEN[metric].example}; {said}"
    return Field(None, max_length=32, description=words, examples=[WRITTEN[metric].example.split(" ")[0]])


DEFAULTS: Mapping[GateMetric, str] = MappingProxyType(
    {
        "params": "+0%",
        "macs": "+0%",
        "size_bytes": "+1KiB",
        "top1": "-0.5pp",
        "cpu_time": "+5%",
        "instructions": "+5%",
        "peak_memory": "+5% or +0.5MiB",  # what a process holds is told in pages, and small networks hold few
    }
)

Text = Annotated[str | None, Field()]


class Limits(Record):
    """How far each metric may move to the worse.

    One that is named must be measured, `top1` for every model that has one on either side; the
    others have defaults, or are shown and not judged.
    """

    params: Text = _field("params", DEFAULTS["params"])
    macs: Text = _field("macs", DEFAULTS["macs"])
    size_bytes: Text = _field("size_bytes", DEFAULTS["size_bytes"])
    cpu_time: Text = _field("cpu_time", DEFAULTS["cpu_time"])
    instructions: Text = _field("instructions", DEFAULTS["instructions"])
    peak_memory: Text = _field("peak_memory", DEFAULTS["peak_memory"])
    wall_time: Text = _field("wall_time", "")
    p50: Text = _field("p50", "")
    throughput: Text = _field("throughput", "")
    top1: Text = _field("top1", DEFAULTS["top1"])

    @field_validator("*")
    @classmethod
    def _readable(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            allowances(info.field_name, text)  # type: ignore[arg-type]  # its fields are the metrics
        return text
