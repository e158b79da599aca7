"""Cityscapes: streets of 50 cities with a class for each pixel, fine annotations.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
https://arxiv.org/abs/1604.01685
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets
from torchvision.transforms.functional import pil_to_tensor

from mgic.data.decoding import read_numbers, read_rgb
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
EVALUATED = sorted(
    (one for one in datasets.Cityscapes.classes if 0 <= one.train_id < IGNORED), key=lambda one: one.train_id
)


def _train_ids() -> Tensor:
    """(256,) uint8: of each label in a file, its class; the labels that are not evaluated are ignored."""
    table = torch.full((256,), IGNORED, dtype=torch.uint8)
    for one in EVALUATED:
        table[one.id] = one.train_id
    return table


TRAIN_IDS = _train_ids()
LAST_LABEL = max(one.id for one in datasets.Cityscapes.classes)


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
        image, labels = pil_to_tensor(read_rgb(picture)), pil_to_tensor(read_numbers(mask))[0]
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
        colours=tuple(one.color for one in EVALUATED),
        shape=SHAPE,
        train=SPLITS["train"],
        test=SPLITS["val"],
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
    ),
)
