"""What a data set is once it is read, and what is known of one before."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mgic.data.folders import FolderImages
from mgic.errors import DataMissing
from mgic.registry import Registry


@dataclass(frozen=True)
class Dataset:
    """Labelled images, all of them in memory.

    Args:
        train_images: (count, channels, height, width), uint8, 0 to 255; so are `test_images`.
        train_labels: (count,), int64, 0 to `classes` - 1; so are `test_labels`.
        mean: Of each channel over the training images, on the scale 0 to 1; so is `std`.
        flip: Whether a mirrored image still shows its class: no for digits.
        hash: First 16 hex digits of the SHA-256 over shapes, images and labels, in that order.
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

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width


@dataclass(frozen=True)
class ImageProvider:
    """What is known of a data set without opening it, and how to open it.

    Args:
        shape: (channels, height, width).
        train: Number of training images.
        flip: Whether a mirrored image still shows its class.
        present: Whether its files lie under the given folder, or where the system keeps them.
        read: All four arrays: training images (count, channels, height, width) uint8, training labels,
            test images, test labels; or the list of the files. Raises `DataMissing` where files are
            absent or damaged.
        fetch: Downloads the files into the given folder.
        how_to_get: The command, or the words, that bring it here.
    """

    name: str
    title: str
    shape: tuple[int, int, int]
    classes: int
    train: int
    test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flip: bool
    how_to_get: str
    present: Callable[[Path], bool]
    read: Callable[[Path], "Arrays | FolderImages"]
    fetch: Callable[[Path], None]


Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

DATASETS: Registry[ImageProvider] = Registry("data set", "mgic.data")


def build(provider: ImageProvider, arrays: Arrays) -> Dataset:
    """Check what was read against what the provider promises, and fingerprint it.

    Raises:
        DataMissing: Images and labels do not pair up, have another shape, or a label is out of range.
    """
    train_images, train_labels, test_images, test_labels = arrays
    for split, images, labels in (("training", train_images, train_labels), ("test", test_images, test_labels)):
        _check(provider, split, images, labels)
    return Dataset(
        name=provider.name,
        train_images=_tensor(train_images, np.uint8),
        train_labels=_tensor(train_labels, np.int64),
        test_images=_tensor(test_images, np.uint8),
        test_labels=_tensor(test_labels, np.int64),
        classes=provider.classes,
        mean=provider.mean,
        std=provider.std,
        flip=provider.flip,
        hash=fingerprint(arrays),
    )


def fingerprint(arrays: Arrays) -> str:
    """16 hex digits that change with any pixel, label or shape; the same on every machine."""
    digest = hashlib.sha256()
    for array, dtype in zip(arrays, ("<u1", "<i8", "<u1", "<i8"), strict=True):
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
