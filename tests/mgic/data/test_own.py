"""Data sets of the user's own: found by their names, known by their files, and never mistaken for others."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from mgic import describe, execution
from mgic.data import DATASETS, dataset_info, fetch, find, list_datasets, load, look_in, own, own_folders
from mgic.data.mask_sets import MASK_SETS, load_masks
from mgic.errors import DataMissing, UnknownName
from mgic.experiments.classification import Config
from mgic.records import RunStatus, SweepRequest
from tests.mgic.data import made
from tests.silent import SilentContext

CPU = torch.device("cpu")


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """All that people may have there, in a folder that configs are told of."""
    for make in made.OWN.values():
        make(tmp_path, monkeypatch)
    look_in(tmp_path)
    return tmp_path


def test_what_lies_there_is_listed_with_what_is_wrong_with_it(data_dir):
    (data_dir / "folder" / "old.zip").write_bytes(b"x")
    (data_dir / "folder" / "a;b").mkdir()
    (data_dir / "folder" / ".hidden").mkdir()
    (data_dir / "folder" / "bell\x07").mkdir()
    (data_dir / "npz" / "broken.npz").write_bytes(b"x")
    (data_dir / "npz" / "README").write_bytes(b"x")
    named = [name for name in list_datasets(data_dir) if "/" in name]
    assert named == [
        *(
            "folder/'bell\\x07'",
            "folder/a;b",
            "folder/old.zip",
            "folder/own",
            "folder/unsplit",
            "masks/own",
            "npz/broken",
            "npz/own",
        ),
    ]
    wrong = {name: dataset_info(name, data_dir).problem for name in named}
    assert [name for name, problem in wrong.items() if not problem] == list(made.OWN)
    assert "rename it" in wrong["folder/a;b"]
    assert [one.name for one in describe.datasets(data_dir, ["npz/own", "digits", "theirs"])] == ["npz/own", "digits"]
    assert "old.zip is an archive" in wrong["folder/old.zip"]
    assert wrong["npz/broken"].startswith("npz/broken.npz cannot be read"), "no folder of this machine is told"


@pytest.mark.parametrize(
    "name", ["folder/..", "folder/own/../own", "folder//etc", "npz/../../x", "folder/", "folder/owm"]
)
def test_a_name_is_one_that_is_listed_and_no_path(name, data_dir):
    for call in (find, dataset_info, fetch, load):
        with pytest.raises(UnknownName, match="no data set called"):
            call(name, data_dir)
    with pytest.raises(ValidationError, match="no data set called"):
        Config(dataset=name)


def test_a_set_of_another_task_is_refused(data_dir):
    with pytest.raises(ValidationError, match="masks/own is a data set for segmentation"):
        Config(dataset="masks/own")


def test_pictures_of_unlike_sizes_become_squares_of_the_median_side(data_dir):
    """Shorter sides of 20, 21 and 22 of each class to learn, 20 and 21 to test: the median is 21, and 16 below it."""
    info = dataset_info("folder/own", data_dir)
    assert (info.shape, info.classes, info.train, info.test, info.present) == ((3, 16, 16), 2, 6, 4, True)
    found = load("folder/own", data_dir)
    assert found.train_images.shape == (6, 3, 16, 16)
    assert found.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    provider = DATASETS.find("folder/own", data_dir)
    pixels = found.train_images.double() / 255
    assert provider.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-4)
    assert provider.std == pytest.approx(pixels.std((0, 2, 3), correction=0).tolist(), abs=1e-4)


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ([(30, 200)], (30, 200)),
        ([(300, 300)], (224, 224)),
        ([(40, 60), (50, 50), (70, 90)], (48, 48)),
        ([(9, 12), (11, 30)], (9, 9)),
    ],
)
def test_the_common_size_is_by_the_rule(sizes, size):
    assert own.common_size(sizes, 224) == size


def test_an_unsplit_set_is_split_class_by_class_and_stays_so(data_dir):
    first = own_folders._unsplit(data_dir / "folder" / "unsplit")
    assert [label for _, label in first.test] == [0, 0, 1, 1]
    shutil.copy(data_dir / "folder/unsplit/dog/3.png", data_dir / "folder/unsplit/dog/other.png")
    second = own_folders._unsplit(data_dir / "folder" / "unsplit")
    assert len({path for path, _ in first.test} - {path for path, _ in second.test}) <= 1


def test_grey_pictures_have_one_channel_and_16_bits_are_made_8(data_dir):
    for split in ("train", "val"):
        for number, name in enumerate(("black", "white")):
            (data_dir / "folder" / "grey" / split / name).mkdir(parents=True)
            pixels = np.full((9, 9), 65535 * number, np.uint16)
            Image.fromarray(pixels).save(data_dir / "folder" / "grey" / split / name / "0.png")
    found = load("folder/grey", data_dir)
    assert found.train_images.shape == (2, 1, 9, 9)
    assert found.train_images[:, 0, 0, 0].tolist() == [0, 255]


def test_val_beside_test_is_chosen_by(data_dir):
    made.own_pictures(data_dir / "folder" / "own" / "test", 1)
    look_in(data_dir)
    config = Config(dataset="folder/own", batch_size=2)
    assert (config.size.train, config.size.test, config.size.validation) == (6, 2, 4)
    data = config.read(data_dir, CPU).held_out(0.0, 0)
    assert (len(data.train), len(data.test), len(data.validation)) == (6, 2, 4)
    with pytest.raises(ValidationError, match="4 samples of its own to choose by"):
        Config(dataset="folder/own", batch_size=2, validation_share=0.2)


def test_a_set_too_large_for_memory_is_read_as_it_is_learnt_from(data_dir, monkeypatch):
    monkeypatch.setattr(own_folders, "IN_MEMORY", 1000)
    train = Config(dataset="folder/own", batch_size=2).read(data_dir, CPU).train
    images, labels = train.take(slice(0, 2), train.draw(torch.Generator())[:2])
    assert images.shape == (2, 3, 16, 16)
    assert labels.tolist() == [0, 0]


def test_a_set_is_looked_into_once_and_again_when_a_file_changes(data_dir, monkeypatch):
    first = dataset_info("folder/own", data_dir)
    own._facts.clear()  # as another process
    with monkeypatch.context() as patch:
        patch.setattr(own_folders, "_look", lambda _: pytest.fail("read the pictures"))
        assert dataset_info("folder/own", data_dir) == first
    shutil.copy(data_dir / "folder/own/train/dog/1.png", data_dir / "folder/own/train/cat/1.png")
    assert dataset_info("folder/own", data_dir).hash != first.hash


def test_where_nothing_can_be_kept_a_set_is_there_too(data_dir):
    shutil.rmtree(data_dir / "npz" / own.KEPT, ignore_errors=True)
    (data_dir / "npz" / own.KEPT).write_bytes(b"in the way")
    assert dataset_info("npz/own", data_dir).present


def test_channels_are_found_where_there_are_one_or_three(data_dir):
    images = np.random.default_rng(0).integers(0, 256, (16, 3, 8, 6), dtype=np.uint8)
    numbers = made.own_numbers()
    for name, change in (
        ("first", lambda x: x),
        ("last", lambda x: x.transpose(0, 2, 3, 1)),
        ("float", lambda x: x / 255),
    ):
        x = change(images)
        np.savez(data_dir / "npz" / f"{name}.npz", **(numbers | {"x_train": x[:10], "x_test": x[10:]}))
    found = [dataset_info(f"npz/{name}", data_dir) for name in ("first", "last", "float")]
    assert {one.shape for one in found} == {(3, 8, 6)}
    assert len({one.hash for one in found}) == 1, "the same images, however they are written"


def test_channels_that_are_in_doubt_can_be_said(data_dir):
    x = np.zeros((16, 4, 8, 8), np.uint8)
    np.savez(
        data_dir / "npz" / "four.npz", **(made.own_numbers() | {"x_train": x[:10], "x_test": x[10:]}), layout="NCHW"
    )
    assert dataset_info("npz/four", data_dir).shape == (4, 8, 8)


def test_masks_are_resized_without_new_classes(data_dir):
    Image.open(data_dir / "masks/own/images/0.jpg").resize((60, 44)).save(data_dir / "masks/own/images/0.jpg")
    mask = Image.open(data_dir / "masks/own/masks/0.png").resize((60, 44), Image.Resampling.NEAREST)
    mask.save(data_dir / "masks/own/masks/0.png")
    info = dataset_info("masks/own", data_dir)
    assert (info.shape, info.classes, info.train, info.test) == ((3, 16, 16), 3, 4, 1)
    found = load_masks("masks/own", data_dir)
    for split in (found.train, found.test):
        for number in range(len(split)):
            image, labels = split.read(number)
            assert (image.shape, labels.shape) == ((3, 16, 16), (16, 16))
            assert set(labels.unique().tolist()) <= {1, 2, 255}


def test_a_palette_and_names_of_classes_are_read(data_dir):
    for path in (data_dir / "masks/own/masks").iterdir():
        indexed = Image.open(path).convert("P")
        indexed.putdata(list(np.asarray(Image.open(path)).flatten()))
        indexed.save(path)
    (data_dir / "masks/own/classes.txt").write_text("ground\nhill\nlake\n")
    provider = MASK_SETS.find("masks/own", data_dir)
    assert provider.classes == ("ground", "hill", "lake")
    assert len(set(provider.colours)) == 3


def test_a_run_is_of_the_files_that_it_was_planned_for(data_dir, tmp_path_factory):
    request = SweepRequest(
        experiment="classification", axes={"dataset": ["npz/own"], "batch_size": [4], "max_steps": [1]}
    )
    (planned,) = describe.plan(request, data_dir=data_dir).points
    assert planned.config["data_hash"] == dataset_info("npz/own", data_dir).hash
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(data_dir / "npz", elsewhere / "npz")
    context = SilentContext(tmp_path_factory.mktemp("run"))
    context.data_dir = elsewhere
    same = execution.run("classification", planned.config, context)
    assert same.status is RunStatus.SUCCEEDED
    assert same.result is not None
    assert same.result["dataset_hash"] == planned.config["data_hash"]
    np.savez(elsewhere / "npz" / "own.npz", **(made.own_numbers() | {"y_test": np.zeros(6, int)}))
    other = execution.run("classification", planned.config, context)
    assert other.failure is not None
    assert other.failure.reason == "invalid"
    assert "npz/own here has the hash" in other.failure.message
    assert "planned for" in other.failure.message
    (again,) = describe.plan(request, data_dir=elsewhere).points
    assert again.config != planned.config, "so that no result of other files is reused"


def test_a_set_that_changes_while_the_run_begins_is_told(data_dir):
    config = Config(dataset="npz/own", batch_size=4)
    np.savez(data_dir / "npz" / "own.npz", **(made.own_numbers() | {"y_test": np.zeros(6, int)}))
    with pytest.raises(DataMissing, match="planned for"):
        config.read(data_dir, CPU)


def test_a_published_set_has_no_hash_to_be_planned_for():
    assert Config(dataset="digits").data_hash is None
    with pytest.raises(ValidationError, match="data_hash is for sets of your own"):
        Config(dataset="digits", data_hash="0123456789abcdef")
