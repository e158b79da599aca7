"""Choices that stand in the address of a page: the page draws them as widgets, the command reads the address."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

BETWEEN = ";"  # several words of one switch: names may have commas in them
SHOWN = 60  # characters of a wrong word that are repeated


@dataclass(frozen=True)
class Switch:
    """One parameter of an address.

    Args:
        name: Of the parameter.
        title: At the widget.
        options: Words of the address and what is shown for each; none: any text, or a number within `bounds`.
        default: What holds where the address says nothing; of several, with `BETWEEN` between them.
        many: Any number of the options.
        bounds: Least, most and step of a number.
        help: A sentence beside the widget.
        side_by_side: All options are seen at once, however many.
        letters: Of a text, about as many as are seen.
    """

    name: str
    title: str
    options: Mapping[str, str]
    default: str = ""
    many: bool = False
    bounds: tuple[float, float, float] | None = None
    help: str = ""
    side_by_side: bool = False
    letters: int = 27

    def fault(self, text: str) -> str:
        """What is wrong with a text of the address, in words; empty if nothing is."""
        if self.bounds is not None:
            low, high, _ = self.bounds
            return "" if low <= _number(text) <= high else f"it is a number from {low:g} to {high:g}."
        if not self.options:
            return ""
        unknown = [word for word in (words(text) if self.many else [text]) if word not in self.options]
        if not unknown:
            return ""
        near = get_close_matches(unknown[0], self.options, n=1)
        return f"did you mean {near[0]}?" if near else f"it is {' or '.join(list(self.options)[:12])}."


def words(text: str) -> list[str]:
    """The several of one switch."""
    return [word for word in text.split(BETWEEN) if word]


def read(switches: Sequence[Switch], asked: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The text of each switch, its default where the address has none that it can be; and what is wrong, in words."""
    values, faults = {}, []
    for one in switches:
        text = asked.get(one.name, one.default)
        values[one.name] = text
        if one.name in asked and (fault := one.fault(text)):
            faults.append(f"{one.name}={text[:SHOWN]} in the address: {fault} Shown is {one.default or 'none'}.")
            values[one.name] = one.default
    return values, faults


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
