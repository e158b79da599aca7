"""What a search chooses from: the axes of its grid and its ranges, as a sampler of Optuna takes them."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import floor, inf, prod
from typing import Any

from mgic.records import Axis, Config, Grid, Range, Sampler, Value

Params = dict[str, Any]  # of a list of values the place of one of them; of a range a number
LISTED_CELLS = 10_000  # a space of no more is gone through to its last cell


@dataclass(frozen=True)
class Space:
    """The fields that vary; those with one value stand in `fixed`.

    Args:
        lists: Values by field, numbers in their order.
        ranges: By field.
        fixed: The rest of a config.
    """

    lists: Mapping[str, Sequence[Value]]
    ranges: Mapping[str, Range]
    fixed: Config

    @classmethod
    def of(cls, axes: Grid, ranges: Mapping[str, Range]) -> "Space":
        lists = {field: _in_order(axis) for field, axis in axes.items() if len(axis) > 1}
        return cls(lists, ranges, {field: axis[0] for field, axis in axes.items() if len(axis) == 1})

    @property
    def cells(self) -> float:
        """How many there are; infinite where a range is of real numbers."""
        return prod(map(len, self.lists.values())) * prod(_count(one) for one in self.ranges.values())

    def distributions(self, sampler: Sampler) -> dict[str, Any]:
        """Of Optuna, by field. For points spread evenly the order of values is no matter, and any order will do."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        found: dict[str, Any] = {}
        for field, values in self.lists.items():
            ordered = sampler == "qmc" or all(map(_is_number, values))
            places = range(len(values))
            found[field] = IntDistribution(0, len(values) - 1) if ordered else CategoricalDistribution(list(places))
        for field, one in self.ranges.items():
            if one.whole:
                step = 1 if one.step is None else int(one.step)
                found[field] = IntDistribution(int(one.min), int(_last(one)), log=one.log, step=step)
            else:
                found[field] = FloatDistribution(float(one.min), float(_last(one)), log=one.log, step=one.step)
        return found

    def config(self, params: Mapping[str, Any]) -> Config:
        """The cell that a sampler has chosen."""
        chosen = {field: self.lists[field][int(params[field])] for field in self.lists}
        return {**self.fixed, **chosen, **{field: params[field] for field in self.ranges}}

    def params(self, config: Config) -> Params:
        """The other way."""
        texts = {field: [repr(value) for value in values] for field, values in self.lists.items()}
        places: Params = {field: texts[field].index(repr(config[field])) for field in self.lists}
        return places | {field: config[field] for field in self.ranges}

    def every_cell(self) -> Iterator[Config]:
        """Of a space that has an end."""
        values: dict[str, Sequence[Value]] = {
            **self.lists,
            **{field: _values(one) for field, one in self.ranges.items()},
        }
        for chosen in product(*values.values()):
            yield {**self.fixed, **dict(zip(values, chosen, strict=True))}

    def some_cell(self, draw: random.Random, given: Mapping[str, Value]) -> Config:
        """One that has these values; of a range, one of its ends."""
        lists = {field: draw.choice(list(values)) for field, values in self.lists.items()}
        ends = {field: draw.choice([one.min, one.max]) for field, one in self.ranges.items()}
        return {**self.fixed, **lists, **ends, **given}


def _in_order(axis: Axis) -> Sequence[Value]:
    return sorted(axis) if all(map(_is_number, axis)) else axis  # type: ignore[type-var]


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _last(one: Range) -> int | float:
    """The largest value that the steps come to."""
    if one.step is None:
        return one.max
    return one.min + (int(_count(one)) - 1) * one.step


def _count(one: Range) -> float:
    if one.step is None:
        return one.max - one.min + 1 if one.whole else inf
    return floor((one.max - one.min) / one.step + 1e-9) + 1


def _values(one: Range) -> list[Value]:
    step = 1 if one.step is None else one.step
    return [one.min + place * step for place in range(int(_count(one)))]
