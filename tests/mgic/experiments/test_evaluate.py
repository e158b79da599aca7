"""A trained network evaluated, and trained on: what it began with, and what is refused."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from safetensors.torch import load_file

from mgic.data import find
from mgic.errors import BadConfig, DataMissing
from mgic.experiments.classification import Config as Classification
from mgic.experiments.classification import classification
from mgic.experiments.evaluate import MOST_LETTERS, Config, class_names, estimate, evaluate
from mgic.records import InputRun, SweepRequest
from mgic.sweep import expand
from tests.silent import SilentContext

TINY = {"model": "mgic_resnet20", "width": 4, "group_size": 2, "coarsest_size": 4}
SHORT = {"max_steps": 3, "batch_size": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a few steps: its config, its result, and the folder of what it left."""
    context = SilentContext(tmp_path_factory.mktemp("trained"))
    config = Classification(**TINY, **SHORT)
    return config, classification(config, context), context.folder / "artifacts"


def beside(folder, left) -> SilentContext:
    context = SilentContext(folder)
    context.inputs["trained"] = left
    return context


def test_it_scores_what_the_training_scored_and_the_same_seed_gives_the_same(trained, tmp_path):
    _, learnt, left = trained
    config = Config(**TINY, trained="a", noise=[0.2], blur=[0.1, 0.05], contrast=[])
    context = beside(tmp_path, left)
    found, again = evaluate(config, context), evaluate(config, beside(tmp_path / "again", left))
    assert (found.top1, found.top5, found.dataset_hash) == (learnt.top1, learnt.top5, learnt.dataset_hash)
    assert found.nll == pytest.approx(learnt.test_loss, rel=1e-5)
    assert [(row.corruption, row.strength) for row in found.corruptions] == [
        *(("noise", 0.0), ("noise", 0.2)),
        *(("blur", 0.0), ("blur", 0.05), ("blur", 0.1)),
    ]
    assert found.corruptions == again.corruptions
    assert sum(row.count for row in found.confusion) == found.test_samples == 360
    assert [row.label for row in found.per_class] == list(range(10))
    assert found.balanced_accuracy == pytest.approx(sum(row.recall for row in found.per_class) / 10)
    with np.load(context.folder / "artifacts" / "predictions.npz") as kept:
        assert 100 * (kept["label"] == kept["prediction"]).mean() == pytest.approx(found.top1)
        assert str(kept["dataset_hash"]) == found.dataset_hash
        assert str(kept["weights_hash"]) == found.weights_hash


@pytest.mark.parametrize(
    ("names", "called"),
    [
        (("cat", "dog"), ["cat", "dog"]),
        ((), [0, 1]),
        (("c" * 99, "d" * 99), ["c" * MOST_LETTERS, "d" * MOST_LETTERS]),
        (("c" * 99, "c" * 98), [0, 1]),  # what is kept of them tells nothing apart
    ],
)
def test_classes_are_called_by_their_names_as_long_as_those_tell_them_apart(names, called):
    assert class_names(replace(find("digits"), classes=2, names=names)) == called


def test_own_weights_are_those_of_the_run_they_came_from_and_a_training_begins_with_them(trained, tmp_path):
    _, learnt, left = trained
    context = SilentContext(tmp_path)
    (context.data_dir / "weights").mkdir(parents=True)
    shutil.copy(left / "model.safetensors", context.data_dir / "weights" / "mine.safetensors")
    none = {"noise": [], "blur": [], "contrast": []}
    found = evaluate(Config(**TINY, weights="mine", **none), context)
    assert (found.top1, found.mean_corrupted_top1) == (learnt.top1, None)
    assert learnt.weights_hash is None
    gone_on = classification(Classification(**TINY, weights="mine", learning_rate=1e-9, **SHORT), context)
    assert gone_on.weights_hash == found.weights_hash
    begun, ended = (load_file(folder / "model.safetensors") for folder in (left, context.folder / "artifacts"))
    assert all(one.allclose(ended[name], atol=1e-6) for name, one in begun.items() if "conv" in name)
    assert any("conv" in name for name in begun)


def test_without_weights_or_with_those_of_another_network_there_is_nothing_to_evaluate(trained, tmp_path):
    with pytest.raises(BadConfig, match="nothing to evaluate") as refused:
        estimate(Config())
    assert refused.value.problems[0].pointer == "trained"
    with pytest.raises(BadConfig, match=r"trained: the weights do not fit the network; .*of another shape"):
        evaluate(Config(**{**TINY, "width": 8}, trained="a"), beside(tmp_path, trained[2]))
    with pytest.raises(DataMissing, match=r"the run has left no model\.safetensors"):
        evaluate(Config(**TINY, trained="a"), beside(tmp_path, tmp_path))


def test_what_is_evaluated_follows_from_the_run_and_what_is_learnt_next_may_be_other_images(trained):
    run = {"a": InputRun(experiment="classification", config=trained[0].model_dump(mode="json"))}
    asked = {"trained": ["a"], "dataset": ["mnist"]}
    (point,) = expand(SweepRequest(experiment="classification", axes=asked), run)
    assert (point.config["dataset"], point.config["width"]) == ("mnist", 4)
    (point,) = expand(SweepRequest(experiment="evaluate", axes={"trained": ["a"]}), run)
    assert {**TINY, "dataset": "digits"}.items() <= point.config.items()
    with pytest.raises(BadConfig, match="dataset: follows from trained"):
        expand(SweepRequest(experiment="evaluate", axes=asked), run)
