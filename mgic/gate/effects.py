"""What the blocks of a measurement say: by how much the head differs from the base, and the base from itself."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from mgic.records import Arm, Sampled, TimedMetric
from mgic.records.comparison import VALUE_OF


@dataclass(frozen=True)
class Block:
    """Logarithms of one metric in one block, by arm."""

    base: float
    control: float
    head: float

    @property
    def effect(self) -> float:
        """Of the head over both times of the base."""
        return self.head - (self.base + self.control) / 2

    @property
    def difference(self) -> float:
        """Of the base over itself; independent of `effect` where the arms are alike."""
        return self.control - self.base


def blocks(samples: Iterable[Sampled], model: str, metric: TimedMetric, first: int = 0) -> list[Block]:
    """The whole ones from `first` on, in order: each arm was measured, and the metric could be read in all samples.

    Of throughput it is the time that is compared, so that more is worse as everywhere else.
    """
    found: dict[int, dict[Arm, list[float | None]]] = {}
    for one in samples:
        if one.model == model and one.block >= first:
            value = getattr(one, VALUE_OF[metric])
            found.setdefault(one.block, {}).setdefault(one.arm, []).append(value)
    return [block for _, arms in sorted(found.items()) if (block := _block(arms)) is not None]


def centre(samples: Iterable[Sampled], model: str, metric: TimedMetric, arms: Sequence[Arm]) -> float | None:
    """Geometric mean of a metric over all samples of some arms, in its own unit; None where there is none."""
    values = [getattr(one, VALUE_OF[metric]) for one in samples if one.model == model and one.arm in arms]
    known = [value for value in values if value]
    return math.exp(fmean(map(math.log, known))) if known else None


def _block(arms: dict[Arm, list[float | None]]) -> Block | None:
    logs = {}
    for arm in ("base", "control", "head"):
        values = arms.get(arm, [])
        if not values or not all(values):
            return None
        logs[arm] = fmean(math.log(value) for value in values if value)
    return Block(logs["base"], logs["control"], logs["head"])
