"""Training samples set aside, to choose by: which of a split is learnt from, and what is held out."""

from collections.abc import Iterator, Sequence

import torch
from torch import Generator, Tensor

from mgic.training.seed import generator
from mgic.training.split import Choice, Split


class Portion:
    """Some of the samples of a split, in their order; each is altered as it would be in the whole.

    Args:
        split: The whole.
        index: (count,): which of its samples.
    """

    def __init__(self, split: Split, index: Tensor) -> None:
        self.device = split.device
        self._split, self._index = split, index.to(split.device)

    def __len__(self) -> int:
        return len(self._index)

    def draw(self, generator: Generator) -> Tensor:
        """Those of its samples, of what is drawn for the whole."""
        drawn = self._split.draw(generator)
        return drawn[self._index.to(drawn.device)]

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As the whole would hand them out."""
        return self._split.take(self._index[index], moves)

    def stream(self, choices: Sequence[Choice]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn, as the whole does it."""
        return self._split.stream([(self._index[index], moves) for index, moves in choices])


def held_out(samples: int, share: float) -> int:
    """How many of so many samples a share of them is; at least one, unless the share is 0."""
    return max(1, round(share * samples)) if share else 0


def set_aside(samples: int, share: float, seed: int, labels: Tensor | None) -> tuple[Tensor, Tensor]:
    """Which samples are learnt from and which are held out; both in ascending order.

    With labels, each class is held out in proportion, but for what whole samples do not allow.

    Args:
        samples: How many there are.
        share: To hold out, above 0.
        seed: Decides which.
        labels: (samples,): the class of each; None: there are no classes.
    """
    order = torch.randperm(samples, generator=generator(seed, "validation"))
    held = held_out(samples, share)
    if labels is not None:
        found = labels.cpu()[order]
        places = torch.empty(samples, dtype=torch.float64)
        for label in found.unique():  # type: ignore[no-untyped-call]
            mine = (found == label).nonzero()[:, 0]
            places[mine] = (torch.arange(len(mine), dtype=torch.float64) + 0.5) / len(mine)
        order = order[places.argsort(stable=True)]
    return order[held:].sort().values, order[:held].sort().values
