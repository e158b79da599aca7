"""Cityscapes: streets of 50 cities with a class for each pixel, fine annotations, read by torchvision's loader.

Source: Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding",
https://arxiv.org/abs/1604.01685
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torchvision import datasets
from torchvision.transforms.functional import pil_to_tensor

from mgic.data.mask_sets import IGNORED, MASK_SETS, MaskSet, MaskSource
from mgic.errors import DataMissing

FOLDER = "cityscapes"
SHAPE = (3, 1024, 2048)
PARTS = {"train": 2975, "val": 500}  # the test part has no public masks
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


@dataclass(frozen=True)
class Streets:
    """One part; torchvision lists it in the order of the file system, here it is that of the names."""

    files: datasets.Cityscapes

    def __len__(self) -> int:
        return len(self.files)

    def read(self, number: int) -> tuple[Tensor, Tensor]:
        try:
            picture, labels = self.files[number]
            image, mask = pil_to_tensor(picture), TRAIN_IDS[pil_to_tensor(labels)[0].long()]
        except (OSError, UnidentifiedImageError, Image.DecompressionBombError, IndexError) as error:
            name = Path(self.files.images[number]).name
            raise DataMissing(f"{name} of Cityscapes or its mask cannot be read: {error}; {HOW_TO_GET}") from error
        if tuple(image.shape) != SHAPE or mask.shape != image.shape[1:]:
            name = Path(self.files.images[number]).name
            raise DataMissing(
                f"{name} of Cityscapes is {tuple(image.shape)}, its mask {tuple(mask.shape)}, not {SHAPE}"
            )
        return image, mask


def present(data_dir: Path) -> bool:
    """Whether there are the folders of both parts; the pictures are counted later."""
    kinds = ("leftImg8bit", "gtFine")
    return all((data_dir / FOLDER / kind / part).is_dir() for kind in kinds for part in PARTS)


def read(data_dir: Path) -> MaskSet:
    """List the files; none is opened.

    Raises:
        DataMissing: A part does not have its pictures, or one has no mask.
    """
    root = data_dir / FOLDER
    digest = hashlib.sha256()
    train, test = (_part(root, part, count, digest) for part, count in PARTS.items())
    return MaskSet(train, test, digest.hexdigest()[:16])


def _part(root: Path, part: str, count: int, digest: "hashlib._Hash") -> Streets:
    files = datasets.Cityscapes(str(root), split=part, mode="fine", target_type="semantic")
    pairs = sorted(zip(files.images, files.targets, strict=True))
    if len(pairs) != count:
        raise DataMissing(f"{root / 'leftImg8bit' / part} holds {len(pairs)} pictures, not {count}; {HOW_TO_GET}")
    files.images, files.targets = ([pair[place] for pair in pairs] for place in (0, 1))
    for image, (mask,) in pairs:
        for path in (Path(image), Path(mask)):
            if not path.is_file():
                raise DataMissing(f"{path} is missing; {HOW_TO_GET}")
            digest.update(f"{path.relative_to(root)}\0{path.stat().st_size}\n".encode())
    return Streets(files)


MASK_SETS.add(
    "cityscapes",
    MaskSource(
        name="cityscapes",
        title="Cityscapes, fine annotations",
        classes=tuple(one.name for one in EVALUATED),
        colours=tuple(one.color for one in EVALUATED),
        shape=SHAPE,
        train=PARTS["train"],
        test=PARTS["val"],
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
    ),
)
