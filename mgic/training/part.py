"""What a training needs of its data; `mgic.data.batches` has it for images."""

from typing import Protocol

import torch
from torch import Generator, Tensor


class Part(Protocol):
    """Labelled samples on one device."""

    device: torch.device

    def __len__(self) -> int: ...

    def draw(self, generator: Generator) -> Tensor:
        """How each sample is to be altered this time; one row a sample, on the device."""

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The samples of `index`, altered as their rows of `draw` say, and their labels."""
