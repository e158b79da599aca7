"""A few steps, what they leave, and what is refused."""

import math

import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

import mgic
from mgic.data.functions import FUNCTIONS
from mgic.errors import Cancelled, Diverged
from mgic.experiments.function_fit import Config, estimate, function_fit
from tests.cases import thorough
from tests.silent import SilentContext

TINY = {"width_mult": 0.2, "points": 200, "test_side": 8, "epochs": 2, "batch_size": 50, "optimizer": "adam"}


def run(tmp_path, **config):
    context = SilentContext(tmp_path)
    return function_fit(Config(**(TINY | config)), context), context


def test_the_defaults_are_those_of_the_papers_appendix():
    config = Config()
    assert (config.model, config.target, config.points, config.epochs) == ("implicit_mlp", "cos_sin", 50_000, 1000)
    assert (config.batch_size, config.optimizer, config.learning_rate) == (128, "sgd", 1e-4)
    assert (config.schedule, config.lr_step_epochs) == ("step", 1000), "the rate is constant"
    assert (config.momentum, config.weight_decay) == (0, 0)


@pytest.mark.parametrize("block", ["mgic", *thorough("mobilenet_v3", "ghost")])
def test_a_few_hundred_steps_fit_far_below_the_variance(block, tmp_path):
    """Of a smooth function; a constant has 1."""
    config = {"width_mult": 0.4, "target": "circle_distance", "learning_rate": 0.01, "schedule": "cosine"}
    result, context = run(tmp_path, **config, block=block, points=2000, epochs=20, batch_size=200)
    assert result.relative_mse < 0.05
    assert result.relative_mse < 0.2 * context.curves["test/relative_mse"][0][1]


def test_a_result_says_what_was_fitted(tmp_path):
    result, context = run(tmp_path)
    cost = mgic.count_cost(mgic.create("implicit_mlp", width_mult=0.2), (2,))
    assert (result.params, result.macs, result.transfer_macs) == (cost.params, cost.macs, cost.transfer_macs)
    assert (result.steps, result.epochs_done, result.resumed) == (8, 2, False)
    assert result.samples_per_second == pytest.approx(400 / result.seconds)
    assert context.curves["test/mse"][-1] == (8, result.mse)
    assert context.phases == ["preparing", "training", "evaluating", "saving"]


def test_the_scores_are_those_of_the_weights_that_are_left(tmp_path):
    result, context = run(tmp_path)
    model = mgic.create("implicit_mlp", width_mult=0.2).eval()
    model.load_state_dict(load_file(context.artifact("model.safetensors")))
    side = torch.tensor([(number + 0.5) / 8 for number in range(8)])
    points = torch.cartesian_prod(side, side)
    wanted = torch.cos(points[:, 0]) * torch.sin(20 * points[:, 1])
    with torch.no_grad():
        errors = model(points)[:, 0] - wanted
    assert result.mse == pytest.approx(errors.square().mean().item(), rel=1e-4)
    assert result.max_error == pytest.approx(errors.abs().max().item(), rel=1e-4)
    assert result.relative_mse == pytest.approx(result.mse / wanted.var(correction=0).item(), rel=1e-4)


def test_the_pictures_show_the_target_upright(tmp_path):
    """The circle's distance is largest in the corners and least, below zero, in the middle."""
    _, context = run(tmp_path, target="circle_distance")
    for name in ("target", "fit", "error"):
        with Image.open(context.artifact(f"{name}.png")) as picture:
            assert picture.size == (320, 356)
            if name == "target":
                corner, middle = (picture.getpixel(place) for place in ((5, 5), (160, 160)))
    assert corner[0] > corner[2], "above zero is red"
    assert middle[2] > middle[0], "below zero is blue"


def test_the_seed_alone_decides(tmp_path):
    torch.manual_seed(1)
    first, one = run(tmp_path / "a", seed=5)
    torch.manual_seed(2)
    second, two = run(tmp_path / "b", seed=5)
    timed = {"seconds", "samples_per_second"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)
    assert one.curves == two.curves
    assert run(tmp_path / "c", seed=6)[0].mse != first.mse


def test_an_interrupted_fit_goes_on_to_the_same_result(tmp_path):
    whole, _ = run(tmp_path / "a", epochs=4)
    broken = SilentContext(tmp_path / "b", cancel_at=0.5)
    with pytest.raises(Cancelled):
        function_fit(Config(**(TINY | {"epochs": 4})), broken)
    resumed, context = run(tmp_path / "b", epochs=4)
    assert context.resumed_at
    assert resumed.resumed
    timed = {"seconds", "samples_per_second", "resumed"}
    assert resumed.model_dump(exclude=timed) == whole.model_dump(exclude=timed)


def test_a_learning_rate_of_1000_ends_at_once_in_words(tmp_path):
    with pytest.raises(Diverged, match="learning rate"):
        run(tmp_path, optimizer="sgd", momentum=0.9, learning_rate=1000.0, epochs=100, batch_size=20)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "resnet20"),
        ("target", "tangent"),
        ("points", 1),
        ("points", 1_000_001),
        ("points", 100),  # fewer than a batch
        ("test_side", 1001),
        ("epochs", 0),
        ("batch_size", 1),
        ("batch_size", 4097),
        ("batch_size", 4000),  # more than there are points
        ("optimizer", "lbfgs"),
        ("learning_rate", math.nan),
        ("in_channels", 2),
        ("out_channels", 1),
        ("width_mult", 0.0),
        ("no_such_field", 1),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(ValidationError) as caught:
        Config(**({"points": 2000} | {field: value}))
    expected = "batch_size" if (field, value) == ("points", 100) else field
    assert [error["loc"][0] for error in caught.value.errors()] == [expected]


def test_an_unknown_target_is_answered_with_the_nearest():
    with pytest.raises(ValidationError, match="did you mean 'cos_sin'"):
        Config(target="cos_sinus")


def test_every_target_can_be_chosen_and_stands_in_the_form():
    assert Config.model_json_schema()["properties"]["target"]["enum"] == [
        "cos_sin", "franke", "zone_plate", "checkerboard", "circle_distance",
    ]  # fmt: skip
    assert {Config(target=name).target for name in FUNCTIONS} == set(FUNCTIONS)


def test_the_estimate_counts_training_and_the_grid():
    found = estimate(Config(**(TINY | {"max_steps": 6})))
    macs = mgic.count_cost(mgic.create("implicit_mlp", width_mult=0.2), (2,)).macs
    assert found.work_macs == macs * (3 * 6 * 50 + 2 * 64), "two epochs begun, so two tests"
    assert found.batch_pixels == 50
