"""MNIST: 70 000 grey pictures of handwritten digits, from torchvision's folder.

Source: LeCun et al., "Gradient-Based Learning Applied to Document Recognition", https://doi.org/10.1109/5.726791
"""

from pathlib import Path

from mgic.data.dataset import DATASETS, Arrays, ImageProvider
from mgic.data.idx import IdxSet, published

MNIST = IdxSet(
    title="MNIST",
    files=published(
        train_images="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        train_labels="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        test_images="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        test_labels="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    loader="MNIST",
    how_to_get="get it with `mgic data fetch mnist`",
)


def folders(data_dir: Path) -> tuple[Path]:
    return (data_dir / "MNIST" / "raw",)


def read(data_dir: Path) -> Arrays:
    return MNIST.read(folders(data_dir))


def present(data_dir: Path) -> bool:
    return MNIST.find(folders(data_dir)) is not None


DATASETS.add(
    "mnist",
    ImageProvider(
        name="mnist",
        title="MNIST, 28x28",
        shape=(1, 28, 28),
        classes=10,
        train=60_000,
        test=10_000,
        mean=(0.1307,),
        std=(0.3081,),
        flip=False,
        how_to_get=MNIST.how_to_get,
        present=present,
        read=read,
        fetch=MNIST.fetch,
    ),
)
