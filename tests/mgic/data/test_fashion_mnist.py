"""The IDX reader, the two sets that are read by it, and the places where they look."""

import re

import numpy as np
import pytest
from torchvision import datasets
from torchvision.datasets import MNIST, FashionMNIST

from mgic.data import dataset_info, fashion_mnist, fetch, load, mnist
from mgic.data.idx import IdxFile, read_idx
from mgic.errors import DataMissing
from tests.mgic.data.made import grey, idx, idx_files, tens

# The labels 0 to 9; by `printf '\\0\\0\\10\\1\\0\\0\\0\\12\\0\\1\\2\\3\\4\\5\\6\\7\\10\\11' | sha256sum`.
LABELS = IdxFile("labels", (10,), "7fb941263a85687d080a3ba53d246dc51e2cd63316f98fbb8ecdbb54ef081e6c")
NAMES = [file.name for file in mnist.MNIST.files]


@pytest.fixture
def system_dir(tmp_path, monkeypatch):
    folder = tmp_path / "system"
    monkeypatch.setattr(fashion_mnist, "SYSTEM_DIR", folder)
    return folder


@pytest.fixture
def raw(tmp_path, system_dir):
    return tmp_path / "data" / "FashionMNIST" / "raw"


@pytest.fixture
def publish(monkeypatch):
    """Writes files into a folder, and has their checksums be those of Fashion-MNIST."""

    def published(folder, **kwargs) -> None:
        known = idx_files(fashion_mnist.FASHION_MNIST, folder, 0, **kwargs)
        monkeypatch.setattr(fashion_mnist, "FASHION_MNIST", known)

    return published


@pytest.mark.parametrize("packed", [True, False])
def test_it_is_read_from_the_layout_of_torchvision(tmp_path, raw, publish, packed):
    publish(raw, packed=packed)
    found = load("fashion_mnist", tmp_path / "data")
    assert np.array_equal(found.train_images.numpy(), grey(20, 0)[:, None])
    assert found.test_labels.tolist() == list(range(10))


def test_it_is_found_where_the_system_keeps_it(tmp_path, system_dir, publish):
    assert not dataset_info("fashion_mnist", tmp_path / "data").present
    publish(system_dir, packed=True)
    assert dataset_info("fashion_mnist", tmp_path / "data").present
    assert len(load("fashion_mnist", tmp_path / "data").train_labels) == 20


def test_files_are_not_mixed_from_two_folders(tmp_path, raw, system_dir, publish):
    publish(raw, packed=True, train=30)
    publish(system_dir, packed=True, train=20)
    (raw / f"{NAMES[0]}.gz").unlink()
    assert len(load("fashion_mnist", tmp_path / "data").train_labels) == 20


def test_names_with_a_dot_are_those_files_too(tmp_path, raw, publish):
    publish(raw)
    for name in NAMES:
        (raw / name).rename(raw / name.replace("-idx", ".idx"))
    assert len(load("fashion_mnist", tmp_path / "data").train_labels) == 20


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fashion_mnist", r"mgic data fetch fashion_mnist.*dataset-fashion-mnist"),
        ("mnist", r"mgic data fetch mnist"),
    ],
)
def test_a_missing_set_names_the_command_and_the_package(tmp_path, name, words):
    with pytest.raises(DataMissing, match=words):
        load(name, tmp_path)


@pytest.mark.parametrize(("name", "loader"), [("mnist", MNIST), ("fashion_mnist", FashionMNIST)])
def test_a_failed_download_says_what_failed(tmp_path, monkeypatch, name, loader):
    def download(self):
        raise ConnectionRefusedError("no route")

    monkeypatch.setattr(loader, "download", download)
    with pytest.raises(DataMissing, match=r"MNIST could not be downloaded.*no route"):
        fetch(name, tmp_path)


@pytest.mark.parametrize("known", [mnist.MNIST, fashion_mnist.FASHION_MNIST], ids=["mnist", "fashion_mnist"])
def test_the_files_are_those_that_torchvision_downloads(known):
    assert [f"{file.name}.gz" for file in known.files] == [
        name for name, _ in getattr(datasets, known.loader).resources
    ]
    assert [file.shape for file in known.files] == [(60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,)]


def test_no_file_of_the_two_sets_is_the_same():
    sums = [file.sha256 for known in (mnist.MNIST, fashion_mnist.FASHION_MNIST) for file in known.files]
    assert len(set(sums)) == 8
    assert all(re.fullmatch("[0-9a-f]{64}", one) for one in sums)


def test_a_digit_is_not_mirrored_and_a_shirt_may_be():
    found = {name: fashion_mnist.DATASETS[name].flip for name in ("mnist", "fashion_mnist")}
    assert found == {"mnist": False, "fashion_mnist": True}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-1], "fewer bytes than the 10"),
        (lambda content: content + b"x", "more bytes than the 10"),
        (lambda content: b"PNG." + content[4:], "does not start as"),
        (lambda content: content[:7], "within its header"),
        (lambda content: b"", "does not start as"),
        (lambda content: idx(tens(11)), r"\(11,\), not \(10,\)"),
        (lambda content: idx(tens(10).reshape(2, 5)), r"\(2, 5\), not \(10,\)"),
        (lambda content: content[:-1] + b"\0", r"SHA-256 .* begins with"),
    ],
)
def test_a_file_that_is_not_the_published_one_is_refused(tmp_path, damage, words):
    path = tmp_path / "labels"
    path.write_bytes(idx(tens(10)))
    assert read_idx(path, LABELS).tolist() == list(range(10))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=words):
        read_idx(path, LABELS)


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"no gzip", lambda c: c[:20] + b"\xff" * 50])
def test_a_damaged_archive_is_named(tmp_path, raw, publish, damage):
    publish(raw, packed=True)
    path = raw / f"{NAMES[2]}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataMissing, match=r"t10k-images-idx3-ubyte\.gz is not Fashion-MNIST's: it cannot be read"):
        load("fashion_mnist", tmp_path / "data")
