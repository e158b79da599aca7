"""A few steps on few shapes, what they leave, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

import mgic
from mgic.data import SETS, mask_sets, shapes
from mgic.errors import Cancelled, DataMissing
from mgic.experiments.segmentation import Config, estimate, segmentation
from tests.silent import SilentContext

TINY = {"crop": 32, "epochs": 2, "batch_size": 4, "learning_rate": 0.01}


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    """10 shapes to learn from and 4 to be tested on, smaller ones."""
    few = {"TRAIN": 10, "TEST": 4, "SIDE": 48, "RADIUS": (6.0, 15.0)}
    for name, value in few.items():
        monkeypatch.setattr(shapes, name, value)
    provider = replace(mask_sets.MASK_SETS["shapes"], train=10, test=4, shape=(3, 48, 48))
    monkeypatch.setitem(SETS._items, "shapes", provider)


def run(tmp_path, **config):
    context = SilentContext(tmp_path)
    return segmentation(Config(**(TINY | {"variant": "small"} | config)), context), context


def test_the_defaults_are_those_of_the_paper_it_refers_to():
    config = Config(dataset="cityscapes")
    assert (config.model, config.options["variant"], config.batch_size) == ("mgic_lraspp", "small", 16)
    assert (config.optimizer, config.learning_rate, config.momentum, config.schedule) == ("sgd", 0.007, 0.9, "poly")
    assert estimate(config).cost.macs == mgic.count_cost(mgic.create("mgic_lraspp"), (3, 1024, 2048)).macs
    assert config.epochs * (2975 // 16 + 1) == pytest.approx(90_000, abs=100)


@pytest.mark.parametrize("model", ["mgic_lraspp", "lraspp_mobilenet_v3"])
def test_a_result_says_what_was_trained_on_what(model, tmp_path):
    result, context = run(tmp_path, model=model)
    cost = mgic.count_cost(mgic.create(model, variant="small", num_classes=6), (3, 48, 48))
    assert (result.params, result.macs, result.transfer_macs) == (cost.params, cost.macs, cost.transfer_macs)
    assert (result.steps, result.epochs_done, result.resumed) == (6, 2, False)
    assert result.samples_per_second == pytest.approx(20 / result.seconds)
    assert context.curves["test/miou"][-1] == (6, pytest.approx(result.miou))
    assert result.dataset_hash == mask_sets.load_masks("shapes", tmp_path).hash


def test_the_scores_are_those_of_the_weights_that_are_left(tmp_path):
    """Counted once more, class by class, and held against the file of classes too."""
    result, context = run(tmp_path)
    model = mgic.create("mgic_lraspp", variant="small", num_classes=6).eval()
    model.load_state_dict(load_file(context.artifact("model.safetensors")))
    test = mask_sets.load_masks("shapes", tmp_path).test
    found = model(test.images.float() / 128 - 1).argmax(dim=1)
    ious = [
        100
        * ((found == label) & (test.masks == label)).sum().item()
        / ((found == label) | (test.masks == label)).sum().item()
        for label in test.masks.unique()
    ]
    assert result.miou == pytest.approx(sum(ious) / len(ious), rel=1e-5)
    assert result.pixel_accuracy == pytest.approx(100 * (found == test.masks).double().mean().item())
    ground = 100 * (test.masks == 0).double().mean().item()
    assert result.constant_accuracy == pytest.approx(ground)
    assert result.constant_miou == pytest.approx(ground / len(ious))
    told = json.loads(context.artifact("iou.json").read_text())
    present = [one["iou"] for one in told["classes"].values() if one["pixels"]]
    assert present == pytest.approx(ious, rel=1e-5)
    assert sum(map(sum, told["confusion"].values())) == test.masks.numel()


def test_the_picture_has_a_row_for_each_of_four_samples(tmp_path):
    _, context = run(tmp_path, max_steps=1)
    with Image.open(context.artifact("predictions.png")) as image:
        width, height = image.size
        truth = image.crop((384 + 4, 24, 2 * 384 + 4, 24 + 384)).resize((48, 48), Image.Resampling.NEAREST)
    assert width == 3 * 384 + 2 * 4
    assert height > 24 + 4 * 388
    mask = mask_sets.load_masks("shapes", tmp_path).test.masks[0]
    colours = torch.tensor(mask_sets.MASK_SETS["shapes"].colours, dtype=torch.uint8)
    assert np.array_equal(np.asarray(truth), colours[mask.long()].numpy())


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_result(tmp_path):
    first, one = run(tmp_path / "a", seed=5)
    second, two = run(tmp_path / "b", seed=5)
    timed = {"seconds", "samples_per_second"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)
    assert one.curves == two.curves
    assert run(tmp_path / "c", seed=6)[0].test_loss != first.test_loss


@pytest.mark.thorough
def test_an_interrupted_training_goes_on_to_the_same_result(tmp_path):
    whole, _ = run(tmp_path / "a", epochs=4)
    with pytest.raises(Cancelled):
        segmentation(Config(**(TINY | {"variant": "small", "epochs": 4})), SilentContext(tmp_path / "b", cancel_at=0.5))
    resumed, context = run(tmp_path / "b", epochs=4)
    assert context.resumed_at
    timed = {"seconds", "samples_per_second", "resumed"}
    assert resumed.model_dump(exclude=timed) == whole.model_dump(exclude=timed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "resnet20"),
        ("dataset", "digits"),
        ("dataset", "../shapes"),
        ("crop", 31),
        ("crop", 49),  # the pictures have 48
        ("epochs", 0),
        ("batch_size", 1),
        ("batch_size", 11),  # there are 10
        ("schedule", "linear"),
        ("variant", "tiny"),
        ("num_classes", 6),
        ("in_channels", 3),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(ValidationError) as caught:
        Config(**(TINY | {field: value}))
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_a_crop_of_cityscapes_may_be_as_large_as_its_shorter_side():
    assert Config(dataset="cityscapes", crop=1024).crop == 1024
    with pytest.raises(ValidationError, match="1024 pixels"):
        Config(dataset="cityscapes", crop=1025)


@pytest.mark.parametrize("model", ["mgic_lraspp", "lraspp_mobilenet_v3"])
@pytest.mark.parametrize("side", [32, 33, 47, 769])
def test_every_size_of_a_piece_is_one_the_networks_take(model, side):
    with torch.device("meta"):
        network = mgic.create(model, variant="large")
        assert network(torch.empty(2, 3, side, side)).shape == (2, 19, side, side)


def test_a_missing_set_says_how_to_get_it(tmp_path):
    with pytest.raises(DataMissing, match="cityscapes-dataset"):
        run(tmp_path, dataset="cityscapes")


def test_the_estimate_is_of_pieces_to_learn_from_and_of_whole_pictures_to_test():
    macs = mgic.count_cost(mgic.create("mgic_lraspp", num_classes=6), (3, 48, 48)).macs
    found = estimate(Config(**TINY))
    assert found.work_macs == pytest.approx(macs * (3 * 2 * 10 * 32**2 / 48**2 + 2 * 4))
    assert found.batch_pixels == 4 * 32 * 32
    whole = estimate(Config(**TINY, augment=False))
    assert whole.work_macs == macs * (3 * 2 * 10 + 2 * 4)
    assert whole.batch_pixels == 4 * 48 * 48


def test_pictures_can_be_held_out(tmp_path):
    result, context = run(tmp_path, max_steps=1, validation_share=0.2)
    assert context.curves["val/miou"] == [(1, result.val_miou)]
    assert result.val_loss != result.test_loss
