"""Ticks of a logarithmic axis at 1, 2 and 5, or between them where it is short, written out in full."""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import plotly.graph_objects as go

from mgic.figures.words import plain, si


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade from below `low` to above `high`; over four decades the tens only.

    Where fewer than two of these lie in the range: round numbers at equal steps.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1.0,) if last - first > 4 else (1.0, 2.0, 5.0)
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    return ticks if sum(low <= tick <= high for tick in ticks) >= 2 or low == high else _even_ticks(low, high)


def _even_ticks(low: float, high: float) -> list[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / 2))
    step = next(factor * power for factor in (5, 2, 1) if (high - low) / (factor * power) >= 2)
    first = math.floor(low / step)
    return [number * step for number in range(first, math.ceil(high / step) + 1)]


LONG_NAME = 18  # letters
MAX_EXACT, CLOSEST = 8, 0.06  # ticks at the values themselves, and how near two may be, as a share of the axis


def exact_ticks(values: Iterable[float | str], log: bool) -> list[float]:
    """The values of a config field, each once; empty where they are many or would stand too near each other."""
    found = sorted({float(value) for value in values})
    if not 1 < len(found) <= MAX_EXACT or (log and found[0] <= 0):
        return []
    places = [math.log(value) if log else value for value in found]
    gap = min(right - left for left, right in pairwise(places))
    return found if gap >= CLOSEST * (places[-1] - places[0]) else []


def set_names(made: go.Figure, names: Iterable[str]) -> None:
    """An axis of names; a long one, as of a model with its options, is broken where a reader would."""
    found = list(dict.fromkeys(names))
    made.update_xaxes(type="category", tickvals=found, ticktext=[_broken(plain(name)) for name in found])


def _broken(name: str) -> str:
    return name if len(name) <= LONG_NAME else name.replace("(", "<br>(").replace(",", ",<br>")


def set_log(made: go.Figure, axis: Literal["x", "y"], values: Iterable[float | str]) -> None:
    """A log axis around the values, with a margin; nothing for values that have no logarithm."""
    numbers = [float(value) for value in values if float(value) > 0]
    if not numbers:
        return
    low, high = min(numbers), max(numbers)
    ticks = log_ticks(low, high)
    margin = 0.07 * math.log10(high / low) or 0.3
    update = made.update_xaxes if axis == "x" else made.update_yaxes
    update(
        type="log",
        range=[math.log10(low) - margin, math.log10(high) + margin],
        tickvals=ticks,
        ticktext=[si(tick) for tick in ticks],
    )
