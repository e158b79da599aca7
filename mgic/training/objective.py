"""What a training makes small, and by what its network is judged; `mgic.tasks` has those of each kind of task."""

from typing import Any, Protocol, TypeVar

from torch import Tensor, nn

from mgic.training.guessing import Scored
from mgic.training.split import Split

S = TypeVar("S", bound=Any, covariant=True)


class Objective(Protocol[S]):
    """A loss and a score."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The mean over a batch, of which the gradient is taken."""

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[S]:
        """What the model comes to on all of `split`; each of its scores is drawn as a curve, `test/<its name>`.

        Raises:
            Diverged: One of them is not a finite number.
        """
