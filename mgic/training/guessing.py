"""Has a network learnt anything? What it answers on a part, held against the best answer that is always the same."""

import math
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor

from mgic.statistics.distributions import student

LOSS_BOUND = 1000.0  # times a constant's loss; a network whose loss is larger has run away
RISK = 0.01  # that a network which answers no better is taken for one that does, over all epochs of its training

S = TypeVar("S", bound=Any, covariant=True)


@dataclass(frozen=True)
class Scored(Generic[S]):
    """What a network came to on a part.

    Args:
        scores: A dataclass of numbers.
        loss: The mean of what is made small, such as the cross-entropy.
        constant_loss: The same of a constant answer, such as the shares of the classes.
        gains: By how much each sample was answered better than by the constant, (samples,): once for each measure of
            "better", such as right answers and cross-entropy. Samples must not depend on each other: of pixels it is
            the means over pictures.
    """

    scores: S
    loss: float
    constant_loss: float
    gains: tuple[Tensor, ...]

    def beats_constant(self, looks: int) -> bool:
        """Whether by one measure the mean gain is larger than its error allows for.

        A one-sided t test of the paired gains; its level is `RISK` shared out among measures and looks (Bonferroni).

        Args:
            looks: How often the training asks.
        """
        return any(_above_zero(gain, RISK / (looks * len(self.gains))) for gain in self.gains)

    @property
    def out_of_bounds(self) -> bool:
        """The loss is more than `LOSS_BOUND` times that of the constant."""
        return self.loss > LOSS_BOUND * self.constant_loss > 0


def caution(scored: Scored[Any], ever_better: bool) -> str | None:
    """What must be said of a network that answers no better than a guess; None of one that does.

    Args:
        scored: After the last epoch.
        ever_better: Whether it was better than a constant after any epoch.
    """
    if scored.out_of_bounds:
        return (
            f"The test loss {scored.loss:.3g} is more than {LOSS_BOUND:g} times the {scored.constant_loss:.3g} of an "
            "answer that is always the same: the training ran away. A smaller learning rate may help."
        )
    if not ever_better:
        return (
            "After no epoch did it answer the test samples better than an answer that is "
            "always the same, by more than the error of the comparison: it is no better than guessing."
        )
    return None


def _above_zero(gains: Tensor, risk: float) -> bool:
    values = gains.double()
    if len(values) < 2:
        return False
    mean, spread = values.mean().item(), values.std().item()
    return mean > student(len(values) - 1, 1 - risk) * spread / math.sqrt(len(values))


def shares(counts: Tensor) -> Tensor:
    """The share of each class where it was counted so often, a half more each, so that none is taken for impossible.

    Shape:
        (classes,) -> (classes,) float64
    """
    return (counts.double() + 0.5) / (counts.sum() + 0.5 * len(counts))
