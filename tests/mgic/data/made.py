"""A small whole copy of each data set, in the format of the real one, and how it is read to the last sample."""

import gzip
import hashlib
import pickle
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import CIFAR10, CIFAR100

from mgic.data import cityscapes, elpv, fashion_mnist, imagenet, load, mnist, modelnet, shapes, solids
from mgic.data.batches import train_and_test
from mgic.data.idx import IdxFile, IdxSet
from mgic.data.mask_sets import load_masks
from mgic.data.point_sets import load_points

CPU = torch.device("cpu")
TETRAHEDRON = "4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"


@dataclass(frozen=True)
class Copy:
    """A set under a folder of data sets.

    Args:
        folder: Where all of its files lie.
        read: Opens every file; the set's hash.
    """

    data_dir: Path
    folder: Path
    read: Callable[[], str]

    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def pickled(folder: Path, name: str, content: dict) -> list[str]:
    """Write a file of CIFAR's; its name and MD5, as torchvision lists them."""
    path = folder / name
    path.write_bytes(pickle.dumps(content, protocol=2))
    return [name, hashlib.md5(path.read_bytes()).hexdigest()]


def cifar_batch(count: int, key: str, seed: int, classes: int) -> dict:
    random = np.random.default_rng(seed)
    data = random.integers(0, 256, (count, 3 * 32 * 32), dtype=np.uint8)
    return {"data": data, key: random.integers(0, classes, count).tolist()}


def cifar10(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / CIFAR10.base_folder
    folder.mkdir()
    train = [pickled(folder, f"data_batch_{n}", cifar_batch(4, "labels", n, 10)) for n in range(1, 6)]
    test = [pickled(folder, "test_batch", cifar_batch(3, "labels", 9, 10))]
    meta = pickled(folder, "batches.meta", {"label_names": list("abcdefghij")})
    patch.setattr(CIFAR10, "train_list", train)
    patch.setattr(CIFAR10, "test_list", test)
    patch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return Copy(data_dir, folder, lambda: load("cifar10", data_dir).hash)


def cifar100(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / CIFAR100.base_folder
    folder.mkdir()
    patch.setattr(CIFAR100, "train_list", [pickled(folder, "train", cifar_batch(6, "fine_labels", 1, 100))])
    patch.setattr(CIFAR100, "test_list", [pickled(folder, "test", cifar_batch(3, "fine_labels", 2, 100))])
    meta = pickled(folder, "meta", {"fine_label_names": [str(n) for n in range(100)]})
    patch.setattr(CIFAR100, "meta", {"filename": meta[0], "key": "fine_label_names", "md5": meta[1]})
    return Copy(data_dir, folder, lambda: load("cifar100", data_dir).hash)


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def grey(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def tens(count: int) -> np.ndarray:
    return (np.arange(count) % 10).astype(np.uint8)


def idx_files(known: IdxSet, folder: Path, seed: int, packed: bool = False, train: int = 20, test: int = 10) -> IdxSet:
    """Write four files of a set's names; the set as it would be, had these been published."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for file, array in zip(
        known.files, (grey(train, seed), tens(train), grey(test, seed + 1), tens(test)), strict=True
    ):
        content = idx(array)
        path = folder / (f"{file.name}.gz" if packed else file.name)
        path.write_bytes(gzip.compress(content) if packed else content)
        files.append(IdxFile(file.name, array.shape, hashlib.sha256(content).hexdigest()))
    return replace(known, files=tuple(files))


def fashion(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / "FashionMNIST" / "raw"
    patch.setattr(fashion_mnist, "FASHION_MNIST", idx_files(fashion_mnist.FASHION_MNIST, folder, seed=0))
    return Copy(data_dir, folder, lambda: load("fashion_mnist", data_dir).hash)


def handwritten(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / "MNIST" / "raw"
    patch.setattr(mnist, "MNIST", idx_files(mnist.MNIST, folder, seed=5))
    return Copy(data_dir, folder, lambda: load("mnist", data_dir).hash)


def photographs(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    """Two classes of ImageNet; every picture of one colour but for a white right half, so that a mirrored one shows."""
    patch.setattr(imagenet, "CLASSES", 2)
    for split, count in (("train", 3), ("val", 2)):
        for label, name in enumerate(("n01", "n02")):
            folder = data_dir / "imagenet" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                picture = Image.new("RGB", (60 + 20 * number, 50), (0, 0, 100 * label))
                picture.paste((255, 255, 255), (picture.width // 2, 0, picture.width, 50))
                picture.save(folder / f"{number}.JPEG", quality=95)

    def read() -> str:
        found = load("imagenet", data_dir)
        for split in train_and_test(found, CPU):
            split.take(slice(None))
        return found.hash

    return Copy(data_dir, data_dir / "imagenet", read)


def streets(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    """Two pictures of two cities to learn from and one to test, 4x8 pixels, with labels 7, 24 and 4 in columns."""
    patch.setattr(cityscapes, "SPLITS", {"train": 2, "val": 1})
    patch.setattr(cityscapes, "SHAPE", (3, 4, 8))
    labels = np.repeat(np.array([[7, 7, 24, 24, 24, 4, 4, 4]], dtype=np.uint8), 4, axis=0)
    for split, city, shade in (("train", "ulm", 10), ("train", "aachen", 20), ("val", "lindau", 30)):
        for kind, suffix, pixels in (
            ("leftImg8bit", "leftImg8bit", np.full((4, 8, 3), shade, dtype=np.uint8)),
            ("gtFine", "gtFine_labelIds", labels),
        ):
            folder = data_dir / "cityscapes" / kind / split / city
            folder.mkdir(parents=True)
            Image.fromarray(pixels).save(folder / f"{city}_000000_000019_{suffix}.png")

    def read() -> str:
        found = load_masks("cityscapes", data_dir)
        for split in (found.train, found.test):
            for number in range(len(split)):
                split.read(number)
        return found.hash

    return Copy(data_dir, data_dir / "cityscapes", read)


def furniture(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    """Two classes of two and one shapes, of which one has the counts on the line of the word."""
    patch.setattr(modelnet, "COUNTS", {"bed": (2, 1), "chair": (2, 1)})
    for name in ("bed", "chair"):
        for split, numbers in (("train", (1, 2)), ("test", (3,))):
            folder = data_dir / "ModelNet10" / name / split
            folder.mkdir(parents=True)
            for number in numbers:
                header = "OFF" if number == 2 else "OFF\n"
                (folder / f"{name}_{number:04}.off").write_text(header + TETRAHEDRON)
    return Copy(data_dir, data_dir / "ModelNet10", lambda: load_points("modelnet10", data_dir, 16, 0).hash)


def digits(data_dir: Path, _patch: pytest.MonkeyPatch) -> Copy:
    return Copy(data_dir, data_dir, lambda: load("digits", data_dir).hash)


def forms(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    patch.setattr(shapes, "TRAIN", 4)
    patch.setattr(shapes, "TEST", 2)
    return Copy(data_dir, data_dir, lambda: load_masks("shapes", data_dir).hash)


def bodies(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    patch.setattr(solids, "TRAIN", 10)
    patch.setattr(solids, "TEST", 10)
    return Copy(data_dir, data_dir, lambda: load_points("solids", data_dir, 16, 0).hash)


def cells(data_dir: Path, patch: pytest.MonkeyPatch) -> Copy:
    """Ten cells of each probability, in a folder in place of the package's."""
    folder = data_dir / "elpv"
    (folder / "images").mkdir(parents=True)
    lines = []
    for number in range(40):
        name = f"images/cell{number:04}.png"
        Image.fromarray(np.full((300, 300), number, dtype=np.uint8)).save(folder / name)
        lines.append(f"{name}  {list(elpv.CLASSES)[number % 4]}  mono\n")
    (folder / "labels.csv").write_text("".join(lines))
    patch.setattr(elpv, "folder", lambda: folder)
    patch.setattr(elpv, "TRAIN", 32)
    patch.setattr(elpv, "TEST", 8)
    return Copy(data_dir, folder, lambda: load("elpv", data_dir).hash)


def own_pictures(folder: Path, count: int) -> None:
    """Of two classes, of unlike sizes, in colours."""
    for label, name in enumerate(("cat", "dog")):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.default_rng(number).integers(0, 200, (20 + number, 24, 3), dtype=np.uint8)
            pixels[..., label] = 255
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def own_folder(data_dir: Path, _patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / "folder" / "own"
    for split, count in (("train", 3), ("val", 2)):
        own_pictures(folder / split, count)
    return Copy(data_dir, folder, lambda: load("folder/own", data_dir).hash)


def own_unsplit(data_dir: Path, _patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / "folder" / "unsplit"
    own_pictures(folder, 10)
    return Copy(data_dir, folder, lambda: load("folder/unsplit", data_dir).hash)


def own_numbers() -> dict[str, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8), dtype=np.uint8)
    labels = np.arange(16) % 2
    return {"x_train": images[:10], "y_train": labels[:10], "x_test": images[10:], "y_test": labels[10:]}


def own_arrays(data_dir: Path, _patch: pytest.MonkeyPatch) -> Copy:
    folder = data_dir / "npz"
    folder.mkdir(parents=True)
    np.savez(folder / "own.npz", **own_numbers())
    return Copy(data_dir, folder, lambda: load("npz/own", data_dir).hash)


def own_masks(data_dir: Path, _patch: pytest.MonkeyPatch) -> Copy:
    """Five pictures in colours whose upper half is of class 1, but for a row of 255, and the lower of 2."""
    folder = data_dir / "masks" / "own"
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for number in range(5):
        labels = np.repeat(np.array([255, *[1] * 9, *[2] * 10], dtype=np.uint8)[:, None], 24, axis=1)
        Image.fromarray(np.full((20, 24, 3), (0, 50 * number, 90), np.uint8)).save(folder / f"images/{number}.jpg")
        Image.fromarray(labels).save(folder / f"masks/{number}.png")
    return Copy(data_dir, folder, lambda: load_masks("masks/own", data_dir).hash)


OWN: dict[str, Callable[[Path, pytest.MonkeyPatch], Copy]] = {
    "folder/own": own_folder,
    "folder/unsplit": own_unsplit,
    "masks/own": own_masks,
    "npz/own": own_arrays,
}
COPIES: dict[str, Callable[[Path, pytest.MonkeyPatch], Copy]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "cityscapes": streets,
    "digits": digits,
    "elpv": cells,
    "elpv_96": cells,
    "elpv_128": cells,
    "fashion_mnist": fashion,
    "imagenet": photographs,
    "mnist": handwritten,
    "modelnet10": furniture,
    "shapes": forms,
    "solids": bodies,
    **OWN,
}
