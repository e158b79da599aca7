"""Model specs: a model with options as one string, `mgic_resnet20(group_size=8,coarsest_size=16)`.

A value is an integer, a decimal number, true, false, null, or a word; a text that would
read as one of these, or has other characters in it, stands in quotes.
"""

import re
from collections.abc import Mapping

from mgic.errors import BadConfig, Problem
from mgic.literals import WORDS, parse_literal
from mgic.records import MODEL_NAME_PATTERN, Scalar

MAX_LENGTH = 2000  # characters; far more than any model has options for

_SPEC = re.compile(rf"\s*(?P<name>{MODEL_NAME_PATTERN})\s*(?:\((?P<inside>.*)\)\s*)?", re.ASCII | re.DOTALL)
_OPTION = re.compile(r"""\s*(?P<name>[A-Za-z_]\w*)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s,()'"=]+)\s*(?:,|$)""", re.ASCII)


def parse_spec(spec: str) -> tuple[str, dict[str, Scalar]]:
    """The model's name and the options given, as yet unchecked: `resolve_options` does that.

    Raises:
        BadConfig: Not of the form `name` or `name(option=value,...)`, or an option twice.
    """
    found = _SPEC.fullmatch(spec) if len(spec) <= MAX_LENGTH else None
    if found is None:
        raise _nonsense(spec, "write name or name(option=value,...)")
    name, inside = found["name"], found["inside"] or ""
    options: dict[str, Scalar] = {}
    at = 0
    while inside[at:].strip():
        option = _OPTION.match(inside, at)
        if option is None:
            raise _nonsense(spec, f"{inside[at:][:80]!r} is not option=value")
        if option["name"] in options:
            raise _nonsense(spec, f"{option['name']!r} stands there twice")
        options[option["name"]] = parse_literal(option["value"])
        at = option.end()
    return name, options


def format_spec(name: str, options: Mapping[str, Scalar]) -> str:
    """The spec that `parse_spec` reads back as the same name and options.

    Raises:
        BadConfig: A value or a name that no spec can hold, such as a list or a NaN.
    """
    inside = ",".join(f"{option}={_format_value(option, value)}" for option, value in options.items())
    spec = f"{name}({inside})" if inside else name
    if parse_spec(spec) != (name, dict(options)):
        raise _nonsense(spec, "it does not read back as the same")
    return spec


def _format_value(option: str, value: Scalar) -> str:
    if isinstance(value, str):
        bare = re.fullmatch(r"[^\s,()'\"=]+", value) and parse_literal(value) == value
        if bare:
            return value
        return f"'{value}'" if '"' in value else f'"{value}"'
    for word, meaning in WORDS.items():
        if value is meaning:
            return word
    if isinstance(value, int | float):
        return repr(value)
    raise _nonsense(option, f"a {type(value).__name__} has no place in a spec")


def _nonsense(spec: str, why: str) -> BadConfig:
    detail = f"{spec[:200]!r} is no model spec: {why}"
    return BadConfig(detail, (Problem("model", "bad_spec", detail),))
