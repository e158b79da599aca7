"""What is exact of a model: parameters, multiply-accumulates, bytes."""

from collections.abc import Mapping
from typing import Any

from mgic import models as model_registry
from mgic.errors import BadConfig, Problem
from mgic.measure.cost import model_totals
from mgic.measure.size import model_state_bytes
from mgic.records import ModelFigures
from mgic.spec import format_spec, parse_spec

MAX_INPUT = 2**14  # pixels a side, or points; larger samples are no network's input
SHAPES = {1: "the number of inputs", 2: "channels,points", 3: "channels,height,width"}  # by how many numbers it has


def canonical(spec: str) -> str:
    """The one way to write the spec: the options that are given, in the model's own order.

    Raises:
        UnknownName: No such model.
        BadConfig: It reads as no spec, or has options the model does not take.
    """
    name, given = parse_spec(spec)
    resolved = model_registry.resolve_options(name, given)
    own = {option: value for option, value in resolved.items() if option in given}
    return format_spec(model_registry.canonical_name(name), own)


def figures(spec: str, input_size: tuple[int, ...] | None = None) -> ModelFigures:
    """Counted on shapes.

    Args:
        spec: The model with options, as text.
        input_size: As in `at_size`.

    Raises:
        UnknownName: No such model.
        BadConfig: An option the model does not have or does not take, or an input it cannot read.
    """
    name, given = parse_spec(spec)
    found = model_totals(name, *at_size(name, given, input_size))
    return ModelFigures(
        model=canonical(spec),
        options=found.options,
        input_size=found.input_size,
        params=found.params,
        macs=found.macs,
        size_bytes=model_state_bytes(found.model, found.options),
    )


def at_size(
    name: str, options: Mapping[str, object], input_size: tuple[int, ...] | None
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """All options of a model, and the size of one sample, without the batch.

    Args:
        name: The model.
        options: Those that differ from its defaults.
        input_size: `in_channels` follows from it unless it is given. None: the size the model is made for, with
            `in_channels` channels.

    Raises:
        UnknownName, BadConfig: As `figures`.
    """
    native = model_registry.model_info(name).input_size
    given = dict(options)
    if input_size is not None:
        _check_input(input_size, native)
        given.setdefault("in_channels", input_size[0])
    resolved = model_registry.resolve_options(name, given)
    return resolved, input_size or model_registry.native_size(name, resolved)


def _check_input(size: tuple[int, ...], native: tuple[int, ...]) -> None:
    if len(size) != len(native) or not all(0 < n <= MAX_INPUT for n in size):
        example = ",".join(map(str, native))
        detail = f"must be {SHAPES[len(native)]}, such as {example}, with numbers from 1 to {MAX_INPUT}"
        raise BadConfig(detail, (Problem("input_size", "input_size", detail),))
