"""CIFAR-10 and CIFAR-100: 60 000 colour photographs of 32x32 pixels, read by torchvision's own loaders."""

import pickle
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import numpy as np

from mgic.data.dataset import DATASETS, Arrays, ImageProvider
from mgic.data.listing import all_there
from mgic.errors import DataMissing

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

# Torchvision has the names too, with checksums; to know whether a set is there must not take as long as importing it.
FILES = {
    "cifar10": ("cifar-10-batches-py", (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta")),
    "cifar100": ("cifar-100-python", ("train", "test", "meta")),
}


def loader_of(name: str) -> "type[CIFAR10]":
    from torchvision.datasets import CIFAR10, CIFAR100

    loader: type[CIFAR10] = {"cifar10": CIFAR10, "cifar100": CIFAR100}[name]  # the latter is a subclass
    return loader


def read(name: str, data_dir: Path) -> Arrays:
    """Torchvision compares every file with its known checksum before it unpickles one.

    Raises:
        DataMissing: A file is absent or is not what was published.
    """
    from torchvision.datasets.utils import check_integrity

    loader = loader_of(name)
    try:
        train, test = loader(data_dir, train=True), loader(data_dir, train=False)
    except (RuntimeError, ValueError, KeyError, EOFError, OSError, pickle.UnpicklingError) as error:
        folder = data_dir / loader.base_folder
        published = [*loader.train_list, *loader.test_list, [loader.meta["filename"], loader.meta["md5"]]]
        other = [file for file, md5 in published if not check_integrity(folder / file, md5)]
        why = f"{other[0]} is not the file that was published" if other else error
        raise DataMissing(
            f"the data set {name} is incomplete or damaged: {why}; delete {folder} and run `mgic data fetch {name}`"
        ) from error
    return _channels_first(train.data), np.array(train.targets), _channels_first(test.data), np.array(test.targets)


def present(name: str, data_dir: Path) -> bool:
    """Whether all files have their names; their contents are checked when they are read."""
    folder, files = FILES[name]
    return all_there(data_dir / folder / file for file in files)


def fetch(name: str, data_dir: Path) -> None:
    try:
        loader_of(name)(data_dir, download=True)
    except (URLError, OSError, RuntimeError) as error:
        raise DataMissing(f"{name} could not be downloaded: {error}") from error


def _channels_first(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 3, 1, 2)


def _add(name: str, classes: int, mean: tuple[float, ...], std: tuple[float, ...], names: tuple[str, ...] = ()) -> None:
    DATASETS.add(
        name,
        ImageProvider(
            name=name,
            title=f"CIFAR-{classes}, 32x32",
            shape=(3, 32, 32),
            classes=classes,
            names=names,
            train=50_000,
            test=10_000,
            mean=mean,
            std=std,
            flip=True,
            how_to_get=f"get it with `mgic data fetch {name}`",
            present=partial(present, name),
            read=partial(read, name),
            fetch=partial(fetch, name),
        ),
    )


OF_TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_add("cifar10", 10, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616), names=OF_TEN)
_add("cifar100", 100, mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762))
