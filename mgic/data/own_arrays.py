"""`npz/NAME`: a file NAME.npz of NumPy's, with x_train, y_train, x_test and y_test, and x_val and y_val to choose by.

Images are of 8 bits, or fractions of 0 to 1, which are rounded to 8 bits. Labels are 0 to the number of classes - 1.
"""

import re
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from mgic.data.dataset import Arrays, ImageProvider, fingerprint
from mgic.data.own import Facts, Moments, checked, entries, facts_of
from mgic.data.sets import PLACES, Place
from mgic.errors import DataMissing

PLACE = "npz"
FILE = re.compile(r"(?s)[^.].*\.npz")
SPLITS = ("train", "test", "val")
MOST = 2**32  # bytes of all arrays of a file, which are in memory together
HOW = f"{PLACE}/NAME.npz: numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)"
LAYOUTS = {"NCHW": "channels, height, width", "NHWC": "height, width, channels"}
BROKEN = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, KeyError, RuntimeError)

Found = dict[str, np.ndarray]


def names(data_dir: Path) -> list[str]:
    return [name.removesuffix(".npz") for name in entries(data_dir / PLACE, FILE, folders=False)]


def provider(data_dir: Path, name: str) -> ImageProvider:
    path = checked(data_dir / PLACE / f"{name}.npz", name, HOW, data_dir)
    facts = facts_of(path, [path], partial(_look, path))
    counts = {split: shape[0] for split, shape in _shapes(path).items()}
    return ImageProvider(
        name=f"{PLACE}/{name}",
        title=f"{name}, a file of arrays",
        shape=facts.shape,
        classes=len(facts.classes),
        train=counts["train"],
        test=counts["test"],
        validation=counts.get("val", 0),
        mean=facts.mean,
        std=facts.std,
        flip=False,  # nobody has said that a mirrored picture shows the same
        how_to_get=f"it lies in {PLACE}/{name}.npz of the folder of the data sets",
        present=lambda _: True,
        read=lambda _: _read(path),
        hash=facts.hash,
    )


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Of the images of each split, from the heads of the arrays.

    Raises:
        DataMissing: It is no file of NumPy's, lacks an array, or has objects of Python, which are not read.
    """
    shapes, total = {}, 0
    try:
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                with packed.open(info) as file:
                    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
                    shape, _, dtype = read(file)
                key = info.filename.removesuffix(".npy")
                if dtype.hasobject:
                    raise DataMissing(f"{key} in {path} holds objects of Python, which are not read; save numbers")
                if dtype.itemsize * int(np.prod(shape, dtype=object)) > info.file_size:
                    raise DataMissing(f"{key} in {path} has fewer numbers than it says; save it anew")
                shapes[key], total = shape, total + info.file_size
    except BROKEN as error:
        raise DataMissing(f"{path} cannot be read: {error}; save it anew by {HOW}") from error
    wanted = [f"{kind}_{split}" for split in SPLITS if split != "val" or "x_val" in shapes for kind in "xy"]
    if missing := [key for key in wanted if key not in shapes]:
        raise DataMissing(f"{path} has no {missing[0]}; it needs {', '.join(wanted)}")
    if total > MOST:
        raise DataMissing(f"{path} has {total:,} bytes of arrays, more than {MOST:,}; save pictures to folder/NAME")
    return {split: shapes[f"x_{split}"] for split in SPLITS if f"x_{split}" in shapes}


def _look(path: Path) -> Facts:
    arrays = _read(path)
    images, labels = arrays[0], arrays[1]
    moments = Moments(images.shape[1])
    for image in images:
        moments.show(image)
    classes = tuple(str(number) for number in range(int(labels.max()) + 1))
    shape: Any = images.shape[1:]
    return Facts(shape=shape, classes=classes, mean=moments.mean, std=moments.std, hash=fingerprint(arrays))


def _read(path: Path) -> Arrays:
    """Raises `DataMissing` for what is not as this module says."""
    splits = list(_shapes(path))
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for split in splits for key in (f"x_{split}", f"y_{split}")}
            layout = str(file["layout"]) if "layout" in file else None
    except BROKEN as error:
        raise DataMissing(f"{path} cannot be read: {error}; save it anew by {HOW}") from error
    classes = 0
    read: list[np.ndarray] = []
    for split in splits:
        images = _images(path, f"x_{split}", found[f"x_{split}"], layout)
        labels = _labels(path, f"y_{split}", found[f"y_{split}"], len(images))
        if read and images.shape[1:] != read[0].shape[1:]:
            raise DataMissing(f"{path}: x_{split} has images {images.shape[1:]}, x_train {read[0].shape[1:]}")
        if not read:
            classes = int(labels.max()) + 1
            if absent := sorted(set(range(max(classes, 2))) - set(labels.tolist())):
                raise DataMissing(
                    f"{path}: y_train goes to {classes - 1} and has no {absent[0]}; labels are 0 to the number of "
                    "classes - 1, two at least, and each is learnt"
                )
        elif labels.max() >= classes:
            raise DataMissing(f"{path}: y_{split} has the label {labels.max()}, and y_train ends at {classes - 1}")
        read += [images, labels]
    return tuple(read)


def _images(path: Path, key: str, found: np.ndarray, layout: str | None) -> np.ndarray:
    """(count, channels, height, width), uint8."""
    if found.ndim not in (3, 4) or 0 in found.shape:
        raise DataMissing(f"{path}: {key} is {found.shape}, not (count, height, width) or with channels, and not empty")
    if found.ndim == 4 and _layout(path, key, found.shape, layout) == "NHWC":
        found = found.transpose(0, 3, 1, 2)
    images = found if found.ndim == 4 else found[:, None]
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    if images.dtype.kind != "f":
        raise DataMissing(f"{path}: {key} is of {images.dtype}; save it as uint8, or as fractions of 0 to 1")
    low, high = float(images.min()), float(images.max())
    if not 0 <= low <= high <= 1:  # NaN is neither
        raise DataMissing(
            f"{path}: {key} has numbers from {low:g} to {high:g}; fractions are of 0, black, to 1, white, all of them"
        )
    return np.rint(images.astype(np.float32) * 255).astype(np.uint8)


def _layout(path: Path, key: str, shape: tuple[int, ...], layout: str | None) -> str:
    """Where the channels are: said by the file, or else where there are 1 or 3."""
    if layout is not None:
        if layout not in LAYOUTS:
            raise DataMissing(f"{path}: layout is {layout[:20]!r}, not {' or '.join(LAYOUTS)}")
        return layout
    first, last = shape[1] in (1, 3), shape[3] in (1, 3)
    if first == last:
        raise DataMissing(
            f"{path}: {key} is {shape}, and which of these are channels is not clear; say it by one more array, "
            + " or ".join(f'layout="{name}" (count, {words})' for name, words in LAYOUTS.items())
        )
    return "NCHW" if first else "NHWC"


def _labels(path: Path, key: str, found: np.ndarray, count: int) -> np.ndarray:
    if found.shape not in ((count,), (count, 1)):
        raise DataMissing(f"{path}: {key} is {found.shape}, not ({count},), a label for each image")
    if found.dtype.kind not in "iu":
        raise DataMissing(f"{path}: {key} is of {found.dtype}, not of whole numbers")
    if found.min() < 0 or found.max() >= 2**15:
        raise DataMissing(f"{path}: {key} has labels from {found.min()} to {found.max()}; they begin at 0")
    return found.reshape(-1).astype(np.int64)


PLACES.add(PLACE, Place("image classification", names, provider))
