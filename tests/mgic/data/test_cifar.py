"""The CIFAR loaders, on small files of the real format, with their checksums put in torchvision's tables."""

import hashlib
import pickle

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

from mgic.data import dataset_info, fetch, load
from mgic.errors import DataMissing

PIXELS = 3 * 32 * 32


def put(folder, name: str, content: dict) -> list[str]:
    path = folder / name
    path.write_bytes(pickle.dumps(content, protocol=2))
    return [name, hashlib.md5(path.read_bytes()).hexdigest()]


def batch(count: int, key: str, seed: int, classes: int) -> dict:
    random = np.random.default_rng(seed)
    data = random.integers(0, 256, (count, PIXELS), dtype=np.uint8)
    return {"data": data, key: random.integers(0, classes, count).tolist()}


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    train = [put(folder, f"data_batch_{n}", batch(4, "labels", n, 10)) for n in range(1, 6)]
    test = [put(folder, "test_batch", batch(3, "labels", 9, 10))]
    meta = put(folder, "batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setattr(CIFAR10, "train_list", train)
    monkeypatch.setattr(CIFAR10, "test_list", test)
    monkeypatch.setattr(CIFAR10, "meta", {"filename": meta[0], "key": "label_names", "md5": meta[1]})
    return folder


@pytest.fixture
def cifar100(tmp_path, monkeypatch):
    folder = tmp_path / CIFAR100.base_folder
    folder.mkdir()
    monkeypatch.setattr(CIFAR100, "train_list", [put(folder, "train", batch(6, "fine_labels", 1, 100))])
    monkeypatch.setattr(CIFAR100, "test_list", [put(folder, "test", batch(3, "fine_labels", 2, 100))])
    meta = put(folder, "meta", {"fine_label_names": [str(n) for n in range(100)]})
    monkeypatch.setattr(CIFAR100, "meta", {"filename": meta[0], "key": "fine_label_names", "md5": meta[1]})
    return folder


def test_batches_come_in_order_and_channels_first(tmp_path, cifar10):
    found = load("cifar10", tmp_path)
    expected = np.concatenate([batch(4, "labels", n, 10)["data"] for n in range(1, 6)]).reshape(-1, 3, 32, 32)
    assert np.array_equal(found.train_images.numpy(), expected)
    assert found.test_labels.tolist() == batch(3, "labels", 9, 10)["labels"]
    assert found.shape == (3, 32, 32)


def test_cifar100_is_read_with_its_fine_labels(tmp_path, cifar100):
    found = load("cifar100", tmp_path)
    assert found.classes == 100
    assert found.train_labels.tolist() == batch(6, "fine_labels", 1, 100)["fine_labels"]


def test_a_damaged_file_is_refused_before_it_is_unpickled(tmp_path, cifar10):
    path = cifar10 / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataMissing, match=r"damaged.*mgic data fetch cifar10"):
        load("cifar10", tmp_path)


def test_a_damaged_list_of_names_is_refused(tmp_path, cifar10):
    (cifar10 / "batches.meta").write_bytes(b"")
    with pytest.raises(DataMissing, match="damaged"):
        load("cifar10", tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_a_missing_set_names_the_command(tmp_path, name):
    with pytest.raises(DataMissing, match=f"`mgic data fetch {name}`"):
        load(name, tmp_path)
    assert not dataset_info(name, tmp_path).present


def test_an_incomplete_folder_is_not_present(tmp_path, cifar10):
    assert dataset_info("cifar10", tmp_path).present
    (cifar10 / "data_batch_5").unlink()
    assert not dataset_info("cifar10", tmp_path).present


def test_what_is_present_is_not_fetched_again(tmp_path, cifar10, monkeypatch):
    monkeypatch.setattr(CIFAR10, "download", lambda self: pytest.fail("downloaded"))
    fetch("cifar10", tmp_path)


def test_a_failed_download_says_what_failed(tmp_path, monkeypatch):
    def download(self):
        raise ConnectionRefusedError("no route")

    monkeypatch.setattr(CIFAR10, "download", download)
    with pytest.raises(DataMissing, match=r"cifar10 could not be downloaded.*no route"):
        fetch("cifar10", tmp_path)
