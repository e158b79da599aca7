"""How a network is scored: what it answers for a split, by what that is judged, and whether it is more than a guess."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from mgic.errors import Diverged
from mgic.statistics.distributions import student
from mgic.training.precision import exact_float32
from mgic.training.split import Split

LOSS_BOUND = 1000.0  # times a constant's loss; a network whose loss is larger has run away
RISK = 0.01  # that a network which answers no better is taken for one that does, over all epochs of its training

R = TypeVar("R")
S = TypeVar("S", bound=Any, covariant=True)


@dataclass(frozen=True)
class Scored(Generic[S]):
    """What a network came to on a split.

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


class Objective(Protocol[S]):
    """What a training makes small, and by what its network is judged; `mgic.tasks` has those of each kind of task."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over a batch, of which the gradient is taken."""

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[S]:
        """What the model comes to on all of `split`; each of its scores is drawn as a curve, `test/<its name>`.

        Raises:
            Diverged: One of them is not a finite number.
        """


def collect(model: nn.Module, split: Split, batch_size: int, measure: Callable[[Tensor, Tensor], R]) -> list[R]:
    """What `measure` makes of the answers to each batch, as float32 numbers, and their targets.

    The model answers in eval mode and in float32; its mode is put back as it was.
    """
    training = model.training
    model.eval()
    batches = [(slice(start, start + batch_size), None) for start in range(0, len(split), batch_size)]
    with torch.inference_mode(), exact_float32():
        found = [measure(model(samples).float(), targets) for samples, targets in split.stream(batches)]
    model.train(training)
    return found


def predict(model: nn.Module, split: Split, batch_size: int) -> tuple[Tensor, Tensor]:
    """The answers for all of `split`, beside the targets.

    Shape:
        -> (count, outputs) float32 and (count, ...), both on the CPU.
    """
    found = collect(model, split, batch_size, lambda outputs, targets: (outputs.cpu(), targets.cpu()))
    outputs, targets = zip(*found, strict=True)
    return torch.cat(outputs), torch.cat(targets)


def finite(value: float, what: str) -> float:
    """The value. Raises `Diverged` where it is no number."""
    if not torch.isfinite(torch.tensor(value, dtype=torch.float64)):
        raise Diverged(f"the {what} is {value}")
    return value


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
