"""What holds for every data set."""

import numpy as np
import pytest

from mgic.data import DATASETS, dataset_info, fetch, list_datasets, load
from mgic.data.dataset import fingerprint
from mgic.errors import DataMissing, UnknownName
from tests.mgic.data.test_spoilt import WITH_FILES


def test_the_names_are_these():
    assert list_datasets() == [
        *("cifar10", "cifar100", "digits", "elpv", "elpv_96", "elpv_128", "fashion_mnist", "imagenet", "mnist"),
        *("cityscapes", "shapes"),
        *("modelnet10", "solids"),
        *("checkerboard", "circle_distance", "cos_sin", "franke", "zone_plate"),
    ]


@pytest.mark.parametrize("call", [load, dataset_info, fetch])
@pytest.mark.parametrize("name", ["cifar11", "../../etc/passwd", "file:///etc/passwd", ""])
def test_an_unknown_name_is_refused_by_all(call, name, tmp_path):
    with pytest.raises(UnknownName):
        call(name, tmp_path)


def test_the_nearest_name_is_given(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'cifar10'"):
        load("cifar11", tmp_path)


@pytest.mark.parametrize("name", list_datasets())
def test_the_information_agrees_with_the_registry_and_reads_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "frombuffer", lambda *_a, **_k: pytest.fail("read the data"))
    info = dataset_info(name, tmp_path)
    assert info.name == name
    assert info.how_to_get
    if info.task == "image classification":
        assert info.shape == DATASETS[name].shape
        assert len(DATASETS[name].mean) == len(DATASETS[name].std) == info.shape[0]


@pytest.mark.parametrize(("name", "file"), [("modelnet10", r"ModelNet10\.zip"), ("cityscapes", r"gtFine_\w+\.zip")])
def test_a_set_that_nobody_can_download_says_how_to_get_it(name, file, tmp_path):
    with pytest.raises(DataMissing, match=file):
        fetch(name, tmp_path)


@pytest.mark.parametrize("name", ["solids", "shapes"])
def test_a_set_that_is_made_here_is_there_already(name, tmp_path):
    fetch(name, tmp_path)
    assert dataset_info(name, tmp_path).present


@pytest.mark.parametrize(("call", "words"), [(load, "not under"), (fetch, "cannot be downloaded")])
def test_absent_imagenet_says_how_to_get_it(call, words, tmp_path):
    with pytest.raises(DataMissing, match=rf"{words}.*image-net\.org"):
        call("imagenet", tmp_path)


@pytest.mark.parametrize("name", [name for name in list_datasets() if name in WITH_FILES])
@pytest.mark.parametrize("place", ["x" * 300, "a file/below"], ids=["a name too long", "below a file"])
def test_a_folder_that_cannot_be_seen_holds_no_set(name, place, tmp_path):
    (tmp_path / "a file").write_bytes(b"x")
    assert not dataset_info(name, tmp_path / place).present
    with pytest.raises(DataMissing):
        fetch(name, tmp_path / place)


def test_the_fingerprint_changes_with_any_pixel_label_or_shape():
    arrays = (np.zeros((2, 1, 2, 2)), np.zeros(2), np.zeros((1, 1, 2, 2)), np.zeros(1))
    pixel = (arrays[0].copy(), *arrays[1:])
    pixel[0][1, 0, 1, 1] = 1
    label = (arrays[0], np.array([0, 1]), *arrays[2:])
    shape = (arrays[0].reshape(2, 1, 1, 4), *arrays[1:])
    assert len({fingerprint(each) for each in (arrays, pixel, label, shape)}) == 4
    assert fingerprint(arrays) == fingerprint(tuple(each.copy() for each in arrays))
