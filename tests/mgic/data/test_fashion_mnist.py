"""The IDX reader and the two places it looks, on small files of the real format."""

import gzip
import struct

import numpy as np
import pytest

from mgic.data import dataset_info, fashion_mnist, load
from mgic.errors import DataMissing


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def images(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def labels(count: int) -> np.ndarray:
    return (np.arange(count) % 10).astype(np.uint8)


def write(folder, compressed: bool, train: int = 20, test: int = 10) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(
        fashion_mnist.FILES, (images(train), labels(train), images(test), labels(test)), strict=True
    ):
        content = idx(array)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content)) if compressed else (folder / name).write_bytes(
            content
        )


@pytest.fixture
def system_dir(tmp_path, monkeypatch):
    folder = tmp_path / "system"
    monkeypatch.setattr(fashion_mnist, "SYSTEM_DIR", folder)
    return folder


@pytest.fixture
def raw(tmp_path, system_dir):
    return tmp_path / "data" / "FashionMNIST" / "raw"


@pytest.mark.parametrize("compressed", [True, False])
def test_it_is_read_from_the_layout_of_torchvision(tmp_path, raw, compressed):
    write(raw, compressed)
    found = load("fashion_mnist", tmp_path / "data")
    assert np.array_equal(found.train_images.numpy(), images(20)[:, None])
    assert found.test_labels.tolist() == list(range(10))


def test_it_is_found_where_the_system_keeps_it(tmp_path, system_dir):
    assert not dataset_info("fashion_mnist", tmp_path / "data").present
    write(system_dir, compressed=True)
    assert dataset_info("fashion_mnist", tmp_path / "data").present
    assert len(load("fashion_mnist", tmp_path / "data").train_labels) == 20


def test_files_are_not_mixed_from_two_folders(tmp_path, raw, system_dir):
    write(raw, compressed=True, train=30)
    write(system_dir, compressed=True, train=20)
    (raw / f"{fashion_mnist.FILES[0]}.gz").unlink()
    assert len(load("fashion_mnist", tmp_path / "data").train_labels) == 20


def test_a_missing_set_names_the_command_and_the_package(tmp_path, system_dir):
    with pytest.raises(DataMissing, match=r"mgic data fetch fashion_mnist.*dataset-fashion-mnist"):
        load("fashion_mnist", tmp_path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-1], "bytes instead of"),
        (lambda content: content + b"x", "bytes instead of"),
        (lambda content: b"PNG." + content[4:], "does not start as"),
        (lambda content: content[:9], "within its header"),
        (lambda content: b"", "does not start as"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, raw, damage, words):
    write(raw, compressed=False)
    path = raw / fashion_mnist.FILES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataMissing, match=words) as caught:
        load("fashion_mnist", tmp_path / "data")
    assert fashion_mnist.FILES[0] in str(caught.value)


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"no gzip", lambda c: c[:20] + b"\xff" * 50])
def test_a_damaged_archive_is_named(tmp_path, raw, damage):
    write(raw, compressed=True)
    path = raw / f"{fashion_mnist.FILES[2]}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataMissing, match=r"t10k-images-idx3-ubyte\.gz is damaged"):
        load("fashion_mnist", tmp_path / "data")


def test_labels_must_pair_with_images(tmp_path, raw):
    write(raw, compressed=False)
    (raw / fashion_mnist.FILES[1]).write_bytes(idx(labels(19)))
    with pytest.raises(DataMissing, match="20 images but 19 labels"):
        load("fashion_mnist", tmp_path / "data")


def test_a_label_out_of_range_is_refused(tmp_path, raw):
    write(raw, compressed=False)
    (raw / fashion_mnist.FILES[3]).write_bytes(idx(np.full(10, 11, dtype=np.uint8)))
    with pytest.raises(DataMissing, match="labels from 11 to 11"):
        load("fashion_mnist", tmp_path / "data")


def test_images_of_another_size_are_refused(tmp_path, raw):
    write(raw, compressed=False)
    (raw / fashion_mnist.FILES[2]).write_bytes(idx(np.zeros((10, 14, 56), dtype=np.uint8)))
    with pytest.raises(DataMissing, match=r"\(1, 14, 56\)"):
        load("fashion_mnist", tmp_path / "data")
