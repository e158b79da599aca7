"""Handwritten digits of 8x8 pixels, the set that ships with scikit-learn: the default, and always there."""

from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from mgic.data.dataset import DATASETS, Arrays, ImageProvider

FILE = "sklearn/datasets/data/digits.csv.gz"  # 64 pixels of 0 to 16 and the digit in a line, as `load_digits` reads it


def read(_data_dir: Path) -> Arrays:
    """1437 images to train, 360 to test; every fifth image of each digit is a test image.

    The set comes unsplit. Sorted by digit, in the order given, each fifth one is taken, so the
    share of every digit is the same in both splits and no random draw is involved.
    """
    # The file alone: to import scikit-learn takes as long as to import torch.
    table = np.loadtxt(str(distribution("scikit-learn").locate_file(FILE)), delimiter=",")
    labels = table[:, 64].astype(np.int64)
    images = np.rint(table[:, :64].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    order = np.argsort(labels, kind="stable")
    test = np.zeros(len(labels), dtype=bool)
    test[order[::5]] = True
    return images[~test], labels[~test], images[test], labels[test]


def present(_data_dir: Path) -> bool:
    return True


DATASETS.add(
    "digits",
    ImageProvider(
        name="digits",
        title="Handwritten digits, 8x8",
        shape=(1, 8, 8),
        classes=10,
        train=1437,
        test=360,
        mean=(0.3058,),
        std=(0.3761,),
        flip=False,
        how_to_get="it comes with scikit-learn",
        present=present,
        read=read,
    ),
)
