"""Networks by their specs: which two are the same, and what sets several apart in few letters."""

from collections.abc import Mapping, Sequence
from typing import Any

from mgic.errors import BadConfig
from mgic.records import Config, Scalar
from mgic.spec import format_spec, parse_spec

FROM_DATA = ("in_channels", "num_classes")  # options that the data decide
SIZES = ("group_size", "coarsest_size")  # the paper's s_g and s_c: 4/16

Defaults = Mapping[str, Mapping[str, Any]]  # of the options of each model


def network_of(model: str, given: Mapping[str, Any], defaults: Defaults) -> str:
    """The spec with all options that differ from their defaults, but those of the data; equal for the same network."""
    known = defaults.get(model, {})
    names = [name for name in known or given if name in given and name not in FROM_DATA]
    chosen = {name: given[name] for name in names if given[name] != known.get(name)}
    return format_spec(model, chosen) if chosen else model


def of_training(config: Config, defaults: Defaults) -> str:
    """Of a run whose config has the model and its options side by side."""
    model = str(config["model"])
    return network_of(model, {name: config[name] for name in defaults.get(model, {}) if name in config}, defaults)


def short_names(specs: Sequence[str], defaults: Defaults) -> dict[str, str]:
    """By spec: the model where several are, and those of its options that differ between the specs of that model."""
    parsed = {spec: parts_of(spec) for spec in specs}
    models = {model for model, _ in parsed.values()}
    found = {}
    for spec, (model, given) in parsed.items():
        options = {**defaults.get(model, {}), **given}
        kin = [other for name, other in parsed.values() if name == model]
        names = dict.fromkeys(name for other in kin for name in other)
        told = [name for name in names if len({str(other.get(name)) for other in kin}) > 1]
        told += [name for name in SIZES if name in options and set(told) & set(SIZES) and name not in told]
        words = _options(options, told)
        found[spec] = " ".join(filter(None, [model if len(models) > 1 or not words else "", words]))
    return found


def parts_of(spec: str) -> tuple[str, dict[str, Scalar]]:
    """An old row may have a model of any name: what is no spec stands for itself."""
    try:
        return parse_spec(spec)
    except BadConfig:
        return spec, {}


def _options(options: Mapping[str, Scalar], told: Sequence[str]) -> str:
    """`4/16` for s_g and s_c; an option whose value is not known here is left out."""
    given = {name: options[name] for name in told if name in options}
    sizes = "/".join(str(given.pop(name)) for name in SIZES) if all(name in given for name in SIZES) else ""
    return " ".join(filter(None, [sizes, ", ".join(f"{name}={value}" for name, value in given.items())]))
