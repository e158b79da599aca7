"""Pictures with a class for each pixel: what is known of a set before it is read, what it is then, and batches of it.

Source of the augmentation: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation", section 4.1,
https://arxiv.org/abs/1706.05587, to which the paper refers; the steps of the scales are those of its published code.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional

from mgic.data.ahead import ReadAhead
from mgic.data.sets import Provider, SetsOf
from mgic.records import Task

IGNORED = 255  # the class of a pixel that is neither learnt from nor scored
SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)  # of the training pictures, all alike
GREY = 128  # 0 once normalised; what a piece has beyond the picture

Colour = tuple[int, int, int]


class Masked(Protocol):
    """Pictures with their masks, by number. It is read by several threads at once."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> tuple[Tensor, Tensor]:
        """One picture (3, height, width) and its mask (height, width), both uint8.

        Raises:
            DataMissing: The file is absent or damaged.
        """


@dataclass(frozen=True)
class MasksInMemory:
    """images: (count, 3, height, width), uint8; masks: (count, height, width), uint8."""

    images: Tensor
    masks: Tensor

    def __len__(self) -> int:
        return len(self.masks)

    def read(self, number: int) -> tuple[Tensor, Tensor]:
        return self.images[number], self.masks[number]


@dataclass(frozen=True)
class MaskSet:
    """hash: first 16 hex digits of a SHA-256 that changes with the set. validation: to choose by, if there are any."""

    train: Masked
    test: Masked
    hash: str
    validation: Masked | None = None


@dataclass(frozen=True, kw_only=True)
class MaskProvider(Provider):
    """A set of pictures with masks.

    Args:
        classes: Their names; a label is a place in this list, or `IGNORED`.
        colours: Of each class in a drawing, 0 to 255.
        shape: (3, height, width) of every picture.
        read: Given the folder, the set.
    """

    task: ClassVar[Task] = "segmentation"

    classes: tuple[str, ...]
    colours: tuple[Colour, ...]
    shape: tuple[int, int, int]
    read: Callable[[Path], MaskSet]

    @property
    def sample(self) -> tuple[int, ...]:
        return self.shape

    @property
    def number_of_classes(self) -> int:
        return len(self.classes)


MASK_SETS = SetsOf(MaskProvider)


def load_masks(name: str, data_dir: Path) -> MaskSet:
    """Read a set, or list its files where it is large; nothing is downloaded.

    Raises:
        UnknownName: There is no set of that name.
        DataMissing: It is not on this machine, or not whole; the message says how to get it.
    """
    return MASK_SETS.here(name, data_dir).read(data_dir)


class MaskBatches:
    """Pictures and masks, handed out on one device: whole, or as pieces scaled, cut out and mirrored at random.

    Args:
        pictures: What is read.
        crop: Side of a piece, pixels.
        device: Where they are handed out.
        threads: That read; see `ReadAhead`.
    """

    def __init__(self, pictures: Masked, crop: int, device: torch.device, threads: int | None = None) -> None:
        self.device = device
        self.pictures = pictures
        self._crop = crop
        self._ahead = ReadAhead(len(pictures), self._read, threads)

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, generator: Generator) -> Tensor:
        """For each picture four numbers from 0 to 1: scale, place down and right of the piece, and mirroring."""
        return torch.rand(len(self), 4, generator=generator)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The pictures of `index`, cut as `moves` says, or else whole, and their masks.

        Shape:
            (batch,) and (batch, 4) -> (batch, 3, height, width) float32 from -1 to 1, channels last, and
            (batch, height, width) int64; height and width are those of the piece where there are moves.
        """
        return self._collect(self._ahead.take(index, moves))

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn, the next few being read meanwhile."""
        return (self._collect(batch) for batch in self._ahead.stream(choices))

    def _read(self, number: int, move: list[float] | None) -> tuple[Tensor, Tensor]:
        image, mask = self.pictures.read(number)
        return (image, mask) if move is None else cut(image, mask, move, self._crop)

    def _collect(self, batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        images, masks = (torch.stack(found) for found in zip(*batch, strict=True))
        if self.device.type == "cuda":  # bytes travel, and from pinned memory beside the computation
            images, masks = (x.pin_memory().to(self.device, non_blocking=True) for x in (images, masks))
        pixels = images.float().div_(GREY).sub_(1)
        return pixels.contiguous(memory_format=torch.channels_last), masks.long()


def shown(pixels: Tensor) -> Tensor:
    """Pixels as `MaskBatches` hands them out, as the bytes that they were."""
    return pixels.add(1).mul(GREY).byte()


def cut(image: Tensor, mask: Tensor, move: list[float], crop: int) -> tuple[Tensor, Tensor]:
    """A piece of crop x crop pixels of the picture as it is at one of `SCALES`.

    The window is cut out first and scaled then, so that no more is scaled than is used. Where it is larger than
    the picture, it begins at its edge, and what is beyond the other edge is grey and ignored.

    Args:
        image: (3, height, width), uint8.
        mask: (height, width), uint8.
        move: Scale, place down and right, and mirroring, each from 0 to 1.
        crop: Side of the piece.
    """
    scale = SCALES[min(int(move[0] * len(SCALES)), len(SCALES) - 1)]
    side = max(1, round(crop / scale))
    height, width = mask.shape
    top, left = (int(place * (max(0, room - side) + 1)) for place, room in zip(move[1:3], (height, width), strict=True))
    window, labels = (x[..., top : top + side, left : left + side] for x in (image[None], mask[None, None]))
    if side != crop:
        size = [max(1, round(there * crop / side)) for there in labels.shape[2:]]
        window = functional.interpolate(window, size, mode="bilinear", antialias=True)
        labels = functional.interpolate(labels, size, mode="nearest-exact")
    beyond = (0, crop - labels.shape[3], 0, crop - labels.shape[2])
    window, labels = functional.pad(window, beyond, value=GREY), functional.pad(labels, beyond, value=IGNORED)
    if move[3] < 0.5:
        window, labels = window.flip(3), labels.flip(3)
    return window[0], labels[0, 0]
