"""Fashion-MNIST: 70 000 grey pictures of clothes, from torchvision's folder or from Debian's package."""

from pathlib import Path

from mgic.data.dataset import DATASETS, Arrays, ImageProvider
from mgic.data.idx import IdxSet, published

SYSTEM_DIR = Path("/usr/share/datasets/fashion-mnist")  # where Debian's dataset-fashion-mnist puts it
FASHION_MNIST = IdxSet(
    title="Fashion-MNIST",
    files=published(
        train_images="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        train_labels="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        test_images="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        test_labels="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    loader="FashionMNIST",
    how_to_get="get it with `mgic data fetch fashion_mnist`, or with Debian's package dataset-fashion-mnist",
)
CLASSES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)


def folders(data_dir: Path) -> tuple[Path, Path]:
    return data_dir / "FashionMNIST" / "raw", SYSTEM_DIR


def read(data_dir: Path) -> Arrays:
    return FASHION_MNIST.read(folders(data_dir))


def present(data_dir: Path) -> bool:
    return FASHION_MNIST.find(folders(data_dir)) is not None


DATASETS.add(
    "fashion_mnist",
    ImageProvider(
        name="fashion_mnist",
        title="Fashion-MNIST, 28x28",
        shape=(1, 28, 28),
        classes=10,
        names=CLASSES,
        train=60_000,
        test=10_000,
        mean=(0.2860,),
        std=(0.3530,),
        flip=True,
        how_to_get=FASHION_MNIST.how_to_get,
        present=present,
        read=read,
        fetch=FASHION_MNIST.fetch,
    ),
)
