"""Images made harder to read, step by step: noise, blur and less contrast, each at a strength from 0 to 1.

The three are among those of Hendrycks and Dietterich (Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, ICLR 2019). Their strengths are five steps made for one size of image; ours are numbers, and a blur is
told as a share of the image's side, so that a strength means the same for every size. So the figures are not to be
held against theirs. Pixels are on the scale 0 to 1, are cut to it afterwards, and are not rounded to bytes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional

Corruption = Literal["noise", "blur", "contrast"]
Choice = tuple[Tensor | slice, Tensor | None]

REACH = 3  # standard deviations that the kernel of a blur goes to either side


class Images(Protocol):
    """Normalised images with their labels, handed out batch by batch."""

    device: torch.device

    def __len__(self) -> int: ...

    def draw(self, generator: Generator) -> Tensor: ...

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]: ...

    def stream(self, choices: Sequence[Choice]) -> Iterator[tuple[Tensor, Tensor]]: ...


class Corrupted:
    """The same images, each corrupted; which noise an image gets follows from the seed and its place alone.

    Args:
        images: Normalised.
        mean: That they were normalised with, on the scale 0 to 1; so is `std`.
        corruption: What is done to them.
        strength: From 0, nothing, to 1. A stronger noise is the same noise, only more of it.
        seed: Of the noise.
    """

    def __init__(
        self,
        images: Images,
        mean: Sequence[float],
        std: Sequence[float],
        corruption: Corruption,
        strength: float,
        seed: int = 0,
    ) -> None:
        self.device = images.device
        self._images, self._corruption, self._strength, self._seed = images, corruption, strength, seed
        self._mean, self._std = (torch.tensor(values, device=self.device).view(-1, 1, 1) for values in (mean, std))

    def __len__(self) -> int:
        return len(self._images)

    def draw(self, generator: Generator) -> Tensor:
        return self._images.draw(generator)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self._corrupted(index, *self._images.take(index, moves))

    def stream(self, choices: Sequence[Choice]) -> Iterator[tuple[Tensor, Tensor]]:
        for (index, _), (samples, labels) in zip(choices, self._images.stream(choices), strict=True):
            yield self._corrupted(index, samples, labels)

    def _corrupted(self, index: Tensor | slice, samples: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        pixels = samples * self._std + self._mean
        if self._corruption == "noise":
            numbers = torch.arange(len(self))[index.cpu() if isinstance(index, Tensor) else index].tolist()
            pixels = with_noise(pixels, self._strength, [_noise_of(self._seed, number) for number in numbers])
        else:
            pixels = {"blur": blurred, "contrast": with_less_contrast}[self._corruption](pixels, self._strength)
        found = (pixels.clamp(0, 1) - self._mean) / self._std
        return found.contiguous(memory_format=torch.channels_last), labels


def with_noise(pixels: Tensor, strength: float, noise: Sequence[Callable[[tuple[int, ...]], Tensor]]) -> Tensor:
    """Normal noise of standard deviation `strength` on every value of every channel.

    Shape:
        (batch, channels, height, width) -> the same
    """
    drawn = torch.stack([one(tuple(pixels.shape[1:])) for one in noise])
    return pixels + strength * drawn.to(pixels)


def blurred(pixels: Tensor, strength: float) -> Tensor:
    """By a normal kernel whose standard deviation is `strength` times the shorter side; edges are mirrored.

    Shape:
        (batch, channels, height, width) -> the same
    """
    side = min(pixels.shape[-2:])
    deviation = strength * side
    reach = min(side - 1, ceil(REACH * deviation))
    at = torch.arange(-reach, reach + 1, device=pixels.device)
    kernel = torch.exp(-0.5 * (at / deviation) ** 2)
    kernel = (kernel / kernel.sum()).expand(pixels.shape[1], 1, 1, -1)
    padded = functional.pad(pixels, (reach, reach, reach, reach), mode="reflect")
    rows = functional.conv2d(padded, kernel, groups=pixels.shape[1])
    return functional.conv2d(rows, kernel.transpose(2, 3), groups=pixels.shape[1])


def with_less_contrast(pixels: Tensor, strength: float) -> Tensor:
    """Each value moved by the share `strength` of the way to the mean of its channel in its image.

    Shape:
        (batch, channels, height, width) -> the same
    """
    return torch.lerp(pixels, pixels.mean((2, 3), keepdim=True).expand_as(pixels), strength)


def _noise_of(seed: int, number: int) -> Callable[[tuple[int, ...]], Tensor]:
    """What image `number` gets, whichever batch it is in and wherever that is computed."""
    digest = hashlib.sha256(f"{seed} noise {number}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return lambda shape: torch.randn(shape, generator=generator)
