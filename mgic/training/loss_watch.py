"""Keeps the mean of the losses, and ends a training whose loss is no number any more."""

import math

import torch
from torch import Tensor

from mgic.errors import Diverged

CUDA_LOOK_EVERY = 16  # steps; each look makes the CPU wait for the GPU


class LossWatch:
    """Sums losses on their device. A loss that is not finite stays visible in the sum, so looking late is safe.

    On a CPU, where looking is free, every loss is looked at.
    """

    def __init__(self, device: torch.device) -> None:
        self._every = CUDA_LOOK_EVERY if device.type == "cuda" else 1
        self._total = torch.zeros((), dtype=torch.float64, device=device)
        self._images = 0

    def add(self, loss: Tensor, images: int, step: int) -> None:
        """Take in the mean loss of `images` images.

        Raises:
            Diverged: It, or one since the last look, is not finite.
        """
        self._total.add_(loss.detach(), alpha=images)
        self._images += images
        if step % self._every == 0:
            self._look(step)

    def mean(self, step: int) -> float:
        """The mean over all images since the last call. Raises `Diverged` as `add` does."""
        mean = self._look(step) / self._images
        self._total.zero_()
        self._images = 0
        return mean

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps of it."""
        return {"total": self._total.item(), "images": self._images}

    def load(self, state: dict[str, float]) -> None:
        self._total.fill_(state["total"])
        self._images = int(state["images"])

    def _look(self, step: int) -> float:
        total = self._total.item()
        if not math.isfinite(total):
            when = f"at step {step}" if self._every == 1 else f"within the {self._every} steps up to step {step}"
            raise Diverged(f"the training loss became {total} {when}; a smaller learning rate may help")
        return total
