"""A few steps on small clouds, what they leave, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

import mgic
from mgic.data import SETS, point_sets, solids
from mgic.errors import Cancelled, DataMissing
from mgic.experiments.point_cloud import Config, estimate, point_cloud
from tests.silent import SilentContext

TINY = {"points": 16, "neighbours": 4, "epochs": 2, "batch_size": 20, "learning_rate": 0.02}


@pytest.fixture
def only(monkeypatch):
    """So many solids to learn from and to be tested on."""

    def shrink(train, test):
        monkeypatch.setattr(solids, "TRAIN", train)
        monkeypatch.setattr(solids, "TEST", test)
        fewer = replace(point_sets.POINT_SETS["solids"], train=train, test=test)
        monkeypatch.setitem(SETS._items, "solids", fewer)

    return shrink


@pytest.fixture
def few(only):
    only(60, 30)


def run(tmp_path, **config):
    context = SilentContext(tmp_path)
    return point_cloud(Config(**(TINY | config)), context), context


def test_the_defaults_have_the_papers_points_and_neighbours():
    config = Config()
    assert (config.model, config.points, config.options["neighbours"]) == ("mgic_diffgcn", 1024, 10)
    assert (config.dataset, config.epochs, config.batch_size, config.schedule) == ("solids", 250, 32, "cosine")


@pytest.mark.parametrize("model", ["dgcnn", "diffgcn", "mgic_diffgcn"])
def test_a_result_says_what_was_trained_on_what(model, few, tmp_path):
    result, context = run(tmp_path, model=model)
    cost = mgic.count_cost(mgic.create(model, neighbours=4), (3, 16))
    assert (result.params, result.macs, result.transfer_macs) == (cost.params, cost.macs, cost.transfer_macs)
    assert (result.steps, result.epochs_done, result.resumed) == (6, 2, False)
    assert result.samples_per_second == pytest.approx(120 / result.seconds)
    assert result.top1 == pytest.approx(result.mean_class_accuracy), "three of each class"
    assert result.dataset_hash == point_sets.load_points("solids", tmp_path, 16, 0).hash
    assert context.curves["test/top1"][-1] == (6, result.top1)


def test_a_network_learns_to_tell_solids_it_has_not_seen(only, tmp_path):
    """Chance is a tenth, with a standard deviation of 3 for a hundred."""
    only(200, 100)
    config = {"points": 48, "neighbours": 5, "epochs": 4, "batch_size": 8, "learning_rate": 0.05, "augment": False}
    result, context = run(tmp_path, model="dgcnn", label_smoothing=0.0, **config)
    losses = [value for _, value in context.curves["train/loss"]]
    assert losses[-1] < losses[0]
    assert result.top1 > 19


def test_the_scores_are_those_of_the_weights_that_are_left(few, tmp_path):
    result, context = run(tmp_path)
    model = mgic.create("mgic_diffgcn", neighbours=4).eval()
    model.load_state_dict(load_file(context.artifact("model.safetensors")))
    found = point_sets.load_points("solids", tmp_path, 16, 0)
    right = (model(found.test_points).argmax(dim=1) == found.test_labels).sum().item()
    assert result.top1 == pytest.approx(100 * right / 30)


def test_the_picture_has_a_cloud_of_each_class(few, tmp_path):
    _, context = run(tmp_path)
    with Image.open(context.artifact("predictions.png")) as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels.shape == (2 * 184, 5 * 160)
    tiles = pixels.reshape(2, 184, 5, 160)[:, :160].min(axis=(1, 3))
    assert (tiles < 200).all(), "a tile without a point"


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_result(few, tmp_path):
    first, one = run(tmp_path / "a", seed=5)
    second, two = run(tmp_path / "b", seed=5)
    timed = {"seconds", "samples_per_second"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)
    assert one.curves == two.curves
    other, _ = run(tmp_path / "c", seed=6)
    assert other.test_loss != first.test_loss
    assert other.dataset_hash == first.dataset_hash, "the seed does not choose the points"
    assert run(tmp_path / "d", seed=5, sampling_seed=1)[0].dataset_hash != first.dataset_hash


@pytest.mark.thorough
def test_an_interrupted_training_goes_on_to_the_same_result(few, tmp_path):
    whole, _ = run(tmp_path / "a", epochs=4)
    with pytest.raises(Cancelled):
        point_cloud(Config(**(TINY | {"epochs": 4})), SilentContext(tmp_path / "b", cancel_at=0.5))
    resumed, context = run(tmp_path / "b", epochs=4)
    assert context.resumed_at
    timed = {"seconds", "samples_per_second", "resumed"}
    assert resumed.model_dump(exclude=timed) == whole.model_dump(exclude=timed)


def test_a_last_batch_of_one_cloud_is_left_out(few, tmp_path):
    """BatchNorm would have nothing to average: 60 are 59 and 1, but 3 times 19 and 3."""
    assert run(tmp_path / "a", batch_size=59, epochs=1)[0].steps == 1
    assert run(tmp_path / "b", batch_size=19, epochs=1)[0].steps == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "resnet20"),
        ("dataset", "digits"),
        ("dataset", "../solids"),
        ("points", 1),
        ("points", 2049),
        ("epochs", 0),
        ("batch_size", 1),
        ("batch_size", 1001),  # the solids are 1000
        ("neighbours", 64),  # of 64 points, itself among them
        ("neighbours", 0),
        ("sampling_seed", -1),
        ("label_smoothing", 1.0),
        ("num_classes", 10),
        ("in_channels", 3),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(ValidationError) as caught:
        Config(**({"points": 64} | {field: value}))
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_an_unknown_set_is_answered_with_the_nearest():
    with pytest.raises(ValidationError, match="did you mean 'modelnet10'"):
        Config(dataset="modelnet40")


def test_a_missing_set_says_how_to_get_it(tmp_path):
    with pytest.raises(DataMissing, match=r"ModelNet10\.zip"):
        run(tmp_path, dataset="modelnet10")


def test_the_estimate_is_of_the_whole_set_and_of_the_table_of_distances(tmp_path):
    found = estimate(Config(**(TINY | {"dataset": "modelnet10"})))
    macs = mgic.count_cost(mgic.create("mgic_diffgcn", neighbours=4), (3, 16)).macs
    assert found.work_macs == macs * (3 * 2 * 3991 + 2 * 908)
    assert found.batch_pixels == 16 * 16 * 20
