"""A narrow ResNet, a few steps: the budget, what is left behind, and how a run goes wrong before it starts."""

import json
import sys

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

import mgic
from mgic.data import load
from mgic.data.batches import train_and_test
from mgic.errors import BadConfig, Cancelled
from mgic.experiments import classification
from mgic.experiments.prune import Config, estimate, prune
from mgic.measure.cost import count_cost
from mgic.records import InputRun
from mgic.tasks import Classifying
from mgic.training.channel_groups import load_pruned, widths
from mgic.training.pruning.removal import BY_LAYER, SEARCHED, TAYLOR_BATCHES
from tests.cases import thorough
from tests.silent import SilentContext

TINY = {"width": 4, "max_steps": 3, "batch_size": 16, "learning_rate": 0.05, "finetune_learning_rate": 0.02}
TINY |= {"calibration_images": 64, "search_trials": 5, "search_epochs": 1}
TIMED = {"seconds"}
TWO_EPOCHS = {"epochs": 2, "finetune_epochs": 2, "max_steps": None, "batch_size": 512}  # of 3 steps each


def run(tmp_path, **config):
    context = SilentContext(tmp_path)
    return prune(Config(**(TINY | config)), context), context


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A run of the tiny config: its result, and its context with all that it left behind."""
    return run(tmp_path_factory.mktemp("tiny"))


def whole():
    return mgic.create("resnet20", width=4, in_channels=1)


def reloaded(context):
    model = whole()
    load_pruned(model, load_file(context.artifact("model.safetensors")))
    return model


def test_the_defaults_are_l1_half_the_macs_and_the_fine_tuning_of_li_et_al():
    config = Config()
    assert (config.model, config.dataset, config.method, config.macs_ratio) == ("resnet20", "digits", "l1", 0.5)
    assert (config.scope, config.iterations) == ("local", 1)
    assert (config.finetune_epochs, config.finetune_learning_rate) == (40, 0.001)


@pytest.mark.parametrize(
    ("method", "scope"),
    [
        *(("l1", "local"), ("taylor_bn", "global"), ("bn_sparsity", "global"), ("group_l2", "local")),
        *(("thinet", "local"), ("cp", "local"), ("nisp", "global"), ("amc", "local"), ("metapruning", "local")),
        *thorough(("l1", "global"), ("taylor_bn", "local"), ("bn_sparsity", "local"), ("group_l2", "global")),
        *thorough(("nisp", "local")),
    ],
)
def test_every_method_reaches_the_budget(tmp_path, method, scope):
    iterations = 1 if method in SEARCHED else 2
    result, context = run(tmp_path, method=method, scope=scope, macs_ratio=0.4, iterations=iterations)
    before = count_cost(whole(), (1, 8, 8))
    after = count_cost(reloaded(context), (1, 8, 8))
    assert (result.params_before, result.macs_before) == (before.params, before.macs)
    assert (result.params, result.macs, result.transfer_macs) == (after.params, after.macs, 0)
    # One channel more would break the budget; the dearest is one of 4 in the first stage: 2 * 64 pixels * 9 * 4.
    assert after.macs <= 0.4 * before.macs
    assert method in SEARCHED or 0.4 * before.macs - 2 * 64 * 9 * 4 < after.macs
    assert result.macs_ratio_reached == after.macs / before.macs
    assert 0 <= result.top1 <= result.top5 <= 100


def test_what_is_left_behind_is_the_network_that_was_tested(tiny, tmp_path):
    result, context = tiny
    model = reloaded(context)
    structure = json.loads(context.artifact("structure.json").read_text())
    old, new = widths(whole()), widths(model)
    assert structure["layers"] == {
        name: {"in": [old[name][0], new[name][0]], "out": [old[name][1], new[name][1]]} for name in old
    }
    assert result.channels_removed == sum(old[name][1] - new[name][1] for name in old) > 0
    test = train_and_test(load("digits", tmp_path), torch.device("cpu"))[1]
    assert Classifying().score(model, test, 16).scores.top1 == result.top1


def test_before_pruning_it_is_a_run_of_classification(tiny, tmp_path):
    result, _ = tiny
    shared = {name: value for name, value in TINY.items() if name in {*classification.Config.model_fields, "width"}}
    plain = classification.Config(model="resnet20", **shared)
    assert result.top1_before == classification.classification(plain, SilentContext(tmp_path / "plain")).top1


def test_the_curves_go_on_through_both_trainings(tiny):
    result, context = tiny
    assert (result.steps, result.finetune_steps) == (3, 3)
    assert [step for step, _ in context.curves["test/top1"]] == [3, 6]
    assert [step for step, _ in context.curves["train/loss"]] == [1, 2, 3, 4, 5, 6]
    assert context.phases == ["preparing", "training", "evaluating", "pruning", "fine-tuning", "saving"]
    assert context.progress == sorted(context.progress)
    assert context.curves["test/top1"] == [(3, result.top1_before), (6, result.top1)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"), **TWO_EPOCHS, method="taylor_bn")


@pytest.mark.parametrize(
    ("cancel_at", "resumed_at"),
    [(0.5, [3]), *thorough((0.99, [9]), (0.74, [6]))],  # in the second epoch, of training, of tuning; between the two
)
def test_an_interrupted_run_goes_on_to_the_same_end(uninterrupted, tmp_path, cancel_at, resumed_at):
    whole_run, whole_context = uninterrupted
    config = Config(**(TINY | TWO_EPOCHS | {"method": "taylor_bn"}))
    with pytest.raises(Cancelled):
        prune(config, SilentContext(tmp_path / "parts", cancel_at))
    context = SilentContext(tmp_path / "parts")
    result = prune(config, context)
    assert context.resumed_at == resumed_at
    assert (result.resumed, whole_run.resumed) == (True, False)
    skip = TIMED | {"resumed"}
    assert result.model_dump(exclude=skip) == whole_run.model_dump(exclude=skip)
    expected = [point for point in whole_context.curves["train/loss"] if point[0] > resumed_at[0]]
    assert context.curves["train/loss"] == expected
    one, two = (load_file(each.artifact("model.safetensors")) for each in (context, whole_context))
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())


def test_a_finished_run_that_is_run_again_trains_nothing(tiny):
    first, before = tiny
    again = SilentContext(before.folder)
    second = prune(Config(**TINY), again)
    assert "train/loss" not in again.curves
    assert again.resumed_at == []
    assert second.model_dump(exclude=TIMED | {"resumed"}) == first.model_dump(exclude=TIMED | {"resumed"})


@pytest.mark.parametrize("method", ["cp", *thorough("taylor_bn", "bn_sparsity", "thinet", "nisp", "amc")])
def test_the_same_seed_gives_the_same_network_and_another_seed_another(tmp_path, method):
    results, states = [], []
    for number, seed in enumerate((5, 5, 6)):
        scope = "local" if method in (*BY_LAYER, *SEARCHED) else "global"
        result, context = run(tmp_path / str(number), method=method, seed=seed, scope=scope)
        results.append(result.model_dump(exclude=TIMED))
        states.append(load_file(context.artifact("model.safetensors")))
    assert results[0] == results[1] != results[2]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_the_sparsity_pulls_at_the_scales_of_the_norms_that_can_go(tmp_path):
    scales = {}
    for sparsity in (0.0, 1.0):
        _, context = run(tmp_path / str(sparsity), method="bn_sparsity", sparsity=sparsity, macs_ratio=0.99)
        state = load_file(context.artifact("model.safetensors"))
        inner = [tensor.abs().mean() for name, tensor in state.items() if name.endswith("norm1.weight")]
        outer = [tensor.abs().mean() for name, tensor in state.items() if name.endswith("norm2.weight")]
        scales[sparsity] = (torch.stack(inner).mean().item(), torch.stack(outer).mean().item())
    # Steps of 0.05 with momentum 0.9 along a slope of 1: 0.05 * (1 + 1.9 + 2.71) = 0.28.
    assert scales[0.0][0] - scales[1.0][0] == pytest.approx(0.28, abs=0.05)
    assert scales[1.0][1] == pytest.approx(scales[0.0][1], abs=0.05)


@pytest.mark.parametrize("options", [{}, {"group_size": 4}, {"group_size": 64, "coarsest_size": 64}])
def test_a_network_with_grouped_convolutions_is_refused_with_the_config(options):
    with pytest.raises(ValidationError, match="grouped") as caught:
        Config(model="mgic_resnet20", **options)
    assert [error["loc"] for error in caught.value.errors()] == [("model",)]


def test_what_does_not_go_together_is_refused_where_it_stands():
    for asked, field in (
        ({"method": "cp", "scope": "global"}, "scope"),
        ({"method": "amc", "iterations": 2}, "iterations"),
        ({"method": "bn_sparsity", "trained": "1"}, "trained"),
    ):
        with pytest.raises(ValidationError) as caught:
            Config(**asked)
        assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_a_trained_network_is_pruned_as_if_this_run_had_trained_it(tmp_path):
    shared = {name: value for name, value in TINY.items() if name in {*classification.Config.model_fields, "width"}}
    first = SilentContext(tmp_path / "first")
    left = classification.classification(classification.Config(model="resnet20", **shared), first)
    context = SilentContext(tmp_path / "second")
    context.inputs = {"trained": first.folder / "artifacts"}
    found = prune(Config(**TINY, trained="1"), context)
    alone, _ = run(tmp_path / "alone")
    assert found.top1_before == left.top1
    assert (found.steps, found.finetune_steps) == (0, 3)
    changed = {"seconds", "steps", "weights_hash"}
    assert found.model_dump(exclude=changed) == alone.model_dump(exclude=changed)
    assert [step for step, _ in context.curves["train/loss"]] == [1, 2, 3]
    context.inputs = {"trained": tmp_path / "alone" / "artifacts"}  # pruned already
    with pytest.raises(BadConfig, match="do not fit the network") as caught:
        prune(Config(**TINY, trained="1"), context)
    assert caught.value.problems[0].pointer == "trained"


def test_what_a_trained_network_has_not_seen_stays_unseen():
    run = InputRun(experiment="classification", config={"model": "resnet20", "validation_share": 0.2, "seed": 3})
    followed = Config.following({"trained": "1"}, {"trained": run})
    assert (followed["validation_share"], followed["seed"]) == (0.2, 3)
    with pytest.raises(BadConfig, match="seed follows from trained"):
        Config.following({"trained": "1", "seed": 4}, {"trained": run})
    unheld = InputRun(experiment="classification", config={"model": "resnet20", "seed": 3})
    assert Config.following({"trained": "1", "seed": 4}, {"trained": unheld})["seed"] == 4


@pytest.mark.thorough
def test_metapruning_goes_on_after_its_search_and_trains_from_fresh_weights(tmp_path):
    """What is left is of the whole length of a training, and the search is not made again."""
    config = Config(**(TINY | TWO_EPOCHS | {"method": "metapruning", "finetune_epochs": 1}))
    with pytest.raises(Cancelled):
        prune(config, SilentContext(tmp_path, cancel_at=0.9))
    context = SilentContext(tmp_path)
    result = prune(config, context)
    assert (result.steps, result.finetune_steps) == (6, 6)
    assert context.resumed_at == [12]  # after 6 of the whole network, 3 of the one that makes weights, 3 of the last
    whole_run = prune(config, SilentContext(tmp_path / "whole"))
    skip = TIMED | {"resumed"}
    assert result.model_dump(exclude=skip) == whole_run.model_dump(exclude=skip)


def test_a_budget_that_cannot_be_reached_is_refused_before_the_training_with_the_limit(tmp_path):
    context = SilentContext(tmp_path)
    with pytest.raises(BadConfig, match=r"macs_ratio=0.1 is out of reach: .* 0\.\d+ of its") as caught:
        prune(Config(**TINY, macs_ratio=0.1), context)
    assert caught.value.problems[0].pointer == "macs_ratio"
    assert context.curves == {}
    limit = float(str(caught.value).split(" has ")[1].split()[0])
    result, _ = run(tmp_path, macs_ratio=limit)
    assert result.macs_ratio_reached == pytest.approx(limit, abs=1e-4)


def test_without_the_extra_nothing_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    context = SilentContext(tmp_path)
    with pytest.raises(BadConfig, match=r"pip install mgic\[prune\]"):
        prune(Config(**TINY), context)
    assert context.phases == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("macs_ratio", 0.0),
        ("macs_ratio", 1.0),
        ("macs_ratio", float("nan")),
        ("method", "magic"),
        ("scope", "layer"),
        ("iterations", 0),
        ("sparsity", -1.0),
        ("finetune_epochs", 0),
        ("finetune_learning_rate", 0.0),
        ("dataset", "imagenet21k"),
        ("max_steps", 0),
        ("processes", 2),
        ("model", "mgic_lraspp"),
        ("model", "resnet21"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(ValidationError) as caught:
        Config(**{field: value})
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_the_estimate_is_of_both_trainings_and_of_the_ranking():
    found = estimate(Config(width=4, epochs=2, finetune_epochs=3, macs_ratio=0.25))
    macs = count_cost(whole(), (1, 8, 8)).macs
    assert found.cost.macs == macs
    assert found.work_macs == macs * (2 * (3 * 1437 + 360) + 0.25 * (3 * (3 * 1437 + 360) + 360))
    taylor = estimate(Config(width=4, epochs=2, finetune_epochs=3, macs_ratio=0.25, method="taylor_bn", iterations=4))
    assert taylor.work_macs - found.work_macs == 4 * 3 * TAYLOR_BATCHES * 128 * macs
