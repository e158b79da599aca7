"""What a data set is once it is read, and what is known of one before."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from mgic.data.folders import FolderImages
from mgic.data.sets import Provider, SetsOf
from mgic.errors import DataMissing
from mgic.records import Task


@dataclass(frozen=True)
class Dataset:
    """Labelled images, all of them in memory.

    Args:
        train_images: (count, channels, height, width), uint8, 0 to 255; so are `test_images`.
        train_labels: (count,), int64, 0 to `classes` - 1; so are `test_labels`.
        mean: Of each channel over the training images, on the scale 0 to 1; so is `std`.
        flip: Whether a mirrored image still shows its class: no for digits.
        hash: First 16 hex digits of the SHA-256 over shapes, images and labels, in that order; or of the files.
        validation: Images and labels that the set itself sets aside to choose by.
    """

    name: str
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    hash: str
    validation: tuple[Tensor, Tensor] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width


@dataclass(frozen=True, kw_only=True)
class ImageProvider(Provider):
    """A set of labelled images.

    Args:
        shape: (channels, height, width).
        mean: Of each channel of the training images, on the scale 0 to 1; so is `std`.
        flip: Whether a mirrored image still shows its class.
        names: Of the classes, in the order of their numbers; empty where they are called by those.
        read: Given the folder, all four arrays: training images (count, channels, height, width) uint8, training
            labels, test images, test labels, and then images and labels to choose by, if there are any; or the list of
            the files.
    """

    task: ClassVar[Task] = "image classification"

    shape: tuple[int, int, int]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    names: tuple[str, ...] = ()
    read: Callable[[Path], "Arrays | FolderImages"]

    @property
    def sample(self) -> tuple[int, ...]:
        return self.shape

    @property
    def number_of_classes(self) -> int:
        return self.classes


Arrays = tuple[np.ndarray, ...]

DATASETS = SetsOf(ImageProvider)


def load(name: str, data_dir: Path) -> Dataset | FolderImages:
    """Read a set of images from the disk, or list its files where it is too large; nothing is downloaded.

    Raises:
        UnknownName: There is no data set of that name.
        DataMissing: It is not on this machine, or damaged; the message says how to get it.
    """
    provider = DATASETS.here(name, data_dir)
    found = provider.read(data_dir)
    return found if isinstance(found, FolderImages) else build(provider, found)


def build(provider: ImageProvider, arrays: Arrays) -> Dataset:
    """Check what was read against what the provider promises, and fingerprint it.

    Raises:
        DataMissing: Images and labels do not pair up, have another shape, or a label is out of range.
    """
    splits = list(zip(("training", "test", "validation"), arrays[::2], arrays[1::2], strict=False))
    for split, images, labels in splits:
        _check(provider, split, images, labels)
    train, test, *validation = [
        (_tensor(images, np.uint8), _tensor(labels, np.int64)) for _split, images, labels in splits
    ]
    return Dataset(
        name=provider.name,
        train_images=train[0],
        train_labels=train[1],
        test_images=test[0],
        test_labels=test[1],
        classes=provider.classes,
        mean=provider.mean,
        std=provider.std,
        flip=provider.flip,
        hash=provider.hash or fingerprint(arrays),
        validation=validation[0] if validation else None,
    )


def fingerprint(arrays: Arrays) -> str:
    """16 hex digits that change with any pixel, label or shape; the same on every machine."""
    digest = hashlib.sha256()
    for array, dtype in zip(arrays, cycle(("<u1", "<i8")), strict=False):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=dtype).data)
    return digest.hexdigest()[:16]


def _check(provider: ImageProvider, split: str, images: np.ndarray, labels: np.ndarray) -> None:
    problem = ""
    if images.shape[1:] != provider.shape:
        problem = f"images of shape {images.shape[1:]}, not {provider.shape}"
    elif len(images) == 0 or len(images) != len(labels):
        problem = f"{len(images)} images but {len(labels)} labels"
    elif labels.min() < 0 or labels.max() >= provider.classes:
        problem = f"labels from {labels.min()} to {labels.max()}, not 0 to {provider.classes - 1}"
    if problem:
        raise DataMissing(f"the {split} split of {provider.name} is damaged: {problem}; {provider.how_to_get}")


def _tensor(array: np.ndarray, dtype: type) -> Tensor:
    # A copy: what the readers hand over may be a read-only view of a file's bytes.
    return torch.from_numpy(np.array(array, dtype=dtype, order="C"))
