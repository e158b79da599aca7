"""What the schemas of an experiment say of a column: its unit, which end of it is good, and what it is."""

from typing import Any, Literal

from mgic.figures.cost_axis import COST_COLUMN, cost_title
from mgic.records import ExperimentInfo, title_of

Goal = Literal["min", "max"]


def axis_title(info: ExperimentInfo, column: str, count: str = "macs", at: str = "") -> str:
    """Column and unit; of the cost what it counts, and at what size of a sample."""
    return cost_title(count, at) if is_cost(info, column) else with_unit(info, column)


def is_cost(info: ExperimentInfo, column: str) -> bool:
    """Whether it is the column that the switch of the costs counts anew."""
    return column == COST_COLUMN and is_result(info, column)


def is_result(info: ExperimentInfo, column: str) -> bool:
    """Whether it is measured, and no field of the config; it may stand in the rows of a result."""
    return any(column in properties for properties in _properties(info.result_schema))


def with_unit(info: ExperimentInfo | None, column: str) -> str:
    """`Top-1 accuracy (%)`; the title alone where it ends in its unit, as Epochs does."""
    unit, title = (unit_of(info, column) if info else ""), short_title(info, column)
    return f"{title} ({unit})" if unit and not title.lower().endswith(unit.lower()) else title


def short_title(info: ExperimentInfo | None, column: str) -> str:
    """As the experiment says, or made of the name."""
    return str((_said(info, column, "title") if info else None) or title_of(column))


def headlines(info: ExperimentInfo | None) -> dict[str, tuple[str, ...]]:
    """What stands first on the page of a run: fields of its result, each with the two of its interval, or none."""
    fields = info.result_schema.get("properties", {}) if info else {}
    return {name: tuple(about.get("ends", ())) for name, about in fields.items() if about.get("headline")}


def unit_of(info: ExperimentInfo, column: str) -> str:
    return str(_said(info, column, "unit") or "")


def goal_of(info: ExperimentInfo, column: str) -> Goal | None:
    """Which end of a result is the good one; None where the experiment does not say."""
    goal = _said(info, column, "goal")
    return goal if goal in ("min", "max") else None


def description_of(info: ExperimentInfo, column: str) -> str:
    """In words, without the marks of code in them."""
    return str(_said(info, column, "description") or "").replace("`", "")


def _said(info: ExperimentInfo, column: str, what: str) -> Any:
    for schema in (info.result_schema, info.config_schema):
        for properties in _properties(schema):
            if found := properties.get(column, {}).get(what):
                return found
    return None


def _properties(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the schema itself, and of the rows that it may have."""
    return [one.get("properties", {}) for one in (schema, *schema.get("$defs", {}).values())]
