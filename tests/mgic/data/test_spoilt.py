"""Every data set in spoilt copies: what is none of its files does not count, and what is not the set is refused.

A new set gets a small copy in `made.COPIES`; if it has files, its own ways of being another set get a row in `SPOILT`.
"""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mgic.data import dataset_info, list_datasets
from mgic.errors import DataMissing
from tests.mgic.data.made import COPIES, TETRAHEDRON, Copy, grey, idx, tens

MADE_HERE = ("digits", "shapes", "solids")  # they have no files
WITH_FILES = [name for name in list_datasets() if name not in MADE_HERE]
APPLE_DOUBLE = b"\0\5\x16\7" + bytes(4000)

Spoil = Callable[[Path], None]


def everywhere(change: Spoil) -> Spoil:
    """The same in every folder of the set."""

    def changed(folder: Path) -> None:
        for one in (folder, *(path for path in list(folder.rglob("*")) if path.is_dir())):
            change(one)

    return changed


def put(*names: str, content: bytes = b"x") -> Spoil:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True, parents=True)
            (folder / name).write_bytes(content)

    return change


def side_files(folder: Path) -> None:
    put(".DS_Store", content=b"\0\0\0\1Bud1")(folder)
    for path in list(folder.iterdir()):
        put(f"._{path.name}", content=APPLE_DOUBLE)(folder)


def other_half_of_an_archive(folder: Path) -> None:
    for path in list(folder.iterdir()):
        put(f"__MACOSX/._{path.name}", f"__MACOSX/{folder.name}/._{path.name}", content=APPLE_DOUBLE)(folder)


def beside_each_file(*endings: str) -> Spoil:
    def change(folder: Path) -> None:
        for path in [path for path in folder.iterdir() if path.is_file()]:
            for ending in endings:
                shutil.copy(path, folder / f"{path.name}{ending}")

    return change


def hidden_copies(folder: Path) -> None:
    for path in [path for path in folder.iterdir() if path.is_file()]:
        for hidden in (".ipynb_checkpoints", ".Trash-0", ".cache"):
            (folder / hidden).mkdir(exist_ok=True)
            shutil.copy(path, folder / hidden / path.name)


def thumbnails(folder: Path) -> None:
    for path in list(folder.iterdir()):
        put(f"@eaDir/{path.name}/SYNOPHOTO_THUMB_M.jpg", f"@eaDir/{path.name}@SynoEAStream")(folder)


def empty_folders(folder: Path) -> None:
    for name in ("empty", ".empty", "lost+found", "zzz"):
        (folder / name).mkdir()


LITTER: dict[str, Spoil] = {
    "side files of a Mac": everywhere(side_files),
    "the other half of an archive": everywhere(other_half_of_an_archive),
    "files of Windows": everywhere(put("Thumbs.db", "desktop.ini", "ehthumbs.db", "$RECYCLE.BIN/x")),
    "words": everywhere(put("README", "README.md", "LICENSE.txt", "index.html", "checksums.md5", "_SUCCESS")),
    "an editor's and a system's copies": everywhere(hidden_copies),
    "version control": everywhere(put(".git/config", ".gitattributes", ".gitkeep", ".svn/entries", "CVS/Root")),
    "thumbnails": everywhere(thumbnails),
    "empty folders": everywhere(empty_folders),
    "copies and downloads": everywhere(beside_each_file("~", ".bak", ".part", ".crdownload", ".1", ".md5")),
    "archives": everywhere(put("all.zip", "train.tar", "n01.tar", "x.tar.gz")),
}


def test_every_set_has_a_small_copy():
    assert sorted(COPIES) == sorted(list_datasets())
    assert sorted(SPOILT) == sorted(WITH_FILES)


@pytest.fixture
def copy(request, tmp_path, monkeypatch) -> Copy:
    return COPIES[request.param](tmp_path, monkeypatch)


@pytest.mark.parametrize("litter", LITTER)
@pytest.mark.parametrize("copy", list_datasets(), indirect=True)
def test_what_is_none_of_its_files_does_not_count(copy, litter):
    before = copy.read()
    LITTER[litter](copy.folder)
    assert copy.read() == before


def replaced(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


DAMAGE: dict[str, Callable[[Path], None]] = {
    "cut": cut,
    "empty": replaced(b""),
    "a page of a web server": replaced(b"<!DOCTYPE html>\n<html><body>Access denied</body></html>\n"),
    "a pointer of Git LFS": replaced(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"),
    "all zero": lambda path: replaced(bytes(path.stat().st_size))(path),
    "a link to nothing": link_to_nothing,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("place", [0, -1], ids=["the first file", "the last file"])
@pytest.mark.parametrize("copy", WITH_FILES, indirect=True)
def test_a_damaged_file_is_named(copy, place, damage):
    path = copy.files()[place]
    DAMAGE[damage](path)
    with pytest.raises(DataMissing) as caught:
        copy.read()
    absent = damage == "a link to nothing" and "is not under" in str(caught.value)
    assert absent or path.name in str(caught.value)


@pytest.mark.parametrize("name", WITH_FILES)
def test_a_set_one_folder_too_deep_is_not_there(name, tmp_path, monkeypatch):
    copy = COPIES[name](tmp_path, monkeypatch)
    inner = copy.folder / copy.folder.name
    inner.mkdir()
    for path in [path for path in copy.folder.iterdir() if path != inner]:
        path.rename(inner / path.name)
    assert not dataset_info(name, tmp_path).present
    with pytest.raises(DataMissing, match=r"get it|unpack"):
        copy.read()


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


@pytest.mark.parametrize(("name", "spoil"), [(name, spoil) for name, spoils in SPOILT.items() for spoil in spoils])
def test_what_is_another_set_is_refused(name, spoil, tmp_path, monkeypatch):
    copy = COPIES[name](tmp_path, monkeypatch)
    change, words = SPOILT[name][spoil]
    change(copy.folder)
    with pytest.raises(DataMissing, match=words):
        copy.read()
