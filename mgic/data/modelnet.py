"""ModelNet-10: 4899 pieces of furniture as surfaces in OFF files, from which points are sampled.

Source: Wu et al., "3D ShapeNets", https://arxiv.org/abs/1406.5670
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mgic.data.dataset import Arrays
from mgic.data.listing import all_there, file_state, named_files
from mgic.data.meshes import in_unit_ball, sample_surface
from mgic.data.off import read_off
from mgic.data.point_sets import POINT_SETS, PointProvider, own_generator
from mgic.errors import DataMissing

FOLDER = "ModelNet10"
HOW_TO_GET = (
    "unpack ModelNet10.zip of https://modelnet.cs.princeton.edu there, so that it holds"
    " ModelNet10/bathtub/train/bathtub_0001.off and the others"
)
# Training and test shapes of each class.
COUNTS = {
    "bathtub": (106, 50),
    "bed": (515, 100),
    "chair": (889, 100),
    "desk": (200, 86),
    "dresser": (200, 86),
    "monitor": (465, 100),
    "night_stand": (200, 86),
    "sofa": (680, 100),
    "table": (392, 100),
    "toilet": (344, 100),
}
SPLITS = ("train", "test")
KEYS = ("train_points", "train_labels", "test_points", "test_labels")
SAMPLING = 2  # raise it when the same files and seed give other points


def present(data_dir: Path) -> bool:
    """Whether there is a folder for each split of each class; they are counted and read later."""
    return all_there((data_dir / FOLDER / name / split for name in COUNTS for split in SPLITS), folders=True)


def read(data_dir: Path, points: int, seed: int) -> Arrays:
    """Points spread evenly over each surface, fitted into the unit ball; which ones follows from seed and file name.

    What was sampled is kept beside the classes, where that can be written, and read the next time if the files
    have the same names, sizes and times.

    Cost:
        Every file is read and parsed the first time, 4899 of them.

    Raises:
        DataMissing: Shapes are absent or damaged.
    """
    files = {split: list(_files(data_dir / FOLDER, number)) for number, split in enumerate(SPLITS)}
    cache = data_dir / FOLDER / f"sampled-{points}-{_identity(data_dir / FOLDER, files, seed)}.npz"
    arrays = _kept(cache, points)
    if arrays is None:
        arrays = (*_sampled(files["train"], points, seed), *_sampled(files["test"], points, seed))
        _keep(cache, arrays)
    return arrays


def _files(folder: Path, split: int) -> Iterator[tuple[Path, int]]:
    """Every shape of a split with its label, in the order of their names."""
    for label, (name, counts) in enumerate(COUNTS.items()):
        found = named_files(folder / name / SPLITS[split], re.compile(rf"{name}_\d{{4}}\.off"))
        if len(found) != counts[split]:
            where = folder / name / SPLITS[split]
            raise DataMissing(f"{where} holds {len(found)} shapes ({name}_NNNN.off), not {counts[split]}; {HOW_TO_GET}")
        yield from ((path, label) for path in found)


def _sampled(files: list[tuple[Path, int]], points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    clouds = np.empty((len(files), points, 3), dtype=np.float32)
    for number, (path, _) in enumerate(files):
        try:
            clouds[number] = in_unit_ball(sample_surface(read_off(path), points, own_generator(seed, path.name)))
        except ValueError as error:
            raise DataMissing(f"{path} is damaged: it {error}; {HOW_TO_GET}") from error
        except OSError as error:
            raise DataMissing(f"{path} cannot be read: {error.strerror}") from error
    return clouds, np.array([label for _, label in files], dtype=np.int64)


def _identity(folder: Path, files: dict[str, list[tuple[Path, int]]], seed: int) -> str:
    """16 hex digits that change with the seed and with any file's name, size or time."""
    digest = hashlib.sha256(repr((SAMPLING, seed)).encode())
    for path, label in (*files["train"], *files["test"]):
        found = file_state(path)
        digest.update(repr((str(path.relative_to(folder)), label, found.st_size, found.st_mtime_ns)).encode())
    return digest.hexdigest()[:16]


def _kept(cache: Path, points: int) -> Arrays | None:
    """None where there is no such file, or not a whole one."""
    try:
        with cache.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            train_points, train_labels, test_points, test_labels = (kept[key] for key in KEYS)
    except (OSError, ValueError, KeyError, BadZipFile):
        return None
    whole = train_points.shape == (len(train_labels), points, 3) and test_points.shape == (len(test_labels), points, 3)
    return (train_points, train_labels, test_points, test_labels) if whole else None


def _keep(cache: Path, arrays: Arrays) -> None:
    """Under its name it is whole or not there. A folder that cannot be written, or is full, costs time only."""
    draft = cache.with_name(f"{cache.name}.{os.getpid()}.tmp")
    with suppress(OSError):
        try:
            with draft.open("wb") as file:
                np.savez(file, allow_pickle=False, **dict(zip(KEYS, arrays, strict=True)))
            os.replace(draft, cache)
        finally:
            draft.unlink(missing_ok=True)


POINT_SETS.add(
    "modelnet10",
    PointProvider(
        name="modelnet10",
        title="ModelNet-10, furniture",
        classes=tuple(COUNTS),
        train=sum(train for train, _ in COUNTS.values()),
        test=sum(test for _, test in COUNTS.values()),
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
    ),
)
