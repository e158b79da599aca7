"""Fashion-MNIST: 70 000 grey pictures of clothes, from torchvision's folder or from Debian's package."""

from pathlib import Path
from urllib.error import URLError

import numpy as np
from torchvision.datasets import FashionMNIST

from mgic.data.dataset import DATASETS, Arrays, Source
from mgic.data.idx import read_idx
from mgic.errors import DataMissing

SYSTEM_DIR = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
HOW_TO_GET = "get it with `mgic data fetch fashion_mnist`, or with Debian's package dataset-fashion-mnist"


def find(data_dir: Path) -> list[Path] | None:
    """The four files, in the order of `FILES`, all of one folder; None where no folder has them all."""
    for folder in (data_dir / "FashionMNIST" / "raw", SYSTEM_DIR):
        paths = [next((path for path in _spellings(folder, name) if path.is_file()), None) for name in FILES]
        found = [path for path in paths if path is not None]
        if len(found) == len(FILES):
            return found
    return None


def read(data_dir: Path) -> Arrays:
    paths = find(data_dir)
    if paths is None:
        raise DataMissing(f"the data set fashion_mnist is not under {data_dir}; {HOW_TO_GET}")
    train_images, train_labels, test_images, test_labels = (read_idx(path) for path in paths)
    return train_images[:, None], train_labels.astype(np.int64), test_images[:, None], test_labels.astype(np.int64)


def present(data_dir: Path) -> bool:
    return find(data_dir) is not None


def fetch(data_dir: Path) -> None:
    try:
        FashionMNIST(data_dir, download=True)
    except (URLError, OSError, RuntimeError) as error:
        raise DataMissing(f"fashion_mnist could not be downloaded: {error}") from error


def _spellings(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / name, folder / f"{name}.gz"


DATASETS.add(
    "fashion_mnist",
    Source(
        name="fashion_mnist",
        title="Fashion-MNIST, 28x28",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        mean=(0.2860,),
        std=(0.3530,),
        flip=True,
        how_to_get=HOW_TO_GET,
        present=present,
        read=read,
        fetch=fetch,
    ),
)
