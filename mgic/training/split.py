"""What a training needs of its data; `mgic.data.batches` has it for images."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

Choice = tuple[Tensor | slice, Tensor | None]  # which samples, and how they are altered


class Split(Protocol):
    """Labelled samples, handed out on one device."""

    device: torch.device

    def __len__(self) -> int: ...

    def draw(self, generator: Generator) -> Tensor:
        """How each sample is to be altered this time; one row a sample."""

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The samples of `index`, altered as their rows of `draw` say, and their targets."""

    def stream(self, choices: Sequence[Choice]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn; one that reads files may read ahead."""
