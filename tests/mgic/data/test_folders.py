"""Pictures from folders of a small made set: which are found, how they are cut, how they are read ahead."""

import os
from pathlib import Path

import pytest
import torch

from mgic.data import dataset_info, imagenet, load
from mgic.data.batches import train_and_test
from mgic.data.folders import FolderSplit, crop_box, fingerprint, labelled
from mgic.errors import DataMissing
from tests.mgic.data.made import photographs

CPU = torch.device("cpu")


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    return photographs(tmp_path, monkeypatch).data_dir


def splits(data: Path) -> tuple[FolderSplit, FolderSplit]:
    return train_and_test(load("imagenet", data), CPU)


def test_folders_are_classes_in_the_order_of_their_names(data):
    found = load("imagenet", data)
    assert [(path.parent.name, label) for path, label in found.train] == [("n01", 0)] * 3 + [("n02", 1)] * 3
    assert (len(found.test), found.shape) == (4, (3, 224, 224))


def test_pictures_are_resized_cut_from_the_middle_and_normalised(data):
    images, labels = splits(data)[1].take(torch.tensor([0, 2]))
    assert images.shape == (2, 3, 224, 224)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.tolist() == [0, 1]
    black, white = ([(value - m) / s for m, s in zip(imagenet.MEAN, imagenet.STD, strict=True)] for value in (0, 1))
    assert images[0, :, 112, 10].tolist() == pytest.approx(black, abs=0.05)
    assert images[0, :, 112, 213].tolist() == pytest.approx(white, abs=0.05)


def test_what_is_drawn_decides_crop_and_mirror(data):
    train, _ = splits(data)
    whole = [1.0, 0.5, 0.5, 0.5]  # all of the area
    plain, mirrored = (train.take(torch.tensor([0]), torch.tensor([[*whole, flip]]))[0] for flip in (0.9, 0.1))
    assert torch.allclose(plain.flip(3), mirrored, atol=0.15)
    assert plain[0, 0, 0, 0] < 0 < plain[0, 0, 0, -1]


def test_the_same_generator_draws_the_same_for_each_picture(data):
    train, _ = splits(data)
    one, two = (train.draw(torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == (6, 5)


def test_reading_ahead_gives_what_taking_gives(data):
    train, _ = splits(data)
    moves = train.draw(torch.Generator().manual_seed(0))
    order = torch.tensor([5, 0, 3, 1, 4, 2])
    choices = [(order[at : at + 1], moves[at : at + 1]) for at in range(6)]
    for (images, labels), (index, move) in zip(train.stream(choices), choices, strict=True):
        expected = train.take(index, move)
        assert torch.equal(images, expected[0])
        assert torch.equal(labels, expected[1])


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (1, 1, 0.999, 0.999), (0.5, 0.5, 0.2, 0.8), (1, 0, 0.5, 0.5)])
@pytest.mark.parametrize("size", [(50, 60), (400, 30), (1, 1)])
def test_a_crop_lies_in_the_picture(numbers, size):
    top, left, height, width = crop_box(*size, *numbers)
    assert height >= 1
    assert width >= 1
    assert 0 <= top <= size[0] - height
    assert 0 <= left <= size[1] - width


def test_a_crop_has_the_area_and_shape_that_were_drawn():
    _, _, height, width = crop_box(1000, 1000, (0.25 - 0.08) / 0.92, 0.5, 0.0, 0.0)  # a quarter, square
    assert (height, width) == (500, 500)
    _, _, height, width = crop_box(1000, 1000, (0.25 - 0.08) / 0.92, 1.0, 0.0, 0.0)  # four to three
    assert width / height == pytest.approx(4 / 3, abs=0.01)


def test_a_damaged_picture_is_named(data):
    (data / "imagenet/train/n01/1.JPEG").write_bytes(b"no picture")
    with pytest.raises(DataMissing, match=r"n01/1\.JPEG cannot be read"):
        splits(data)[0].take(torch.tensor([1]))


def test_the_hash_knows_names_and_sizes(data):
    before = load("imagenet", data).hash
    (data / "imagenet/train/n01/2.JPEG").rename(data / "imagenet/train/n01/3.JPEG")
    assert load("imagenet", data).hash != before


def test_too_few_classes_are_no_imagenet(data, monkeypatch):
    monkeypatch.setattr(imagenet, "CLASSES", 1000)
    with pytest.raises(DataMissing, match="2 classes, not of 1000"):
        load("imagenet", data)


def test_a_class_has_the_number_of_its_name_in_the_training_split(tmp_path):
    """In the validation split too, whatever lies before it there."""
    for name in ("train/b/1.png", "train/d/1.PNG", "val/d/1.jpg", "val/a/notes.txt", "val/b/x.jpeg", "val/b/y.JPG"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    train, test = labelled(tmp_path / "train", tmp_path / "val")
    assert [(path.parent.name, label) for path, label in train] == [("b", 0), ("d", 1)]
    assert [(path.name, label) for path, label in test] == [("x.jpeg", 0), ("y.JPG", 0), ("1.jpg", 1)]


def test_no_more_than_five_strange_classes_are_named(tmp_path):
    for name in ("train/n1", *(f"val/{number}" for number in range(1000))):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.png").write_bytes(b"x")
    with pytest.raises(DataMissing, match=r"train has not: 0, 1, 10, 100, 101 and 995 more;"):
        labelled(tmp_path / "train", tmp_path / "val")


def test_a_name_that_is_no_text_is_a_name(tmp_path):
    """A byte that no letter begins with, as archives of other countries leave it."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    path.write_bytes(b"x")
    assert len(fingerprint([(path, 0)], tmp_path)) == 16


@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")])
def test_what_a_reader_would_wait_for_is_refused(tmp_path, make):
    make(tmp_path / "1.png")
    with pytest.raises(DataMissing, match=r"1\.png is no file"):
        fingerprint([(tmp_path / "1.png", 0)], tmp_path)


def test_an_absent_set_is_not_present(tmp_path):
    assert not dataset_info("imagenet", tmp_path).present
