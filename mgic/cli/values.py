"""What `field=value,value` on a command line means.

A value is an integer, a number, true, false, null or none; anything else is text, and so is
what stands in quotes. Commas separate values except inside brackets and parentheses:

    group_size=4,8                     two values
    seed=0..4 or seed=range(5)         five values, 0 to 4; range(first,end,step) as in Python
    models=a(group_size=8,width=2),b   two values, the first with a comma of its own
    milestones=[100,150],[50]          two values, each a list
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from mgic.errors import BadConfig
from mgic.literals import parse_literal
from mgic.records import MAX_SWEEP_RUNS, Scalar, Value

FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
CLOSES = {"(": ")", "[": "]"}
SERIES = re.compile(r"([+-]?\d{1,18})\s*\.\.\s*([+-]?\d{1,18})", re.ASCII)
RANGE = re.compile(r"range\((.*)\)", re.IGNORECASE)
WHOLE = re.compile(r"\s*[+-]?\d{1,18}\s*", re.ASCII)
EXACT = 2**53  # up to here every whole number is a float of its own
HOW = {
    "integer": "a whole number is written 10, 1e2 or 10.0, several 0,1,2 or 0..2",
    "number": "a number is written 0.1 or 1e-3, several 0.1,0.2",
    "boolean": "it is written true or false",
}


def parse_axes(arguments: Iterable[str]) -> dict[str, list[Value]]:
    """The axes of a grid, in the order given. Raises `BadConfig` for what is not `field=value,...`."""
    axes: dict[str, list[Value]] = {}
    for field, text in _fields(arguments):
        axes[field] = [value for part in _split(field, text) for value in _values(field, part)]
    return axes


def parse_options(arguments: Iterable[str]) -> dict[str, Value]:
    """One value a field. Raises `BadConfig`, also where a field has several."""
    options: dict[str, Value] = {}
    for field, text in _fields(arguments):
        parts = _split(field, text)
        if len(parts) > 1:
            raise BadConfig(f"{field}: one value is wanted here, not {len(parts)}")
        values = _values(field, parts[0])
        if len(values) > 1:
            raise BadConfig(f"{field}: one value is wanted here, not the {len(values)} of {parts[0]}")
        options[field] = _whole(values[0])
    return options


def parse_size(text: str, option: str = "--input") -> tuple[int, ...]:
    """`3,32,32` as (channels, height, width); `3,1024` and `2` are sizes of other kinds of samples."""
    parts = [part.strip() for part in text.split(",")]
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"[1-9][0-9]{0,5}", part) for part in parts):
        raise BadConfig(f"{option}: channels,height,width are wanted, such as 3,32,32, not {text[:60]!r}")
    return tuple(map(int, parts))


def fit(axes: dict[str, list[Value]], config_schema: dict[str, Any]) -> dict[str, list[Value]]:
    """The axes as the experiment's fields take them: 1e2 and 10.0 are whole numbers to who counts, `a,b` may be a list.

    Raises:
        BadConfig: A field of numbers has a value that is none; the message shows how one is written.
    """
    fields = config_schema.get("properties", {})
    fitted: dict[str, list[Value]] = {}
    for field, values in gather_lists(axes, config_schema).items():
        # Of a model's options the schema knows nothing; one that is a float takes whole numbers too.
        kinds = _kinds(fields[field]) if field in fields else set()
        whole = not kinds or ("integer" in kinds and "number" not in kinds)
        fitted[field] = [_whole(value) if whole else value for value in values]
        for kind, how in HOW.items():
            if kind in kinds and not kinds & {"string", "array"}:
                _refuse_text(field, fitted[field], how)
                break
    return fitted


def _kinds(schema: dict[str, Any]) -> set[str]:
    """The JSON types a field may have, and those of what its lists hold."""
    members = [schema, *schema.get("anyOf", ())]
    members += [member["items"] for member in members if "items" in member]
    found = {str(member["type"]) for member in members if "type" in member}
    if any("enum" in member or "$ref" in member or "const" in member for member in members):
        found.add("string")
    return found


def _whole(value: Value) -> Value:
    if isinstance(value, list):
        return [_whole(each) for each in value]  # type: ignore[misc]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT
    return int(value) if is_whole else value  # type: ignore[arg-type]


def _refuse_text(field: str, values: list[Value], how: str) -> None:
    for value in values:
        if isinstance(value, str):
            raise BadConfig(f"{field}: {how}; {value[:60]!r} is not")


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
        if not argument.isascii():
            _check_utf8(argument)
        field, equals, text = argument.partition("=")
        if not equals or not FIELD.fullmatch(field):
            raise BadConfig(f"field=value is wanted, such as group_size=4,8, not {argument[:60]!r}")
        if field in seen:
            raise BadConfig(f"{field} is given twice; several values are separated by commas: {field}=a,b")
        seen.add(field)
        yield field, text


def _check_utf8(argument: str) -> None:
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise BadConfig(f"{argument[: error.start][:60]!r}... has bytes in it that are no UTF-8") from error


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


def _values(field: str, text: str) -> list[Value]:
    """One value, or those of a series."""
    if text.startswith("["):
        return [_list(field, text)]
    series = _series(field, text)
    return [_scalar(field, text)] if series is None else list(series)


def _series(field: str, text: str) -> Sequence[int] | None:
    """The whole numbers of `first..last`, last included, or of `range(end)` and its like, end excluded.

    Raises:
        BadConfig: It has no number in it, or more than a sweep may have runs.
    """
    if found := SERIES.fullmatch(text):
        first, last = int(found[1]), int(found[2])
        numbers = range(first, last + 1)
    elif found := RANGE.fullmatch(text):
        parts = found[1].split(",")
        if not 1 <= len(parts) <= 3 or not all(map(WHOLE.fullmatch, parts)) or (len(parts) == 3 and int(parts[2]) == 0):
            raise BadConfig(f"{field}: a series is written 0..4, range(5) or range(0,5), not {text[:60]!r}")
        numbers = range(*map(int, parts))
    else:
        return None
    if not numbers:
        raise BadConfig(f"{field}: there is no number in {text[:60]}; a series goes up, as 0..4 does")
    if len(numbers) > MAX_SWEEP_RUNS:
        raise BadConfig(f"{field}: {text[:60]} has {len(numbers)} values, a sweep has at most {MAX_SWEEP_RUNS} runs")
    return numbers


def _list(field: str, text: str) -> list[Scalar]:
    if not text.endswith("]"):
        raise BadConfig(f"{field}: a comma is missing after ']' in {text[:60]!r}")
    inner = text[1:-1].strip()
    found: list[Scalar] = []
    for part in _split(field, inner) if inner else ():
        series = _series(field, part)
        found += [_scalar(field, part)] if series is None else series
    return found


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
