"""`masks/NAME`: pictures in `images/` and masks of equal names in `masks/`, PNGs whose pixels are the classes.

Either two folders, which are split here, or `train/`, `test/` and `val/` with two each, which are used as in
`folder/NAME`. Pixels of 255 do not count. `classes.txt` may name the classes, one a line.
"""

import colorsys
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mgic.data.decoding import pixels, read_numbers, read_rgb, read_size
from mgic.data.folders import PICTURE
from mgic.data.listing import named_files, named_folders
from mgic.data.mask_sets import IGNORED, MaskProvider, MaskSet, MasksInMemory
from mgic.data.own import (
    IN_MEMORY,
    SPLITS,
    TEST_SHARE,
    Facts,
    Size,
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
)
from mgic.data.sets import PLACES, Place
from mgic.errors import DataMissing

PLACE = "masks"
SIDE = 512  # pixels, of pictures at most
MASK = re.compile(r"(?s)[^.].*\.png", re.IGNORECASE)
NAMES = "classes.txt"
HOW = f"{PLACE}/NAME/images/ and {PLACE}/NAME/masks/"

Pair = tuple[Path, Path]


@dataclass(frozen=True)
class Pairs:
    """Pictures with their masks, read when they are wanted.

    Args:
        pairs: The two files of each.
        size: That both get.
        classes: How many.
    """

    pairs: Sequence[Pair]
    size: Size
    classes: int

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, number: int) -> tuple[Tensor, Tensor]:
        picture, mask = self.pairs[number]
        labels = pixels(fitted(_mask(self.pairs[number]), self.size, Image.Resampling.NEAREST))[0]
        if (largest := _largest(labels.numpy())) >= self.classes:
            raise DataMissing(f"{mask} has the label {largest}, and the classes end at {self.classes - 1}")
        return pixels(fitted(read_rgb(picture, self.size), self.size)), labels


def provider(data_dir: Path, name: str) -> MaskProvider:
    root = checked(data_dir / PLACE / name, name, HOW, data_dir)
    splits = _listed(root)
    named = named_files(root, re.compile(re.escape(NAMES)))
    files = [path for split in splits for pair in split for path in pair]
    check_links([*files, *named], data_dir)
    facts = facts_of(root, [*files, *named], partial(_look, root, splits, _names(named)))
    return MaskProvider(
        name=f"{PLACE}/{name}",
        title=f"{name}, pictures with masks",
        classes=facts.classes,
        colours=_colours(len(facts.classes)),
        shape=facts.shape,
        train=len(splits[0]),
        test=len(splits[1]),
        validation=len(splits[2]),
        how_to_get=f"it lies in {PLACE}/{name} of the folder of the data sets",
        present=lambda _: True,
        read=lambda _: _read(splits, facts),
        hash=facts.hash,
    )


def _listed(root: Path) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Those to learn from, to test on and to choose by."""
    there = {one.name for one in named_folders(root)}
    if there & set(SPLITS):
        if "train" not in there or not there & {"val", "test"}:
            raise DataMissing(f"{root} needs train/ and test/ or val/, or images/ and masks/ alone")
        held = _pairs(root / "val") if {"val", "test"} <= there else []
        return _pairs(root / "train"), _pairs(root / ("test" if "test" in there else "val")), held
    pairs = _pairs(root)
    tested = put_aside([picture.stem for picture, _ in pairs], "")
    if len(pairs) < 2:
        raise DataMissing(f"{root} has a single picture: none is left to test on")
    train = [pair for at, pair in enumerate(pairs) if at not in tested]
    return train, [pairs[at] for at in sorted(tested)], []


def _pairs(folder: Path) -> list[Pair]:
    pictures, masks = named_files(folder / "images", PICTURE), named_files(folder / "masks", MASK)
    for found, others, what in ((pictures, masks, "mask"), (masks, pictures, "picture")):
        known = {path.stem for path in others}
        if twice := [stem for stem, count in Counter(path.stem for path in found).items() if count > 1]:
            raise DataMissing(f"{found[0].parent} has several files called {twice[0]}")
        if alone := [path for path in found if path.stem not in known]:
            raise DataMissing(f"{alone[0]} has no {what} of its name")
    if not pictures:
        raise DataMissing(f"no pictures (.jpeg, .jpg, .png) in {folder}/images")
    by_name = {path.stem: path for path in masks}
    return [(picture, by_name[picture.stem]) for picture in pictures]


def _names(named: list[Path]) -> tuple[str, ...]:
    try:
        lines = [line.strip() for path in named for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataMissing(f"{named[0]} cannot be read as text: {error}") from error
    found = tuple(line for line in lines if line)
    if len(set(found)) < len(found):
        raise DataMissing(f"{named[0]} names a class twice")
    return found


def _look(root: Path, splits: tuple[list[Pair], ...], named: tuple[str, ...]) -> Facts:
    """From `LOOKED_AT` pictures and their masks."""
    pairs = evenly([pair for split in splits for pair in split])
    largest = each(lambda pair: _largest(np.asarray(_mask(pair))), pairs)
    classes = named or tuple(f"class {number}" for number in range(max(largest) + 1))
    if max(largest) >= len(classes):
        mask = pairs[largest.index(max(largest))][1]
        raise DataMissing(f"{mask} has the label {max(largest)}, and {NAMES} names {len(classes)} classes, 0 the first")
    if len(classes) < 2:
        raise DataMissing(f"{root} has masks of one class; there is nothing to tell apart")
    pictures = [picture for picture, _ in pairs]
    height, width = common_size(each(read_size, pictures), SIDE)
    each(lambda picture: read_rgb(picture, (height, width)).size, pictures)
    uses = [(path, f"{use}") for use, split in enumerate(splits) for pair in split for path in pair]
    found = hash_of(uses, root, height, width, classes, TEST_SHARE)
    return Facts(shape=(3, height, width), classes=classes, hash=found)


def _mask(pair: Pair) -> Image.Image:
    picture, mask = pair
    labels = read_numbers(mask, palette=True)
    if (labels.height, labels.width) != (size := read_size(picture)):
        raise DataMissing(f"{mask} is {labels.height}x{labels.width}, and its picture {size[0]}x{size[1]}")
    return labels


def _largest(labels: np.ndarray) -> int:
    """0 where nothing counts."""
    return int(np.where(labels == IGNORED, 0, labels).max())


def _read(splits: tuple[list[Pair], ...], facts: Facts) -> MaskSet:
    """In memory, where they fit there."""
    size = facts.shape[1:]
    read = [Pairs(split, size, len(facts.classes)) for split in splits]
    if (sum(map(len, splits)) * 4 * size[0] * size[1]) > IN_MEMORY:
        return MaskSet(read[0], read[1], facts.hash, read[2] if splits[2] else None)
    train, test, held = (_held(one) if len(one) else None for one in read)
    assert train is not None  # both have a picture at least
    assert test is not None
    return MaskSet(train, test, facts.hash, held)


def _held(found: Pairs) -> MasksInMemory:
    images, masks = zip(*each(found.read, range(len(found))), strict=True)
    return MasksInMemory(torch.stack(images), torch.stack(masks))


def _colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """Hues as far from each other as the golden section puts them; the first class, most often the ground, is grey."""
    made = [colorsys.hsv_to_rgb(0.618034 * number % 1, 0.75, 0.85) for number in range(1, count)]
    return ((200, 200, 200), *((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in made))


PLACES.add(PLACE, Place("segmentation", partial(folder_names, PLACE), provider))
