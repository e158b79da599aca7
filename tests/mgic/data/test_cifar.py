"""The CIFAR loaders, on small files of the real format, with their checksums put in torchvision's tables."""

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from mgic.data import cifar, dataset_info, fetch, load
from mgic.errors import DataMissing
from tests.mgic.data import made
from tests.mgic.data.made import cifar_batch


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    return made.cifar10(tmp_path, monkeypatch).folder


@pytest.fixture
def cifar100(tmp_path, monkeypatch):
    return made.cifar100(tmp_path, monkeypatch).folder


def test_batches_come_in_order_and_channels_first(tmp_path, cifar10):
    found = load("cifar10", tmp_path)
    expected = np.concatenate([cifar_batch(4, "labels", n, 10)["data"] for n in range(1, 6)]).reshape(-1, 3, 32, 32)
    assert np.array_equal(found.train_images.numpy(), expected)
    assert found.test_labels.tolist() == cifar_batch(3, "labels", 9, 10)["labels"]
    assert found.shape == (3, 32, 32)


def test_cifar100_is_read_with_its_fine_labels(tmp_path, cifar100):
    found = load("cifar100", tmp_path)
    assert found.classes == 100
    assert found.train_labels.tolist() == cifar_batch(6, "fine_labels", 1, 100)["fine_labels"]


def test_a_damaged_file_is_refused_before_it_is_unpickled(tmp_path, cifar10):
    path = cifar10 / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DataMissing, match=r"damaged: data_batch_3 is not .*mgic data fetch cifar10"):
        load("cifar10", tmp_path)


def test_a_damaged_list_of_names_is_refused(tmp_path, cifar10):
    (cifar10 / "batches.meta").write_bytes(b"")
    with pytest.raises(DataMissing, match=r"batches\.meta is not the file"):
        load("cifar10", tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_files_are_those_that_torchvision_downloads(name):
    loader = cifar.loader_of(name)
    names = [file for file, _ in (*loader.train_list, *loader.test_list)]
    assert cifar.FILES[name] == (loader.base_folder, (*names, loader.meta["filename"]))


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
