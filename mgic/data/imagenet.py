"""ImageNet (ILSVRC 2012): 1.28 million photographs of 1000 classes, from folders."""

from pathlib import Path

from mgic.data.dataset import DATASETS, ImageProvider
from mgic.data.folders import FolderImages, fingerprint, labelled
from mgic.data.listing import all_there
from mgic.errors import DataMissing

SIDE, CLASSES = 224, 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HOW_TO_GET = (
    "get it from image-net.org, where one needs an account, and unpack it to imagenet/train/<class>/*.JPEG and "
    "imagenet/val/<class>/*.JPEG in the folder of the data sets"
)


def present(data_dir: Path) -> bool:
    return all_there((data_dir / "imagenet" / split for split in ("train", "val")), folders=True)


def read(data_dir: Path) -> FolderImages:
    """List the files; none is opened.

    Raises:
        DataMissing: A split has no pictures, the two have classes of other names, or not so many, or a file is empty.
    """
    root = data_dir / "imagenet"
    train, test = labelled(root / "train", root / "val")
    if (found := len({label for _, label in train})) != CLASSES:
        raise DataMissing(f"{root} has pictures of {found} classes, not of {CLASSES}; {HOW_TO_GET}")
    return FolderImages("imagenet", train, test, SIDE, MEAN, STD, fingerprint([*train, *test], root))


DATASETS.add(
    "imagenet",
    ImageProvider(
        name="imagenet",
        title="ImageNet, 224x224",
        shape=(3, SIDE, SIDE),
        classes=CLASSES,
        train=1_281_167,
        test=50_000,
        mean=MEAN,
        std=STD,
        flip=True,
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
    ),
)
