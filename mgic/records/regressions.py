"""Comparisons as the service keeps them: what it takes, how they stand in a list, and a metric over time."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from mgic.records.base import Record
from mgic.records.comparison import Comparison, GateVerdict, MetricVerdict, Origin

MAX_TEXT = 4_000  # characters of one text
MAX_FAULTS = 50
Step = int | str


def _faults(value: Any, place: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], str, Any]]:
    """What no database keeps and no page shows, each with its place and words."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _faults(one, (*place, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _faults(one, (*place, number))
    elif isinstance(value, str):
        if len(value) > MAX_TEXT:
            yield place, f"should have at most {MAX_TEXT} characters", value
        elif any((c < " " and c not in "\n\t") or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in value):
            yield place, "should be text without control characters", value
    elif isinstance(value, int) and abs(value) >= 2**63:
        yield place, "should be below 2^63", value


def _checked(value: Any) -> Any:
    """Raises `ValidationError`, which has a place for each fault."""
    found = [fault for fault, _ in zip(_faults(value, ()), range(MAX_FAULTS), strict=False)]
    if found:
        raise ValidationError.from_exception_data(
            "Comparison", [_detail("plain_value", place, words, given) for place, words, given in found]
        )
    return value


def _detail(code: str, place: tuple[Step, ...], words: str, given: Any) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(code, "{words}", {"words": words}), loc=place, input=given)


class MeasuredRequest(Record):
    """What was measured elsewhere, such as by `mgic gate` in the checkout of a pull request, to be kept and shown.

    Its id, its time and its origin are the service's to give: what stands there for them is not read.
    """

    model_config = ConfigDict(
        json_schema_extra={"description": "What `mgic gate --json` prints, measured where it ran."}
    )

    measured: Annotated[Comparison, BeforeValidator(_checked)]

    @model_validator(mode="after")
    def _of_one_mind(self) -> "MeasuredRequest":
        """It is a regression if, and only if, one of its rows is."""
        worse = any(row.verdict == "regression" for row in self.measured.rows)
        if worse != (self.measured.verdict == "regression"):
            words = "should be regression, as one of its rows is" if worse else "none of its rows is a regression"
            place = ("measured", "verdict")
            raise ValidationError.from_exception_data(
                "Comparison", [_detail("verdict", place, words, self.measured.verdict)]
            )
        return self


class ComparisonBrief(Record):
    """A comparison in a list: without rows and samples, but for the row that is worst."""

    id: UUID
    created_at: AwareDatetime
    name: str | None
    verdict: GateVerdict
    summary: str
    origin: Origin
    baseline: str
    branch: str | None = Field(description="Of the head")
    commit: str | None
    dirty: bool | None = Field(description="Whether the head was changed since that commit")
    testbed: str | None = Field(description="The host that measured; null where nothing was timed")
    worst: MetricVerdict | None
    ci_run: str | None
    pull_request: str | None


class MetricPoint(Record):
    """One metric of one model in one comparison, as a point of its history."""

    comparison_id: UUID
    created_at: AwareDatetime
    branch: str | None
    commit: str | None
    testbed: str | None
    row: MetricVerdict
