"""Cityscapes: streets of 50 cities with a class for each pixel, fine annotations.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
https://arxiv.org/abs/1604.01685
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mgic.data.decoding import pixels, read_numbers, read_rgb
from mgic.data.listing import all_there, file_state, named_files, named_folders
from mgic.data.mask_sets import IGNORED, MASK_SETS, MaskProvider, MaskSet
from mgic.errors import DataMissing

FOLDER = "cityscapes"
SHAPE = (3, 1024, 2048)
PICTURE = re.compile(r"[^.].*_\d{6}_\d{6}_leftImg8bit\.png")
SPLITS = {"train": 2975, "val": 500}  # the test split has no public masks
HOW_TO_GET = (
    "get leftImg8bit_trainvaltest.zip and gtFine_trainvaltest.zip from cityscapes-dataset.com, where one needs an "
    "account, and unpack both in cityscapes in the folder of the data sets, so that it holds "
    "cityscapes/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png and the others"
)


class Evaluated(NamedTuple):
    name: str
    label: int  # in the files
    colour: tuple[int, int, int]


EVALUATED = (  # in the order of their classes
    Evaluated("road", 7, (128, 64, 128)),
    Evaluated("sidewalk", 8, (244, 35, 232)),
    Evaluated("building", 11, (70, 70, 70)),
    Evaluated("wall", 12, (102, 102, 156)),
    Evaluated("fence", 13, (190, 153, 153)),
    Evaluated("pole", 17, (153, 153, 153)),
    Evaluated("traffic light", 19, (250, 170, 30)),
    Evaluated("traffic sign", 20, (220, 220, 0)),
    Evaluated("vegetation", 21, (107, 142, 35)),
    Evaluated("terrain", 22, (152, 251, 152)),
    Evaluated("sky", 23, (70, 130, 180)),
    Evaluated("person", 24, (220, 20, 60)),
    Evaluated("rider", 25, (255, 0, 0)),
    Evaluated("car", 26, (0, 0, 142)),
    Evaluated("truck", 27, (0, 0, 70)),
    Evaluated("bus", 28, (0, 60, 100)),
    Evaluated("train", 31, (0, 80, 100)),
    Evaluated("motorcycle", 32, (0, 0, 230)),
    Evaluated("bicycle", 33, (119, 11, 32)),
)
LAST_LABEL = max(one.label for one in EVALUATED)  # no label that is ignored is above it


def _train_ids() -> Tensor:
    """(256,) uint8: of each label in a file, its class; the labels that are not evaluated are ignored."""
    table = torch.full((256,), IGNORED, dtype=torch.uint8)
    for number, one in enumerate(EVALUATED):
        table[one.label] = number
    return table


TRAIN_IDS = _train_ids()


@dataclass(frozen=True)
class Streets:
    """One split.

    Args:
        files: Picture and mask of each, in the order of the pictures' names.
    """

    files: tuple[tuple[Path, Path], ...]

    def __len__(self) -> int:
        return len(self.files)

    def read(self, number: int) -> tuple[Tensor, Tensor]:
        picture, mask = self.files[number]
        image, labels = pixels(read_rgb(picture)), pixels(read_numbers(mask))[0]
        if tuple(image.shape) != SHAPE or labels.shape != image.shape[1:]:
            raise DataMissing(
                f"{picture.name} of Cityscapes is {tuple(image.shape)}, its mask {tuple(labels.shape)}, not {SHAPE}"
            )
        if (largest := int(labels.max())) > LAST_LABEL:
            raise DataMissing(
                f"{mask} has the label {largest}, and those of Cityscapes end at {LAST_LABEL}: it is no labelIds file; "
                f"{HOW_TO_GET}"
            )
        return image, TRAIN_IDS[labels.long()]


def present(data_dir: Path) -> bool:
    """Whether there are the folders of both splits; the pictures are counted later."""
    kinds = ("leftImg8bit", "gtFine")
    return all_there((data_dir / FOLDER / kind / split for kind in kinds for split in SPLITS), folders=True)


def read(data_dir: Path) -> MaskSet:
    """List the files; none is opened.

    Raises:
        DataMissing: A split does not have its pictures, or one has no mask, or a file is empty.
    """
    root = data_dir / FOLDER
    digest = hashlib.sha256()
    train, test = (_split(root, split, count, digest) for split, count in SPLITS.items())
    return MaskSet(train, test, digest.hexdigest()[:16])


def _split(root: Path, split: str, count: int, digest: "hashlib._Hash") -> Streets:
    pictures = [path for city in named_folders(root / "leftImg8bit" / split) for path in named_files(city, PICTURE)]
    if len(pictures) != count:
        where = root / "leftImg8bit" / split
        raise DataMissing(
            f"{where} holds {len(pictures)} pictures (CITY/CITY_NNNNNN_NNNNNN_leftImg8bit.png), not {count}; "
            f"{HOW_TO_GET}"
        )
    pairs = tuple((picture, _mask(root, split, picture)) for picture in pictures)
    for path in (path for pair in pairs for path in pair):
        digest.update(f"{path.relative_to(root)}\0{file_state(path).st_size}\n".encode(errors="surrogateescape"))
    return Streets(pairs)


def _mask(root: Path, split: str, picture: Path) -> Path:
    name = picture.name.replace("leftImg8bit", "gtFine_labelIds")
    return root / "gtFine" / split / picture.parent.name / name


MASK_SETS.add(
    "cityscapes",
    MaskProvider(
        name="cityscapes",
        title="Cityscapes, fine annotations",
        classes=tuple(one.name for one in EVALUATED),
        colours=tuple(one.colour for one in EVALUATED),
        shape=SHAPE,
        train=SPLITS["train"],
        test=SPLITS["val"],
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
    ),
)
