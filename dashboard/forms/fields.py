"""From JSON schemas to the fields of a form, and from what is typed there to grids."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mgic.records import ExperimentInfo, Grid, ModelInfo, Scalar, Value

Kind = Literal["integer", "number", "string", "boolean", "array"]
Choices = Literal["models", "datasets"]

COMMON = ("seed", "epochs", "max_steps", "batch_size", "learning_rate", "weights")
MAX_GRIDS = 50  # of a SweepRequest


class BadText(ValueError):
    """What was typed into a field is no list of values of its kind; `str()` is fit to show."""


@dataclass(frozen=True)
class Field:
    """One field of a config, as a form needs it."""

    name: str
    kind: Kind
    description: str = ""
    default: Value = None
    has_default: bool = False  # False: the default differs from model to model
    nullable: bool = False
    enum: tuple[Scalar, ...] = ()
    choices: Choices | None = None
    task: str = ""  # of the choices, only those for it; empty: all
    unit: str = ""
    low: float | None = None  # the least and the largest number it takes, and the step between them
    high: float | None = None
    step: float | None = None
    item: Kind = "string"  # of an array
    of: tuple[str, ...] = ()  # it names a run of one of these experiments
    title: str = ""
    models: tuple[str, ...] = ()  # an option: the models that have it; empty for a field of the experiment

    @property
    def label(self) -> str:
        """Title and unit."""
        title = self.title or self.name
        return f"{title} ({self.unit})" if self.unit and not title.lower().endswith(self.unit.lower()) else title

    @property
    def help(self) -> str:
        """Name, description, unit, default and, of an option, which models take it."""
        default = f" Default: {written(self.default) or 'none'}." if self.has_default else ""
        unit = f" Unit: {self.unit}." if self.unit else ""
        models = f" An option of {', '.join(self.models)}." if self.models else ""
        run = " The id of a run, or sweep:ID for each of a sweep; the model and its options are the run's."
        name = f"{self.name}: {self.description.rstrip('.')}" if self.description else self.name
        return f"{name}.{unit}{default}{models}{run if self.of else ''}"


def config_fields(info: ExperimentInfo) -> list[Field]:
    """The fields that every config of the experiment has, in the order of its schema."""
    definitions = info.config_schema.get("$defs", {})
    return [_field(name, spec, definitions) for name, spec in info.config_schema.get("properties", {}).items()]


def model_fields(model: ModelInfo) -> list[Field]:
    """All options of one model, in the order of its schema."""
    definitions = model.options.get("$defs", {})
    return [_field(name, spec, definitions) for name, spec in model.options.get("properties", {}).items()]


def option_fields(info: ExperimentInfo, models: Iterable[ModelInfo]) -> list[Field]:
    """The options of the chosen models that are no fields of the experiment, each named once."""
    if not info.config_schema.get("additionalProperties"):
        return []
    known = info.config_schema.get("properties", {})
    found: dict[str, Field] = {}
    for model in models:
        for one in model_fields(model):
            if one.name not in known:
                field = replace(one, models=(model.name,))
                found[one.name] = _merged(found[one.name], field) if one.name in found else field
    return list(found.values())


def is_rare(field: Field, info: ExperimentInfo) -> bool:
    """False for what is usually changed: choices, runs, axes of plots, what recipes vary, and a few by name."""
    drawn = {name for view in info.views for name in (view.x, view.y, view.z, view.series)}
    varied = {name for recipe in info.recipes for grid in recipe.grids for name in grid if len(grid[name]) > 1}
    few = len(info.config_schema.get("properties", {})) <= 8
    return not (few or field.choices or field.of or field.name in drawn | varied or field.name in COMMON)


def parse(field: Field, text: str) -> list[Value]:
    """Comma-separated values; lists are separated by semicolons. Raises `BadText` with the part at fault."""
    parts = [part.strip() for part in text.split(";" if field.kind == "array" else ",")]
    return [_value(field, part) for part in parts if part]


def written(axis: Value | Sequence[Value]) -> str:
    """An axis, or one value, as it would be typed."""
    if isinstance(axis, (list, tuple)):
        nested = any(isinstance(one, (list, tuple)) for one in axis)
        return ("; " if nested else ", ").join(written(one) for one in axis)
    if axis is None:
        return ""
    return json.dumps(axis) if isinstance(axis, (bool, int, float)) else str(axis)


def given(values: Mapping[str, list[Value]], fields: Iterable[Field]) -> Grid:
    """What a form says beyond its defaults; models and data sets are named even if they are the default ones."""
    by_name = {field.name: field for field in fields}
    return {name: axis for name, axis in values.items() if axis and not _is_default(by_name[name], axis)}


def grids(values: Mapping[str, list[Value]], fields: Sequence[Field], models: Sequence[ModelInfo]) -> list[Grid]:
    """One grid for all models that share the same options; a field at its default is left out.

    An option goes only to the models that have it, so that a sweep over two families
    needs no thought about which takes what. Without a model, which a run that is named then has, there is one grid.
    """
    by_name = {field.name: field for field in fields}
    found = given(values, fields)
    common: Grid = {name: axis for name, axis in found.items() if not by_name[name].models and name != "model"}
    options = {name: axis for name, axis in found.items() if by_name[name].models}
    if "model" not in values or not models:
        return [{**common, **options}]
    groups: dict[str, list[str]] = {}
    for model in models:
        has = sorted(name for name in options if model.name in by_name[name].models)
        groups.setdefault(json.dumps(has), []).append(model.name)
    return [
        {"model": list(names), **common, **{name: options[name] for name in json.loads(has)}}
        for has, names in groups.items()
    ]


def without(cells: Sequence[Mapping[str, Value]]) -> list[Grid]:
    """Grids that hold exactly these cells: cells that differ in one field only share a grid."""
    best: list[Grid] = [{name: [value] for name, value in cell.items()} for cell in cells]
    for axis in {name for cell in cells for name in cell}:
        merged: dict[str, Grid] = {}
        for cell in cells:
            key = json.dumps([axis in cell, {k: v for k, v in cell.items() if k != axis}], sort_keys=True)
            grid = merged.setdefault(key, {name: [value] for name, value in cell.items() if name != axis})
            if axis in cell:
                grid.setdefault(axis, []).append(cell[axis])
        if len(merged) < len(best):
            best = list(merged.values())
    return best


def field_of(pointer: str) -> tuple[int | None, str]:
    """Which grid (None for `axes`) and field an error of the API is about: `#/grids/1/group_size/0`."""
    parts = pointer.removeprefix("#").strip("/").split("/")
    if parts[0] == "axes" and len(parts) > 1:
        return None, parts[1]
    if parts[0] == "grids" and len(parts) > 2 and parts[1].isdigit():
        return int(parts[1]), parts[2]
    return None, parts[0]


def _field(name: str, spec: dict[str, Any], definitions: Mapping[str, Any]) -> Field:
    branches = [_followed(one, definitions) for one in spec.get("anyOf", [spec])]
    concrete = [one for one in branches if one.get("type") != "null"] or [{}]
    main = {**concrete[0], **{key: value for key, value in spec.items() if key not in ("anyOf", "$ref")}}
    kinds = {one.get("type", "string") for one in concrete}
    default = main.get("default")
    return Field(
        name=name,
        kind="number" if kinds == {"integer", "number"} else _kind(main),
        title=spec.get("title", ""),
        description=main.get("description", ""),
        default=default,
        has_default="default" in main,
        nullable=len(concrete) < len(branches),
        enum=tuple(main.get("enum", [main["const"]] if "const" in main else [])),
        choices=main.get("choices"),
        task=main.get("task", ""),
        unit=main.get("unit", ""),
        low=main.get("minimum"),
        high=main.get("maximum"),
        step=main.get("multipleOf"),
        of=tuple(main.get("input", {}).get("of", ())),
        item=_kind(_followed(main.get("items", {}), definitions)),
    )


def _followed(spec: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """The schema itself where `spec` is a `$ref`, with what stands beside the reference."""
    reference = spec.get("$ref", "").rpartition("/")[2]
    return {**definitions.get(reference, {}), **spec} if reference else spec


def _kind(spec: Mapping[str, Any]) -> Kind:
    given = spec.get("type")
    return given if given in ("integer", "number", "boolean", "array") else "string"


def _merged(one: Field, other: Field) -> Field:
    same = one.default == other.default and one.has_default and other.has_default
    return replace(
        one,
        has_default=same,
        default=one.default if same else None,
        enum=tuple(dict.fromkeys(one.enum + other.enum)),
        models=one.models + other.models,
    )


def _is_default(field: Field, axis: list[Value]) -> bool:
    return field.has_default and not field.choices and axis == [field.default]


def _value(field: Field, text: str) -> Value:
    if field.nullable and text.lower() in ("none", "null"):
        return None
    if field.kind == "array":
        return [_scalar(field.name, field.item, part.strip()) for part in text.split(",") if part.strip()]
    return _scalar(field.name, field.kind, text)


def _scalar(name: str, kind: Kind, text: str) -> Scalar:
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind not in ("integer", "number"):
        return text
    try:
        number = int(text) if kind == "integer" else float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadText(f"{name}: “{text}” is not {'a whole number' if kind == 'integer' else 'a number'}")
    return number
