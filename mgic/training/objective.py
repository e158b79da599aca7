"""What a training makes small, and by what its network is judged."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from torch import Tensor, nn
from torch.nn import functional

from mgic.training.evaluation import Scores, evaluate
from mgic.training.part import Part

S = TypeVar("S", bound=Any, covariant=True)


class Objective(Protocol[S]):
    """A loss and a score; an experiment brings its own."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over a batch, of which the gradient is taken."""

    def score(self, model: nn.Module, part: Part, batch_size: int) -> S:
        """A dataclass of numbers, each drawn as the curve `val/<its name>`.

        Raises:
            Diverged: One of them is not a finite number.
        """


@dataclass(frozen=True)
class Classifying:
    """Cross-entropy, and how often the right class is the first or among the first five.

    Args:
        label_smoothing: Share of each label that is spread over all classes while training.
    """

    label_smoothing: float = 0.0

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, target, label_smoothing=self.label_smoothing)

    def score(self, model: nn.Module, part: Part, batch_size: int) -> Scores:
        return evaluate(model, part, batch_size)
