"""Ways of being another data set than one is called, set by set, and the words that each is refused with."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.mgic.data.made import TETRAHEDRON, grey, idx, own_numbers, tens

Spoil = Callable[[Path], None]


def replaced(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def swap(one: str, other: str) -> Spoil:
    def change(folder: Path) -> None:
        (folder / one).rename(folder / "between")
        (folder / other).rename(folder / one)
        (folder / "between").rename(folder / other)

    return change


def move(old: str, new: str) -> Spoil:
    return lambda folder: (folder / old).rename(folder / new) and None


def remove(name: str) -> Spoil:
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def double(old: str, new: str) -> Spoil:
    return lambda folder: shutil.copytree(folder / old, folder / new) and None


def save(name: str, pixels: np.ndarray, form: str | None = None) -> Spoil:
    return lambda folder: Image.fromarray(pixels).save(folder / name, form)


def flatten(split: str) -> Spoil:
    """As the archive of the validation pictures is unpacked: all in one folder."""

    def change(folder: Path) -> None:
        for path in list((folder / split).glob("*/*")):
            path.rename(folder / split / f"{path.parent.name}_{path.name}")

    return change


def arrays(**changed: np.ndarray | None) -> Spoil:
    """The file of arrays with others in it; None: without."""

    def change(folder: Path) -> None:
        made = own_numbers() | changed
        np.savez(folder / "own.npz", **{key: value for key, value in made.items() if value is not None})

    return change


def link_out(name: str) -> Spoil:
    """In place of what is there, which lies beside the folder of the data sets then."""

    def change(folder: Path) -> None:
        outside = folder.parents[1].with_name(f"{folder.parents[1].name}-outside")
        shutil.move(folder / name, outside)
        (folder / name).symlink_to(outside)

    return change


def renumber(folder: Path) -> None:
    for number, name in enumerate(("n02", "n01")):
        (folder / "val" / name).rename(folder / "val" / str(number))


def deepen(split: str) -> Spoil:
    """As Tiny ImageNet is: `images` between class and picture."""

    def change(folder: Path) -> None:
        for path in list((folder / split).glob("*/*")):
            (path.parent / "images").mkdir(exist_ok=True)
            path.rename(path.parent / "images" / path.name)

    return change


def write(name: str, content: bytes) -> Spoil:
    return lambda folder: replaced(content)(folder / name)


def packed(name: str, content: bytes) -> Spoil:
    """Packed, in place of the plain file."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))

    return change


MASK = "gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png"
STREET = "leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png"
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = (
    f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def of_idx(other_seed: int) -> dict[str, tuple[Spoil, str]]:
    """Of the two sets of one format each is the other's impostor: `other_seed` makes the other's pictures."""
    changed = tens(20)
    changed[7] = 8
    return {
        "all black": (write(TRAIN_IMAGES, idx(np.zeros((20, 28, 28), np.uint8))), f"{TRAIN_IMAGES} is not .*SHA-256"),
        "another set": (write(TRAIN_IMAGES, idx(grey(20, other_seed))), f"{TRAIN_IMAGES} is not .*another set's"),
        "another set, packed": (packed(TEST_IMAGES, idx(grey(10, other_seed + 1))), f"{TEST_IMAGES}.gz is not"),
        "one label is another": (write(TRAIN_LABELS, idx(changed)), f"{TRAIN_LABELS} is not .*SHA-256"),
        "one picture fewer": (write(TEST_IMAGES, idx(grey(9, 1))), r"\(9, 28, 28\), not \(10, 28, 28\)"),
        "one picture more": (write(TEST_IMAGES, idx(grey(11, 1))), r"\(11, 28, 28\), not \(10, 28, 28\)"),
        "one label more": (write(TEST_LABELS, idx(tens(11))), r"\(11,\), not \(10,\)"),
        "splits swapped": (swap(TRAIN_IMAGES, TEST_IMAGES), r"\(10, 28, 28\), not \(20, 28, 28\)"),
        "labels swapped": (swap(TRAIN_LABELS, TEST_LABELS), r"\(10,\), not \(20,\)"),
        "labels as pictures": (swap(TRAIN_LABELS, TRAIN_IMAGES), r"\(20,\), not \(20, 28, 28\)"),
        "pictures turned": (
            write(TEST_IMAGES, idx(np.ascontiguousarray(grey(10, 1).transpose(0, 2, 1)))),
            f"{TEST_IMAGES} is not .*SHA-256",
        ),
        "16 bits": (write(TRAIN_LABELS, b"\0\0\x0b\1" + bytes(44)), "does not start as an IDX file of bytes"),
        "bytes after its end": (write(TEST_LABELS, idx(tens(10)) + b"\n"), "more bytes than the 10"),
        "packed twice": (packed(TEST_LABELS, gzip.compress(idx(tens(10)))), "does not start as"),
        "a file is missing": (remove(TEST_LABELS), "get it with"),
    }


SPOILT: dict[str, dict[str, tuple[Spoil, str]]] = {
    "cifar10": {
        "a file is missing": (remove("data_batch_4"), "mgic data fetch cifar10"),
        "batches swapped": (swap("data_batch_1", "test_batch"), "data_batch_1 is not the file that was published"),
        "one twice": (lambda folder: shutil.copy(folder / "data_batch_1", folder / "data_batch_2"), "data_batch_2 is"),
    },
    "cifar100": {
        "a file is missing": (remove("test"), "mgic data fetch cifar100"),
        "splits swapped": (swap("train", "test"), "train is not the file that was published"),
    },
    "fashion_mnist": of_idx(other_seed=5),
    "mnist": of_idx(other_seed=0),
    "imagenet": {
        "numbered classes in val": (renumber, r"val has classes that .*train has not: 0, 1;"),
        "a class is missing in val": (remove("val/n02"), r"train has classes that .*val has not: n02;"),
        "a class is missing in train": (remove("train/n02"), r"val has classes that .*train has not: n02;"),
        "a class is missing in both": (
            lambda at: [remove(f"{p}/n02")(at) for p in ("train", "val")],
            "1 classes, not of 2",
        ),
        "a class twice in train": (double("train/n02", "train/n02 (1)"), r"val has not: n02 \(1\);"),
        "a class twice in both": (
            lambda folder: [double(f"{split}/n01", f"{split}/n03")(folder) for split in ("train", "val")],
            "3 classes, not of 2",
        ),
        "other letters": (move("val/n01", "val/N01"), "train has not: N01;"),
        "val in one folder": (flatten("val"), r"no pictures .*val/CLASS/.*; 4 lie right in it"),
        "train one folder too deep": (deepen("train"), r"no pictures .*train/CLASS/"),
        "val is missing": (remove("val"), "not under .*image-net.org"),
        "32 bits": (save("val/n02/1.JPEG", np.full((9, 9), 25700, np.int32), "TIFF"), r"n02/1\.JPEG are .*32 bits"),
        "fractions": (save("train/n01/0.JPEG", np.full((9, 9), 0.4, np.float32), "TIFF"), r"n01/0\.JPEG are fractions"),
        "16 bits without a white": (
            save("val/n01/0.JPEG", np.full((9, 9), 99, np.uint16), "TIFF"),
            "numbers of 16 bits",
        ),
    },
    "cityscapes": {
        "a mask is missing": (remove(MASK), r"ulm_000000_000019_gtFine_labelIds\.png is missing"),
        "a picture is missing": (remove(STREET), "holds 1 pictures .*, not 2"),
        "a city is missing": (remove("leftImg8bit/train/ulm"), "holds 1 pictures .*, not 2"),
        "splits swapped": (swap("leftImg8bit/train", "leftImg8bit/val"), "holds 1 pictures .*, not 2"),
        "a picture of another size": (save(STREET, np.zeros((2, 2, 3), np.uint8)), r"ulm.* is \(3, 2, 2\)"),
        "a mask of another size": (save(MASK, np.zeros((2, 2), np.uint8)), r"its mask \(2, 2\)"),
        "a mask in colours": (save(MASK, np.full((4, 8, 3), 7, np.uint8)), "labelIds.png are colours"),
        "a mask of 16 bits": (save(MASK, np.full((4, 8), 7, np.uint16)), "labelIds.png are whole numbers of 16 bits"),
        "a mask of train ids": (save(MASK, np.full((4, 8), 255, np.uint8)), "labelIds.png has the label 255"),
        "a mask of instances": (save(MASK, np.full((4, 8), 34, np.uint8)), "labelIds.png has the label 34"),
    },
    "folder/own": {
        "another class in val": (double("val/cat", "val/cow"), r"val has classes that .*train has not: cow;"),
        "a class is empty in val": (
            lambda folder: [remove(f"val/cat/{n}.png")(folder) for n in range(2)],
            r"train has classes that .*val has not: cat;",
        ),
        "train alone": (remove("val"), r"own has train/ alone; it needs train/ and test/ or val/"),
        "val alone": (remove("train"), "own has val/ alone"),
        "one class": (
            lambda folder: [remove(f"{split}/dog")(folder) for split in ("train", "val")],
            "pictures of one class, cat",
        ),
        "a class is a link out": (link_out("train/cat"), "train/cat is a link out of the folder of the data sets"),
        "a picture is a link out": (link_out("val/dog/0.png"), r"val/dog/0\.png is a link out"),
        "fractions": (save("train/cat/0.png", np.full((9, 9), 0.4, np.float32), "TIFF"), r"cat/0\.png are fractions"),
    },
    "folder/unsplit": {
        "one picture in a class": (
            lambda folder: [remove(f"dog/{n}.png")(folder) for n in range(1, 10)],
            "dog has a single picture",
        ),
        "no classes": (
            lambda folder: [remove(name)(folder) for name in ("cat", "dog")],
            "pictures .*unsplit/CLASS/",
        ),
    },
    "npz/own": {
        "objects of Python": (
            arrays(x_train=np.array([{}, {}], dtype=object)),
            "x_train in .* holds objects",
        ),
        "NaN": (arrays(x_train=np.full((10, 8, 8), np.nan)), "x_train has numbers from nan to nan"),
        "not of 0 to 1": (arrays(x_test=np.full((6, 8, 8), 1.5)), r"x_test has numbers from 1\.5 to 1\.5"),
        "16 bits": (arrays(x_train=np.zeros((10, 8, 8), np.uint16)), "x_train is of uint16; save it as uint8"),
        "a label beyond the others": (
            arrays(y_test=np.array([0, 1, 2, 0, 1, 2])),
            "y_test has the label 2",
        ),
        "a negative label": (arrays(y_train=np.arange(10) % 2 - 1), "labels from -1 to 0"),
        "labels from 1": (arrays(y_train=np.arange(10) % 2 + 1), "goes to 2 and has no 0"),
        "one label": (arrays(y_train=np.zeros(10, int)), "goes to 0 and has no 1"),
        "fractions as labels": (arrays(y_train=np.zeros(10)), "y_train is of float64, not of whole numbers"),
        "one label fewer": (arrays(y_test=np.zeros(5, int)), r"y_test is \(5,\), not \(6,\)"),
        "no labels": (arrays(y_train=None), "own.npz has no y_train"),
        "channels in doubt": (arrays(x_train=np.zeros((10, 3, 8, 3), np.uint8)), 'layout="NCHW" .* or layout="NHWC"'),
        "an unknown layout": (
            arrays(x_train=np.zeros((10, 3, 8, 8), np.uint8), layout=np.array("CHWN")),
            "layout is 'CHWN', not NCHW or NHWC",
        ),
        "sizes that differ": (arrays(x_test=np.zeros((6, 9, 8), np.uint8)), r"x_test has images \(1, 9, 8\)"),
        "vectors": (
            arrays(x_train=np.zeros((10, 64), np.uint8)),
            r"x_train is \(10, 64\), not \(count, height",
        ),
        "a link out": (link_out("own.npz"), r"own\.npz is a link out"),
    },
    "masks/own": {
        "a mask is missing": (remove("masks/1.png"), r"images/1\.jpg has no mask of its name"),
        "a picture is missing": (remove("images/1.jpg"), r"masks/1\.png has no picture of its name"),
        "one picture twice": (
            lambda folder: Image.open(folder / "images/1.jpg").save(folder / "images/1.png"),
            "images has several files called 1",
        ),
        "a mask of another size": (save("masks/2.png", np.zeros((5, 5), np.uint8)), r"2\.png is 5x5, and its picture"),
        "a mask in colours": (save("masks/2.png", np.zeros((20, 24, 3), np.uint8)), r"masks/2\.png are colours"),
        "a mask of 16 bits": (save("masks/2.png", np.zeros((20, 24), np.uint16)), "whole numbers of 16 bits"),
        "a label without a name": (
            write("classes.txt", b"ground\nhill\n"),
            r"label 2, and classes\.txt names 2",
        ),
        "a class twice": (write("classes.txt", b"hill\nhill\nlake\n"), "classes.txt names a class twice"),
        "a mask is a link out": (link_out("masks/0.png"), r"masks/0\.png is a link out"),
    },
    "modelnet10": {
        "a shape is missing": (remove("chair/train/chair_0002.off"), r"chair/train holds 1 shapes .*, not 2"),
        "a shape of another name": (move("bed/train/bed_0001.off", "bed/train/chair_0001.off"), r"holds 1 shapes"),
        "one shape more": (
            lambda folder: shutil.copy(folder / "bed/train/bed_0001.off", folder / "bed/train/bed_0009.off"),
            r"bed/train holds 3 shapes .*, not 2",
        ),
        "a class is missing": (remove("chair"), r"ModelNet10\.zip"),
        "points of four coordinates": (
            write("bed/test/bed_0003.off", f"4OFF\n{TETRAHEDRON}".encode()),
            r"bed_0003\.off is damaged: it is of the kind 4OFF",
        ),
        "binary": (write("bed/test/bed_0003.off", b"OFF BINARY\n" + bytes(64)), r"bed_0003\.off .*kind OFF BINARY"),
        "another format": (
            write("bed/test/bed_0003.off", b"ply\nformat ascii 1.0\n"),
            r"bed_0003\.off .*begin with OFF",
        ),
    },
}
