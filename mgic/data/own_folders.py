"""`folder/NAME`: pictures in a folder for each class, as people have them.

`train/CLASS/` and `test/CLASS/` or `val/CLASS/`, or the classes at once. Without `test/`, `val/` is tested on; beside
it, `val/` is to choose by. A set that comes unsplit is split class by class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mgic.data.dataset import Arrays, ImageProvider
from mgic.data.decoding import read_rgb, read_size
from mgic.data.folders import FolderImages, Labelled, labelled, pictures_by_class
from mgic.data.listing import named_folders
from mgic.data.own import (
    IN_MEMORY,
    SPLITS,
    TEST_SHARE,
    Facts,
    Moments,
    check_links,
    checked,
    common_size,
    each,
    evenly,
    facts_of,
    fitted,
    folder_names,
    hash_of,
    put_aside,
    seen_through,
)
from mgic.data.sets import PLACES, Place
from mgic.errors import DataMissing

PLACE = "folder"
SIDE = 224  # pixels, of pictures at most
HOW = f"{PLACE}/NAME/CLASS/, a folder for each class"


@dataclass(frozen=True)
class Listed:
    """The pictures of each split; a class is numbered by the place of its name."""

    root: Path
    classes: tuple[str, ...]
    train: list[Labelled]
    test: list[Labelled]
    validation: list[Labelled]

    @property
    def splits(self) -> tuple[list[Labelled], list[Labelled], list[Labelled]]:
        return self.train, self.test, self.validation

    @property
    def files(self) -> list[Path]:
        return [path for split in self.splits for path, _ in split]


def provider(data_dir: Path, name: str) -> ImageProvider:
    root = checked(data_dir / PLACE / name, name, HOW, data_dir)
    listed = _split(root) if {one.name for one in named_folders(root)} & set(SPLITS) else _unsplit(root)
    if len(listed.classes) < 2:
        raise DataMissing(f"{root} has pictures of one class, {listed.classes[0]}; there is nothing to tell apart")
    check_links(listed.files, data_dir)
    facts = facts_of(root, listed.files, partial(_look, listed))
    return ImageProvider(
        name=f"{PLACE}/{name}",
        title=f"{name}, a folder of pictures",
        shape=facts.shape,
        classes=len(facts.classes),
        names=facts.classes,
        train=len(listed.train),
        test=len(listed.test),
        validation=len(listed.validation),
        mean=facts.mean,
        std=facts.std,
        flip=False,  # nobody has said that a mirrored picture shows the same
        how_to_get=f"it lies in {PLACE}/{name} of the folder of the data sets",
        present=lambda _: True,
        read=lambda _: _read(listed, facts),
        hash=facts.hash,
    )


def _split(root: Path) -> Listed:
    there = {one.name for one in named_folders(root)}
    if "train" not in there or not there & {"val", "test"}:
        found = ", ".join(f"{split}/" for split in SPLITS if split in there)
        raise DataMissing(f"{root} has {found} alone; it needs train/ and test/ or val/, or class folders only")
    tested = "test" if "test" in there else "val"
    train, test = labelled(root / "train", root / tested)
    validation = labelled(root / "train", root / "val")[1] if {"val", "test"} <= there else []
    return Listed(root, tuple(pictures_by_class(root / "train")), train, test, validation)


def _unsplit(root: Path) -> Listed:
    found = pictures_by_class(root)
    train: list[Labelled] = []
    test: list[Labelled] = []
    for number, (name, paths) in enumerate(found.items()):
        if len(paths) < 2:
            raise DataMissing(f"{root / name} has a single picture: none is left to test on")
        tested = put_aside([path.name for path in paths], name)
        for at, path in enumerate(paths):
            (test if at in tested else train).append((path, number))
    return Listed(root, tuple(found), train, test, [])


def _look(listed: Listed) -> Facts:
    """From the pixels of `LOOKED_AT` pictures of the training split, and of as many others."""
    learnt = evenly([path for path, _ in listed.train])
    others = evenly([path for path, _ in (*listed.test, *listed.validation)])
    height, width = common_size(each(read_size, [*learnt, *others]), SIDE)
    moments, grey = Moments(3), True
    for number, image in enumerate(seen_through(partial(_pixels, shape=(3, height, width)), [*learnt, *others])):
        grey &= bool((image == image[:1]).all())
        if number < len(learnt):
            moments.show(image)
    shape = (1 if grey else 3, height, width)
    if len(listed.files) * np.prod(shape, dtype=int) > IN_MEMORY:
        shape = (3, min(height, width), min(height, width))  # as they are read from files
    uses = [(path, f"{use} {label}") for use, split in enumerate(listed.splits) for path, label in split]
    found = hash_of(uses, listed.root, shape, TEST_SHARE)
    mean, std = moments.mean[: shape[0]], moments.std[: shape[0]]
    return Facts(shape=shape, classes=listed.classes, mean=mean, std=std, hash=found)


def _read(listed: Listed, facts: Facts) -> Arrays | FolderImages:
    """In memory, where they fit there."""
    if len(listed.files) * np.prod(facts.shape, dtype=int) <= IN_MEMORY:
        splits = [split for split in listed.splits if split]
        return tuple(array for split in splits for array in _arrays(split, facts.shape))
    return FolderImages(
        name=listed.root.name,
        train=listed.train,
        test=listed.test,
        side=facts.shape[1],
        mean=facts.mean,
        std=facts.std,
        hash=facts.hash,
        flip=False,
        validation=listed.validation,
    )


def _arrays(split: Sequence[Labelled], shape: tuple[int, int, int]) -> Arrays:
    images = each(partial(_pixels, shape=shape), [path for path, _ in split])
    return np.stack(images), np.array([label for _, label in split], dtype=np.int64)


def _pixels(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """(channels, height, width), uint8."""
    picture = fitted(read_rgb(path, shape[1:]), shape[1:])
    return np.atleast_3d(np.asarray(picture.convert("L") if shape[0] == 1 else picture)).transpose(2, 0, 1)


PLACES.add(PLACE, Place("image classification", partial(folder_names, PLACE), provider))
