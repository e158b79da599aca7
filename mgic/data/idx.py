"""The IDX format of the MNIST family, and the sets of four such files, each known by its shape and a checksum."""

import gzip
import hashlib
import math
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np

from mgic.data.dataset import Arrays
from mgic.data.listing import all_there
from mgic.errors import DataMissing

UNSIGNED_BYTE = 0x08


class IdxFile(NamedTuple):
    """One published file.

    Args:
        name: As it is unpacked.
        shape: (count, height, width) of pictures, (count,) of labels.
        sha256: Of the file as it is unpacked: packing it anew, as Debian does, leaves that as it is.
    """

    name: str
    shape: tuple[int, ...]
    sha256: str


Four = tuple[IdxFile, IdxFile, IdxFile, IdxFile]


def published(train_images: str, train_labels: str, test_images: str, test_labels: str) -> Four:
    """The four files of these checksums, in the names and shapes of MNIST, which sets in its place have too."""
    return (
        IdxFile("train-images-idx3-ubyte", (60_000, 28, 28), train_images),
        IdxFile("train-labels-idx1-ubyte", (60_000,), train_labels),
        IdxFile("t10k-images-idx3-ubyte", (10_000, 28, 28), test_images),
        IdxFile("t10k-labels-idx1-ubyte", (10_000,), test_labels),
    )


@dataclass(frozen=True)
class IdxSet:
    """Training pictures, their labels, test pictures and theirs.

    Args:
        title: What people call it.
        files: In that order.
        loader: Name of torchvision's, which can download it.
        how_to_get: The words that bring it here.
    """

    title: str
    files: Four
    loader: str
    how_to_get: str

    def find(self, folders: Iterable[Path]) -> list[Path] | None:
        """The four files, packed or not, all of the first folder that has them; None where no folder has them all."""
        for folder in folders:
            spelled = [[path for path in _spellings(folder, file.name) if all_there([path])] for file in self.files]
            if all(spelled):
                return [paths[0] for paths in spelled]
        return None

    def read(self, folders: Iterable[Path]) -> Arrays:
        """What the first of the folders with all four files holds, after its checksums.

        Raises:
            DataMissing: No folder has them, or one is not what was published; the message names it.
        """
        paths = self.find(folders)
        if paths is None:
            raise DataMissing(f"the files of {self.title} are not all in one folder; {self.how_to_get}")
        arrays = []
        for path, file in zip(paths, self.files, strict=True):
            try:
                arrays.append(read_idx(path, file))
            except ValueError as error:
                raise DataMissing(
                    f"{path} is not {self.title}'s: it {error}; delete it and {self.how_to_get}"
                ) from error
        train_images, train_labels, test_images, test_labels = arrays
        return train_images[:, None], train_labels.astype(np.int64), test_images[:, None], test_labels.astype(np.int64)

    def fetch(self, data_dir: Path) -> None:
        """Download it into torchvision's folder under `data_dir`. Raises `DataMissing` where that fails."""
        from torchvision import datasets

        try:
            getattr(datasets, self.loader)(data_dir, download=True)
        except (URLError, OSError, RuntimeError) as error:
            raise DataMissing(f"{self.title} could not be downloaded: {error}") from error


def read_idx(path: Path, file: IdxFile) -> np.ndarray:
    """The uint8 array in a file, packed if its name ends in `.gz`; read-only.

    Cost:
        No more is unpacked than the array that is expected, whatever the file holds.

    Raises:
        ValueError: It is no IDX file of bytes, of another shape, or has other contents; in words that follow "it".
    """
    size = math.prod(file.shape)
    start = 4 + 4 * len(file.shape)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as opened:
            content = opened.read(start + size + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
        raise ValueError(f"cannot be read: {error}") from error
    if len(content) < 4 or content[:3] != bytes((0, 0, UNSIGNED_BYTE)):
        raise ValueError("does not start as an IDX file of bytes")
    if len(content) < 4 + 4 * content[3]:
        raise ValueError("ends within its header")
    shape = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    if shape != file.shape:
        raise ValueError(f"says it is of shape {shape}, not {file.shape}")
    if len(content) != start + size:
        raise ValueError(f"has {'fewer' if len(content) < start + size else 'more'} bytes than the {size} it promises")
    if (found := hashlib.sha256(content).hexdigest()) != file.sha256:
        raise ValueError(
            f"holds something else of the same shape, as another set's file of this name does: the SHA-256 of its "
            f"unpacked bytes begins with {found[:12]}, not {file.sha256[:12]}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _spellings(folder: Path, name: str) -> tuple[Path, ...]:
    """Plain and packed, with the dash of the first archives and the dot of later ones."""
    return tuple(folder / f"{stem}{end}" for stem in (name, name.replace("-idx", ".idx")) for end in ("", ".gz"))
