"""What a value written as text means: on a command line, in an address, in a model spec."""

import re
from collections.abc import Iterable
from math import isfinite

from mgic.errors import BadConfig, Problem
from mgic.records import Scalar

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
LEADING_ZERO = re.compile(r"[+-]?0[0-9]+")
MAX_DIGITS = 400
WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}


def parse_literal(text: str) -> Scalar:
    """An integer, a number, true, false, null or none; anything else is text, and so is what stands in quotes.

    Raises:
        BadConfig: A number that no float can hold.
    """
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if LEADING_ZERO.fullmatch(text) or not NUMBER.fullmatch(text):
        return text
    if len(text) <= MAX_DIGITS:
        number = int(text) if INTEGER.fullmatch(text) else float(text)
        if isfinite(number):
            return number
    detail = f"{text[:40]} is too large for a number"
    raise BadConfig(detail, (Problem("", "number_size", detail),))


def parse_ranges(texts: Iterable[str]) -> dict[str, dict[str, Scalar]]:
    """The space of a search, a range a text: `FIELD=MIN:MAX`, and `:log` or `:STEP` behind it or nothing.

    Raises:
        BadConfig: A text is none, or a field has two.
    """
    space: dict[str, dict[str, Scalar]] = {}
    for text in texts:
        field, equals, ends = text.partition("=")
        low, _, rest = ends.partition(":")
        high, more, last = rest.partition(":")
        if not (field and equals and low and high) or (more and not last) or ":" in last:
            raise BadConfig(f"FIELD=MIN:MAX, and :log or :STEP behind it, is wanted, not {text[:60]!r}")
        if field in space:
            raise BadConfig(f"{field[:60]} has two ranges")
        space[field] = {"min": parse_literal(low), "max": parse_literal(high)}
        if more:
            space[field] |= {"log": True} if last == "log" else {"step": parse_literal(last)}
    return space
