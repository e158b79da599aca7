"""How many steps a training has, and the learning rate of each step."""

import math
from typing import Literal

Schedule = Literal["step", "cosine", "poly"]


def steps_per_epoch(images: int, batch_size: int) -> int:
    """Batches in one pass. A last batch of a single image is left out: BatchNorm may have nothing to average."""
    whole, rest = divmod(images, batch_size)
    return max(1, whole + (rest > 1))


def total_steps(images: int, batch_size: int, epochs: int, max_steps: int | None) -> int:
    """Steps of the whole training, which ends with the last epoch or after `max_steps`."""
    steps = epochs * steps_per_epoch(images, batch_size)
    return steps if max_steps is None else min(steps, max_steps)


def step_rate(base: float, epoch: int, every: int, factor: float = 0.1) -> float:
    """The rate in `epoch`, counted from 0: multiplied by `factor` after each `every` epochs."""
    rate: float = base * factor ** (epoch // every)
    return rate


def cosine_rate(base: float, step: int, steps: int) -> float:
    """The rate of `step`, counted from 0: half a cosine from `base` down to 0 after `steps`.

    Source: Loshchilov and Hutter, "SGDR", https://arxiv.org/abs/1608.03983, without restarts.
    """
    return base * (1 + math.cos(math.pi * step / steps)) / 2


def poly_rate(base: float, step: int, steps: int, power: float = 0.9) -> float:
    """The rate of `step`, counted from 0: a power of the share of steps that are left.

    Source: Chen et al., "Rethinking Atrous Convolution", section 4.1, https://arxiv.org/abs/1706.05587
    """
    rate: float = base * (1 - step / steps) ** power
    return rate
