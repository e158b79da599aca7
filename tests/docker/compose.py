"""Read the compose files as Compose does, as far as the tests need it: variables, `!reset`, `!override`, overrides."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\})")


class Unset(Exception):
    """A variable that must be set is not."""


class Loader(yaml.SafeLoader):
    """Knows `!reset`: the key is taken away from what the override is laid over; and `!override`: it is replaced."""


class Whole(dict[str, Any]):
    """Laid over a mapping, it takes its place."""


RESET = object()
Loader.add_constructor("!reset", lambda _loader, _node: RESET)


def _whole(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return Whole(loader.construct_mapping(node, deep=True))
    return loader.construct_sequence(node)


Loader.add_constructor("!override", _whole)


def load(*names: str, environment: dict[str, str]) -> dict[str, Any]:
    """The files, each laid over those before it."""
    merged: dict[str, Any] = {}
    for name in names:
        document = yaml.load((ROOT / name).read_text(), Loader)
        merged = _over(merged, _interpolated(document, environment))
    return merged


def _over(base: Any, override: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(override, dict) or isinstance(override, Whole):
        return override
    merged = {**base, **{key: _over(base.get(key), value) for key, value in override.items()}}
    return {key: value for key, value in merged.items() if value is not RESET}


def _interpolated(value: Any, environment: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return type(value)({key: _interpolated(item, environment) for key, item in value.items()})
    if isinstance(value, list):
        return [_interpolated(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def filled(match: re.Match[str]) -> str:
        if match["name"] is None:
            return "$"
        found = environment.get(match["name"], "")
        if not found and match["kind"] == ":?":
            raise Unset(f"{match['name']}: {match['rest']}")
        return found or (match["rest"] or "" if match["kind"] == ":-" else "")

    return VARIABLE.sub(filled, value)
