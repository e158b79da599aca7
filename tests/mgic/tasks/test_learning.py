"""An experiment on a kind of training: a few lines, and what it comes to is what the long way comes to."""

import importlib
import sys
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from mgic import describe, execution, experiment, sweep
from mgic.errors import BadConfig
from mgic.experiment import EXPERIMENTS, Experiment
from mgic.experiments.classification import Config as Classification
from mgic.experiments.function_fit import Config as FunctionFit
from mgic.experiments.function_fit import function_fit
from mgic.experiments.point_cloud import Config as PointCloud
from mgic.experiments.segmentation import Config as Segmentation
from mgic.records import RunStatus, SweepRequest
from mgic.registry import Registry
from tests.silent import SilentContext

FAST = {"width": 4, "epochs": 2, "batch_size": 32, "learning_rate": 0.05}
HERE = Path(__file__).parent


@pytest.fixture
def theirs(monkeypatch) -> Registry[Experiment]:
    """A registry of their two experiments alone: they must not stay behind for other tests."""
    list(EXPERIMENTS)
    found: Registry[Experiment] = Registry("experiment", "mgic.experiments")
    for module in (experiment, execution, describe, sweep):
        monkeypatch.setattr(module, "EXPERIMENTS", found)
    for name in ("outsiders", "by_hand"):
        monkeypatch.delitem(sys.modules, f"tests.mgic.tasks.{name}", raising=False)
        importlib.import_module(f"tests.mgic.tasks.{name}")
    return found


def test_an_experiment_of_somebody_else_runs_as_ours_do(theirs, tmp_path):
    context = SilentContext(tmp_path)
    outcome = execution.run("stripes_task", FAST, context)
    assert outcome.status is RunStatus.SUCCEEDED, outcome.failure
    assert outcome.result is not None
    assert outcome.result["top1"] == context.curves["test/top1"][-1][1]
    assert (outcome.config["precision"], outcome.config["validation_share"]) == ("float32", 0.0)
    assert context.phases == ["preparing", "training", "evaluating", "saving"]
    assert context.artifact("model.safetensors").exists()


def test_it_can_be_planned_and_its_bad_input_is_named(theirs):
    request = SweepRequest(experiment="stripes_task", axes={"batch_size": [96]})
    (point,) = describe.plan(request, refuse=True).points
    assert point.cost is not None
    with pytest.raises(BadConfig, match="batch_size=97 is more than the 96 samples"):
        describe.plan(SweepRequest(experiment="stripes_task", axes={"batch_size": [97]}), refuse=True)


@pytest.mark.parametrize("more", [{}, {"validation_share": 0.25, "ema": 0.5, "seed": 3}], ids=["plain", "held out"])
def test_it_is_to_the_bit_what_the_long_way_gives(theirs, tmp_path, more):
    short, long = SilentContext(tmp_path / "short"), SilentContext(tmp_path / "long")
    results = [
        execution.run(name, FAST | more, context).result
        for name, context in (("stripes_task", short), ("stripes_by_hand", long))
    ]
    timed = {"seconds", "samples_per_second"}
    first, second = ({key: one for key, one in (result or {}).items() if key not in timed} for result in results)
    near = {key: pytest.approx(one, rel=1e-12) if isinstance(one, float) else one for key, one in second.items()}
    assert first == near
    mine, yours = (load_file(context.artifact("model.safetensors")) for context in (short, long))
    assert all(torch.equal(mine[name], yours[name]) for name in mine)
    configs = [theirs[name].config.model_json_schema()["properties"] for name in theirs]
    assert configs[0].keys() == configs[1].keys()


def test_the_short_way_names_nothing_private_and_is_a_quarter_of_the_long_one():
    short, long = ((HERE / f"{name}.py").read_text() for name in ("outsiders", "by_hand"))
    assert " _" not in short
    assert 4 * len(short.splitlines()) < len(long.splitlines())


@pytest.mark.thorough
def test_two_processes_train_it_together(theirs, tmp_path):
    context = SilentContext(tmp_path)
    outcome = execution.run("stripes_task", FAST | {"processes": 2, "validation_share": 0.25}, context)
    assert outcome.status is RunStatus.SUCCEEDED, outcome.failure
    assert [step for step, _ in context.curves["val/top1"]] == [3, 6]  # 72 images are left to learn from


def test_held_out_samples_have_curves_and_a_result_of_their_own(theirs, tmp_path):
    context = SilentContext(tmp_path)
    result = execution.run("stripes_task", FAST | {"validation_share": 0.5}, context).result
    assert result is not None
    assert (result["steps"], result["epochs_done"]) == (4, 2), "48 of 96 images are learnt from"
    for name, of in (("top1", "top1"), ("top5", "top5"), ("loss", "test_loss")):
        assert context.curves[f"val/{name}"][-1] == (4, result[f"val_{name}"])
        assert context.curves[f"test/{name}"][-1] == (4, result[of])


def test_without_a_share_there_is_no_validation(theirs, tmp_path):
    context = SilentContext(tmp_path)
    result = execution.run("stripes_task", FAST, context).result
    assert result is not None
    assert (result["val_top1"], result["val_loss"]) == (None, None)
    assert not [name for name in context.curves if name.startswith("val/")]


@pytest.mark.parametrize("share", [-0.1, 0.6, 1.0])
def test_a_share_is_none_to_a_half(share):
    with pytest.raises(ValidationError, match="validation_share"):
        Classification(validation_share=share)


def test_a_batch_has_to_fit_what_is_left():
    assert Classification(batch_size=1000).learnt_from == 1437
    with pytest.raises(ValidationError, match="more than the 719 samples"):
        Classification(batch_size=1000, validation_share=0.5)  # 718.5 are held out, and a half goes to the even number


@pytest.mark.parametrize("config", [Classification, PointCloud, Segmentation])
def test_each_kind_takes_the_three_precisions(config):
    assert [config(precision=one).precision for one in ("float32", "bfloat16", "float16")] == [
        "float32",
        "bfloat16",
        "float16",
    ]
    with pytest.raises(ValidationError, match="precision"):
        config(precision="float64")


def test_a_function_is_fitted_in_float32_only():
    assert FunctionFit().precision == "float32"
    with pytest.raises(ValidationError, match="precision"):
        FunctionFit(precision="bfloat16")


def test_points_of_a_function_can_be_held_out(tmp_path):
    context = SilentContext(tmp_path)
    config = FunctionFit(points=200, test_side=10, epochs=2, batch_size=32, validation_share=0.2)
    result = function_fit(config, context)
    assert context.curves["val/mse"][-1] == (10, result.val_mse)
    assert result.val_mse != result.mse


def test_a_function_that_has_one_value_at_all_test_points_is_refused(tmp_path):
    with pytest.raises(BadConfig, match="one value, 1, at all test points"):
        function_fit(FunctionFit(target="checkerboard", points=64, test_side=2, batch_size=32), SilentContext(tmp_path))
