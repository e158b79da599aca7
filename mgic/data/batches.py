"""Batches of a data set that lies on one device: a gather, a crop and a normalisation each."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Generator, Tensor

from mgic.data import augment
from mgic.data.dataset import Dataset
from mgic.data.folders import FolderImages, FolderSplit


class Batches:
    """Images kept as bytes on the device, handed out as normalised floats.

    A quarter of the memory of floats, so that CIFAR takes 180 MB of a GPU and stays there.

    Args:
        images: (count, channels, height, width), 0 to 255.
        labels: (count,).
        mean: Of each channel, on the scale 0 to 1; so is `std`.
        flip: Whether `draw` may mirror an image.
        device: Where they are kept, and handed out.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        mean: Sequence[float],
        std: Sequence[float],
        flip: bool,
        device: torch.device,
    ) -> None:
        self.device = device
        self.images = images.to(device)
        self.labels = labels.to(device)
        self._flip = flip
        self._padding = augment.padding_for(images.shape[-1])
        spread = torch.tensor(std).view(-1, 1, 1)
        self._scale = (1 / (255 * spread)).to(device)
        self._shift = (-torch.tensor(mean).view(-1, 1, 1) / spread).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, generator: Generator) -> Tensor:
        """How each image is to be moved this time: (count, 3), on the device."""
        return augment.draw(len(self), self._padding, self._flip, generator).to(self.device)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The images of `index`, moved as `draw` said, and their labels.

        Shape:
            (batch,) and (batch, 3) -> (batch, channels, height, width) float32, channels last, and (batch,)
        """
        images = self.images[index]
        if moves is not None:
            images = augment.apply(images, moves, self._padding)
        pixels = torch.addcmul(self._shift, images.float(), self._scale)
        return pixels.contiguous(memory_format=torch.channels_last), self.labels[index]

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn."""
        return (self.take(index, moves) for index, moves in choices)


def validation_of(dataset: Dataset | FolderImages, device: torch.device) -> Batches | FolderSplit | None:
    """What the set itself sets aside to choose by, if it does."""
    if isinstance(dataset, FolderImages):
        return FolderSplit(dataset.validation, dataset, device) if dataset.validation else None
    return Batches(*dataset.validation, dataset.mean, dataset.std, dataset.flip, device) if dataset.validation else None


def train_and_test(
    dataset: Dataset | FolderImages, device: torch.device
) -> tuple[Batches | FolderSplit, Batches | FolderSplit]:
    """Both splits of a data set: put on the device, or read for it as they are wanted."""
    if isinstance(dataset, FolderImages):
        return FolderSplit(dataset.train, dataset, device), FolderSplit(dataset.test, dataset, device)
    fixed = (dataset.mean, dataset.std, dataset.flip, device)
    return (
        Batches(dataset.train_images, dataset.train_labels, *fixed),
        Batches(dataset.test_images, dataset.test_labels, *fixed),
    )
