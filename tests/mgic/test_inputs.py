"""A field of a config that names a run: what follows from it, what is refused, and where its files are found."""

import pytest

from mgic.errors import BadConfig, DataMissing
from mgic.experiment import RunId, input_file, inputs_of, run_input
from mgic.experiments import classification, evaluate
from mgic.models.config import ModelConfig
from mgic.records import InputRun

TRAINED = InputRun(
    experiment="classification",
    config={"model": "mgic_resnet20", "group_size": 4, "dataset": "digits", "epochs": 3, "device": "cpu"},
)


class Config(ModelConfig):
    trained: RunId | None = run_input("classification", description="Whose weights are read")
    dataset: str = "digits"
    epochs: int = 1


def test_the_model_its_options_and_the_data_follow_and_nothing_else():
    assert Config.following({"trained": "a"}, {"trained": TRAINED}) == {
        **{"trained": "a", "model": "mgic_resnet20", "group_size": 4},
        "dataset": "digits",
    }


@pytest.mark.parametrize("other", [{"model": "resnet20"}, {"group_size": 8}, {"dataset": "cifar10"}])
def test_what_follows_cannot_be_asked_for_otherwise(other):
    with pytest.raises(BadConfig, match="follows from trained") as refused:
        Config.following({"trained": "a", **other}, {"trained": TRAINED})
    assert [problem.pointer for problem in refused.value.problems] == list(other)


def test_the_schema_says_of_which_experiments_and_which_files_are_read():
    wanted = {"of": ["classification"], "files": ["model.safetensors"]}
    assert inputs_of(Config.model_json_schema()) == {"trained": wanted}


def test_a_file_that_the_run_has_not_left_is_named(tmp_path):
    with pytest.raises(DataMissing, match=r"trained: the run has left no model\.safetensors"):
        input_file({"trained": tmp_path}, "trained", "model.safetensors")


def test_own_data_are_those_that_the_run_has_seen_unless_a_training_names_others():
    run = InputRun(experiment="classification", config={**TRAINED.config, "dataset": "folder/x", "data_hash": "0" * 16})
    followed = evaluate.Config.following({"trained": "a"}, {"trained": run})
    assert followed["data_hash"] == "0" * 16
    other = classification.Config.following({"trained": "a", "dataset": "digits"}, {"trained": run})
    assert (other["dataset"], other.get("data_hash")) == ("digits", None)
