"""Sets that lie in the folder of the data sets under names of their own: which there are, and what is kept of them."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median_low
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict

from mgic.cores import usable_cores
from mgic.data.listing import VISIBLE, file_state
from mgic.errors import DataMissing
from mgic.kept import Kept

RULES = 1  # raise it when the same files would be read otherwise
KEPT = ".mgic"  # beside the sets: what is known of each, for as long as its files are the same
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
ARCHIVE = re.compile(r"(?si)[^.].*\.(zip|tar|tgz|tar\.\w+|7z|rar)")
SPLITS = ("train", "val", "test")
SPLIT_SEED, TEST_SHARE = 0, 0.2  # of a set that comes unsplit
LOOKED_AT = 1000  # pictures of a split whose pixels are looked at to know a set; a larger set's others when it is read
HASHED = 2**30  # bytes of a set whose contents are hashed; of a larger one names and sizes are
IN_MEMORY = 2**28  # bytes of pixels; a larger set is read from its files as it is learnt from
MULTIPLE = 16  # pixels, of a side that pictures of unlike sizes get

T = TypeVar("T")
R = TypeVar("R")
Size = tuple[int, int]  # height and width


class Facts(BaseModel):
    """What the files of a set say; `classes` are their names, mean and deviation those of the training samples."""

    model_config = ConfigDict(frozen=True)

    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    hash: str


def entries(place: Path, pattern: re.Pattern[str], folders: bool) -> list[str]:
    """What lies in a place under a visible name, archives of sets among them, for these are told to be none.

    Args:
        place: The folder of all sets of a kind; it need not exist.
        pattern: Of the names of files that are sets.
        folders: Whether folders are.
    """
    try:
        with os.scandir(place) as found:
            names = [
                one.name
                for one in found
                if (pattern.fullmatch(one.name) and one.is_dir() == folders) or ARCHIVE.fullmatch(one.name)
            ]
    except OSError:
        return []
    return sorted(name if name.isprintable() else ascii(name) for name in names)


def folder_names(place: str, data_dir: Path) -> list[str]:
    """The sets of a kind that has a folder each."""
    return entries(data_dir / place, VISIBLE, folders=True)


def checked(path: Path, name: str, kind: str, data_dir: Path) -> Path:
    """The same path, if a set may lie there under this name. Raises `DataMissing`.

    Args:
        path: Where it would lie.
        name: Of the set.
        kind: What it is, in words.
        data_dir: The folder of all data sets.
    """
    if ARCHIVE.fullmatch(name):
        raise DataMissing(f"{path.with_name(name)} is an archive, which is not read; unpack it to {kind}")
    if not NAME.fullmatch(name):
        raise DataMissing(
            f"a set cannot be called {name!a}: rename it with letters, digits, spaces, '.', '_' and '-', "
            "100 of them at most"
        )
    check_links([path], data_dir)
    return path


def check_links(files: Iterable[Path], data_dir: Path) -> None:
    """Raises `DataMissing` for a file, or a folder on the way to it, that is a link out of the folder of the data."""
    root = data_dir.resolve()
    listed = list(files)
    folders = {parent for folder in {file.parent for file in listed} for parent in (folder, *folder.parents)}
    below = [folder for folder in folders if folder != data_dir and folder.is_relative_to(data_dir)]
    for path in (*sorted(below), *listed):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise DataMissing(f"{path} is a link out of the folder of the data sets; copy what it points to")


_facts: dict[Path, tuple[str, Facts]] = {}


def facts_of(path: Path, files: Sequence[Path], make: Callable[[], Facts]) -> Facts:
    """What is known of the set that lies at `path`: made once, and kept beside it while the files are the same.

    A place that cannot be written costs the time to look again in the next process.

    Args:
        path: The set.
        files: All that it consists of.
        make: Reads them.

    Raises:
        DataMissing: A file is absent or empty, or what `make` raises.
    """
    digest = hashlib.sha256(f"{RULES}".encode())
    for file in files:
        state = file_state(file)
        digest.update(os.fsencode(file.relative_to(path.parent)) + f"\0{state.st_size} {state.st_mtime_ns}\n".encode())
    key = digest.hexdigest()
    known = _facts.get(path)
    if known is None or known[0] != key:
        known = key, Kept(path.parent / KEPT, key).answer(path.name, Facts, make)
        _facts[path] = known
    return known[1]


def hash_of(files: Sequence[tuple[Path, str]], root: Path, *rules: object) -> str:
    """16 hex digits that change with the name, the use and the content of any file, and with the rules of reading.

    Args:
        files: Each with what it is used as.
        root: Names are told from here.
        rules: What else decides what is learnt from.
    """
    whole = sum(file_state(path).st_size for path, _ in files) <= HASHED
    digest = hashlib.sha256(repr((RULES, *rules)).encode())
    for path, use in files:
        digest.update(os.fsencode(path.relative_to(root)) + f"\0{use}\0{file_state(path).st_size}\n".encode())
        if whole:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def put_aside(names: Sequence[str], salt: str) -> set[int]:
    """The places of those that are tested on: `TEST_SHARE` of them, one at least.

    Which ones follows from `SPLIT_SEED` and from each name, so that another file moves few of the others.
    """
    ranked = sorted(
        range(len(names)),
        key=lambda at: hashlib.sha256(f"{SPLIT_SEED}\0{salt}\0{names[at]}".encode(errors="surrogateescape")).digest(),
    )
    return set(ranked[: max(1, round(TEST_SHARE * len(names)))])


def common_size(sizes: Sequence[Size], most: int) -> Size:
    """The height and width that all pictures of a set get.

    Those of one size keep it, if no side is above `most`. Others become squares whose side is the median of the
    shorter sides, at most `most`, and then the next multiple of `MULTIPLE` below it if there is one.
    """
    if len(set(sizes)) == 1 and max(sizes[0]) <= most:
        return sizes[0]
    side = min(most, median_low([min(size) for size in sizes]))
    side = max(side // MULTIPLE * MULTIPLE, min(side, MULTIPLE))
    return side, side


def fitted(picture: Image.Image, size: Size, method: Image.Resampling = Image.Resampling.BILINEAR) -> Image.Image:
    """The largest piece from the middle that has the form of `size`, resized to it; smoothed where it shrinks."""
    height, width = size
    return picture if picture.size == (width, height) else ImageOps.fit(picture, (width, height), method)


def evenly(found: Sequence[T], most: int = LOOKED_AT) -> list[T]:
    """All, or so many equally far apart."""
    if len(found) <= most:
        return list(found)
    return [found[number * len(found) // most] for number in range(most)]


def each(change: Callable[[T], R], found: Sequence[T]) -> list[R]:
    """What becomes of each, by a thread a core."""
    with ThreadPoolExecutor(usable_cores(), "own data") as pool:
        return list(pool.map(change, found))


def seen_through(read: Callable[[T], R], found: Sequence[T]) -> Iterator[R]:
    """As `each`, a hundred at a time, so that not all are in memory."""
    for first in range(0, len(found), 100):
        yield from each(read, found[first : first + 100])


class Moments:
    """Mean and deviation of each channel of what it was shown, on the scale 0 to 1."""

    def __init__(self, channels: int) -> None:
        self._sums = np.zeros((2, channels))
        self._pixels = 0

    def show(self, image: np.ndarray) -> None:
        """(channels, height, width), uint8."""
        values = image.astype(np.float64) / 255
        self._sums += np.stack((values.sum((1, 2)), (values * values).sum((1, 2))))
        self._pixels += image.shape[1] * image.shape[2]

    @property
    def mean(self) -> tuple[float, ...]:
        return tuple(np.round(self._sums[0] / self._pixels, 4).tolist())

    @property
    def std(self) -> tuple[float, ...]:
        """One grey level at least: pixels are divided by it."""
        means, squares = self._sums / self._pixels
        return tuple(np.round(np.sqrt(np.maximum(squares - means * means, 1 / 255**2)), 4).tolist())
