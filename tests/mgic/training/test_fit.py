"""What all experiments that train have in common."""

from typing import Annotated

import pytest
import torch
from pydantic import BaseModel, ValidationError

import mgic
from mgic.data import DATASETS
from mgic.experiment import Context
from mgic.experiments.classification import Config
from mgic.training import ALONE, Hyperparameters, Network, Shard, hyperparameters_of, together
from mgic.training.fields import known, whole_batch, whole_shares
from tests.silent import SilentContext

CPU = torch.device("cpu")


def test_the_settings_are_the_fields_that_a_config_has():
    config = Config(epochs=7, batch_size=32, ema=0.9, schedule="cosine")
    assert hyperparameters_of(config) == Hyperparameters(
        seed=0,
        epochs=7,
        max_steps=None,
        batch_size=32,
        learning_rate=0.001,
        momentum=0.9,
        weight_decay=1e-4,
        lr_step_epochs=30,
        augment=True,
        schedule="cosine",
        ema=0.9,
    )


def test_a_network_is_that_of_the_config_and_of_the_data():
    network = Network.of(Config(model="resnet20"), (3, 8, 8), {"in_channels": 3, "num_classes": 4})
    first, again, other = (network.build(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    built = mgic.create("resnet20", in_channels=3, num_classes=4)
    assert network.cost.params == sum(p.numel() for p in built.parameters())


@pytest.mark.parametrize(
    ("samples", "batch_size", "fits"), [(8, 4, True), (11, 4, False), (10, 4, False), (9, 4, True)]
)
def test_each_process_needs_two_samples_of_every_batch(samples, batch_size, fits):
    """11 end with 3, which is one and two; 10 with 2, one each; 9 with a single one, which is left out."""
    assert whole_shares(1, batch_size, samples) == []
    found = whole_shares(2, batch_size, samples)
    assert [problem.pointer for problem in found] == ([] if fits else ["processes"])


def test_one_process_works_for_itself(tmp_path):
    told = together(
        lambda config, context, shard, device: (config, shard, device), Config(), SilentContext(tmp_path), 1, CPU
    )
    assert told == (Config(), ALONE, CPU)


def test_a_name_that_is_not_known_is_answered_with_the_nearest():
    class Chosen(BaseModel):
        dataset: Annotated[str, known(DATASETS)] = "digits"

    assert Chosen(dataset="cifar10").dataset == "cifar10"
    with pytest.raises(ValidationError, match="did you mean 'cifar10'"):
        Chosen(dataset="cifar11")


def test_a_batch_is_at_most_all_samples():
    assert whole_batch(10, 10) == []
    (problem,) = whole_batch(11, 10)
    assert (problem.pointer, problem.code) == ("batch_size", "too_large")


def tell_rank(config: Config, context: Context, shard: Shard, device: torch.device) -> tuple[int, int]:
    (context.data_dir / str(shard.rank)).write_text(config.model)
    return shard.rank, shard.count


def test_each_process_is_given_the_config_and_the_first_one_answers(tmp_path):
    context = SilentContext(tmp_path)
    context.data_dir.mkdir()
    assert together(tell_rank, Config(model="resnet20"), context, 2, CPU) == (0, 2)
    assert [(context.data_dir / name).read_text() for name in "01"] == ["resnet20"] * 2
