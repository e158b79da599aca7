"""Labelled clouds of points: what is known of a set before it is read, what it is then, and batches of it."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

from mgic.data.dataset import Arrays
from mgic.data.sets import Provider, SetsOf
from mgic.records import Task

STRETCH = (2 / 3, 3 / 2)  # as in the training of DGCNN, whose code draws both for each axis
SHIFT = 0.2


@dataclass(frozen=True, kw_only=True)
class PointProvider(Provider):
    """A set of labelled clouds, of as many points as are asked for.

    Args:
        classes: Their names; a label is a place in this list.
        read: Given the folder, the points a cloud and a seed for them: training clouds (count, points, 3) float32,
            their labels, test clouds, their labels.
    """

    task: ClassVar[Task] = "point cloud"

    classes: tuple[str, ...]
    read: Callable[[Path, int, int], Arrays]

    @property
    def sample(self) -> tuple[int, ...]:
        return (3,)

    @property
    def number_of_classes(self) -> int:
        return len(self.classes)


@dataclass(frozen=True)
class PointSet:
    """Labelled clouds, all of them in memory.

    Args:
        train_points: (count, 3, points), float32; so are `test_points`.
        train_labels: (count,), int64; so are `test_labels`.
        hash: First 16 hex digits of the SHA-256 over shapes, points and labels.
    """

    train_points: Tensor
    train_labels: Tensor
    test_points: Tensor
    test_labels: Tensor
    hash: str


POINT_SETS = SetsOf(PointProvider)


def load_points(name: str, data_dir: Path, points: int, seed: int) -> PointSet:
    """Read a set; nothing is downloaded.

    Args:
        name: Which.
        data_dir: Where data sets lie.
        points: How many a cloud has.
        seed: Decides which points of a surface are taken, and nothing else.

    Raises:
        UnknownName: There is no set of that name.
        DataMissing: It is not on this machine, or damaged; the message says how to get it.
    """
    arrays = POINT_SETS.here(name, data_dir).read(data_dir, points, seed)
    train_points, train_labels, test_points, test_labels = (torch.from_numpy(array) for array in arrays)
    return PointSet(
        train_points=train_points.transpose(1, 2).contiguous(),
        train_labels=train_labels,
        test_points=test_points.transpose(1, 2).contiguous(),
        test_labels=test_labels,
        hash=_fingerprint(arrays),
    )


class PointBatches:
    """Clouds on one device.

    Args:
        points: (count, 3, points).
        labels: (count,).
        device: Where they are kept, and handed out.
    """

    def __init__(self, points: Tensor, labels: Tensor, device: torch.device) -> None:
        self.device = device
        self.points = points.to(device)
        self.labels = labels.to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def draw(self, generator: Generator) -> Tensor:
        """How each cloud is stretched and shifted along each axis this time.

        Shape:
            -> (count, 6): three factors, even in `STRETCH`, and three offsets up to `SHIFT`.
        """
        drawn = torch.rand(len(self), 6, generator=generator)
        low, high = STRETCH
        factors, offsets = low + (high - low) * drawn[:, :3], SHIFT * (2 * drawn[:, 3:] - 1)
        return torch.cat((factors, offsets), dim=1).to(self.device)

    def take(self, index: Tensor | slice, moves: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The clouds of `index`, moved as `draw` said, and their labels.

        Shape:
            (batch,) and (batch, 6) -> (batch, 3, points) and (batch,)
        """
        points = self.points[index]
        if moves is not None:
            points = points * moves[:, :3, None] + moves[:, 3:, None]
        return points, self.labels[index]

    def stream(self, choices: Iterable[tuple[Tensor | slice, Tensor | None]]) -> Iterator[tuple[Tensor, Tensor]]:
        """`take` of each choice in turn."""
        return (self.take(index, moves) for index, moves in choices)


def own_generator(seed: int, name: str) -> np.random.Generator:
    """For what is drawn of one shape; another shape's does not depend on it."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def _fingerprint(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for array, dtype in zip(arrays, ("<f4", "<i8", "<f4", "<i8"), strict=True):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=dtype).data)
    return digest.hexdigest()[:16]
