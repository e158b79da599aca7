"""What `field=value,value` on a command line means.

A value is an integer, a number, true, false, null or none; anything else is text, and so is
what stands in quotes. Commas separate values except inside brackets and parentheses:

    group_size=4,8                     two values
    models=a(group_size=8,width=2),b   two values, the first with a comma of its own
    milestones=[100,150],[50]          two values, each a list
"""

import re
from collections.abc import Iterable
from typing import Any

from mgic.errors import BadConfig
from mgic.literals import parse_literal
from mgic.records import Scalar, Value

FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CLOSES = {"(": ")", "[": "]"}


def parse_axes(arguments: Iterable[str]) -> dict[str, list[Value]]:
    """The axes of a grid, in the order given. Raises `BadConfig` for what is not `field=value,...`."""
    axes: dict[str, list[Value]] = {}
    for field, text in _fields(arguments):
        axes[field] = [_value(field, part) for part in _split(field, text)]
    return axes


def parse_options(arguments: Iterable[str]) -> dict[str, Value]:
    """One value a field. Raises `BadConfig`, also where a field has several."""
    options: dict[str, Value] = {}
    for field, text in _fields(arguments):
        parts = _split(field, text)
        if len(parts) > 1:
            raise BadConfig(f"{field}: one value is wanted here, not {len(parts)}")
        options[field] = _value(field, parts[0])
    return options


def parse_size(text: str, option: str = "--input") -> tuple[int, ...]:
    """`3,32,32` as (channels, height, width); `3,1024` and `2` are sizes of other kinds of samples."""
    parts = [part.strip() for part in text.split(",")]
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"[1-9][0-9]{0,5}", part) for part in parts):
        raise BadConfig(f"{option}: channels,height,width are wanted, such as 3,32,32, not {text[:60]!r}")
    return tuple(map(int, parts))


def gather_lists(axes: dict[str, list[Value]], config_schema: dict[str, Any]) -> dict[str, list[Value]]:
    """Where a field takes nothing but lists, `a,b` is one list of two, not two values."""
    fields = config_schema.get("properties", {})
    gathered: dict[str, list[Value]] = {}
    for field, values in axes.items():
        plain = [value for value in values if not isinstance(value, list)]
        only_lists = fields.get(field, {}).get("type") == "array"
        gathered[field] = [plain] if only_lists and len(plain) == len(values) else values
    return gathered


def _fields(arguments: Iterable[str]) -> Iterable[tuple[str, str]]:
    seen: set[str] = set()
    for argument in arguments:
        field, equals, text = argument.partition("=")
        if not equals or not FIELD.fullmatch(field):
            raise BadConfig(f"field=value is wanted, such as group_size=4,8, not {argument[:60]!r}")
        if field in seen:
            raise BadConfig(f"{field} is given twice; several values are separated by commas: {field}=a,b")
        seen.add(field)
        yield field, text


def _split(field: str, text: str) -> list[str]:
    """At the commas outside of brackets, parentheses and quotes; no part is empty."""
    parts, part, open_marks, quote = [], "", [], ""
    for mark in text:
        if quote:
            quote = "" if mark == quote else quote
        elif mark in "\"'" and not part.strip():
            quote = mark
        elif mark in CLOSES:
            open_marks.append(CLOSES[mark])
        elif mark in ")]" and (not open_marks or open_marks.pop() != mark):
            raise BadConfig(f"{field}: {mark!r} closes nothing in {text[:60]!r}")
        if mark == "," and not open_marks and not quote:
            parts.append(part.strip())
            part = ""
        else:
            part += mark
    if open_marks or quote:
        raise BadConfig(f"{field}: {(open_marks or [quote])[-1]!r} is missing in {text[:60]!r}")
    parts.append(part.strip())
    if "" in parts:
        raise BadConfig(f"{field} has an empty value; an empty text is written {field}=''")
    return parts


def _value(field: str, text: str) -> Value:
    if text.startswith("["):
        if not text.endswith("]"):
            raise BadConfig(f"{field}: a comma is missing after ']' in {text[:60]!r}")
        inner = text[1:-1].strip()
        return [_scalar(field, part) for part in _split(field, inner)] if inner else []
    return _scalar(field, text)


def _scalar(field: str, text: str) -> Scalar:
    if text[0] in "\"'":
        if len(text) < 2 or text[-1] != text[0]:
            raise BadConfig(f"{field}: a comma is missing after the quotes in {text[:60]!r}")
        return parse_literal(text)
    if text[0] == "[":
        raise BadConfig(f"{field}: a list cannot hold a list")
    try:
        return parse_literal(text)
    except BadConfig as error:
        raise BadConfig(f"{field}: {error}") from error
