"""One network, a few steps: what a result and an artifact hold, and how a run goes wrong."""

import hashlib
import json

import pytest
import torch
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.torch import load_file

import mgic
from mgic.data import DATASETS
from mgic.errors import BadConfig, DataMissing, Diverged
from mgic.experiments.classification import Config, classification, estimate
from tests.silent import SilentContext

TINY = {"model": "mgic_resnet20", "width": 4, "group_size": 2, "coarsest_size": 4, "max_steps": 3, "batch_size": 16}


def run(tmp_path, **config):
    context = SilentContext(tmp_path)
    return classification(Config(**(TINY | config)), context), context


def weights_hash(context: SilentContext) -> str:
    """Of the tensors, not of the file: its metadata holds the seed."""
    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(context.artifact("model.safetensors")).items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def test_the_defaults_are_those_of_the_papers_appendix():
    config = Config()
    assert (config.epochs, config.batch_size, config.learning_rate, config.lr_step_epochs) == (100, 128, 0.001, 30)
    assert (config.momentum, config.weight_decay, config.augment) == (0.9, 1e-4, True)
    assert (config.dataset, config.seed, config.max_steps, config.device) == ("digits", 0, None, "auto")


def test_a_result_says_what_was_trained_on_what(tmp_path):
    result, context = run(tmp_path)
    cost = mgic.count_cost(
        mgic.create("mgic_resnet20", width=4, group_size=2, coarsest_size=4, in_channels=1), (1, 8, 8)
    )
    assert (result.params, result.macs, result.transfer_macs) == (cost.params, cost.macs, cost.transfer_macs)
    assert (result.steps, result.epochs_done) == (3, 0)
    assert 0 <= result.top1 <= result.top5 <= 100
    assert result.images_per_second == pytest.approx(48 / result.seconds)
    assert result.dataset_hash == "c1187c6754b36a66"
    assert context.phases == ["preparing", "training", "evaluating", "saving"]


def test_networks_of_packages_are_trained_converted_or_not(tmp_path):
    for name in ("timm/test_resnet", "mgic/timm/test_resnet"):
        config = Config(model=name, max_steps=1, batch_size=16)
        context = SilentContext(tmp_path / name)
        assert classification(config, context).steps == 1
        network = mgic.create(config.model, **config.options, in_channels=1, num_classes=10)
        network.load_state_dict(load_file(context.artifact("model.safetensors")))
    assert Config(model="timm/ghostnet_050").model == "ghostnet_050"


def test_the_weights_are_left_with_the_config_they_belong_to(tmp_path):
    _, context = run(tmp_path)
    path = context.artifact("model.safetensors")
    model = mgic.create("mgic_resnet20", width=4, group_size=2, coarsest_size=4, in_channels=1)
    model.load_state_dict(load_file(path))
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["config"])
    assert Config(**config) == Config(**TINY)


def test_the_same_seed_gives_the_same_weights_and_scores(tmp_path):
    first, one = run(tmp_path / "a", seed=5)
    second, two = run(tmp_path / "b", seed=5)
    assert weights_hash(one) == weights_hash(two)
    timed = {"seconds", "images_per_second"}
    assert first.model_dump(exclude=timed) == second.model_dump(exclude=timed)
    assert one.curves == two.curves


def test_another_seed_gives_others(tmp_path):
    assert weights_hash(run(tmp_path / "a", seed=5)[1]) != weights_hash(run(tmp_path / "b", seed=6)[1])


def test_the_seed_alone_decides_and_not_the_state_of_the_process(tmp_path):
    torch.manual_seed(1)
    first = weights_hash(run(tmp_path / "a")[1])
    torch.manual_seed(2)
    assert weights_hash(run(tmp_path / "b")[1]) == first


def test_a_learning_rate_of_1000_ends_at_once_in_words(tmp_path):
    with pytest.raises(Diverged, match="learning rate"):
        run(tmp_path, model="mgic_resnet20", learning_rate=1000.0, max_steps=50)


def test_one_that_ends_before_that_says_that_it_is_worth_no_more_than_a_guess(tmp_path):
    narrow = Config(model="resnet20", width=4, learning_rate=1000.0, epochs=1)
    result = classification(narrow, SilentContext(tmp_path))
    assert result.test_loss > 1e6
    assert result.no_better_than_guessing
    assert "more than 1000 times" in str(result.caution)
    fine, _ = run(tmp_path / "fine", learning_rate=0.05, max_steps=60)
    assert (fine.no_better_than_guessing, fine.caution) == (False, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "../../etc/passwd"),
        ("dataset", "imagenet21k"),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", True),
        ("seed", "0"),
        ("epochs", 0),
        ("epochs", 1001),
        ("max_steps", 0),
        ("max_steps", 10**7 + 1),
        ("batch_size", 0),
        ("batch_size", 4097),
        ("batch_size", 8.5),
        ("learning_rate", 0.0),
        ("learning_rate", 1001.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -0.1),
        ("lr_step_epochs", 0),
        ("device", "tpu"),
        ("num_classes", 7),
        ("learning_rat", 0.1),
    ],
)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(ValidationError) as caught:
        Config(**{field: value})
    assert [error["loc"][0] for error in caught.value.errors()] == [field]


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(ValidationError, match="did you mean 'cifar10'"):
        Config(dataset="cifar1")


def test_a_missing_data_set_names_the_command(tmp_path):
    with pytest.raises(DataMissing, match="mgic data fetch cifar10"):
        run(tmp_path, dataset="cifar10")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused_in_words(tmp_path):
    with pytest.raises(BadConfig, match="no GPU"):
        run(tmp_path, device="cuda")


def test_the_estimate_counts_forward_backward_and_evaluation_without_the_data():
    found = estimate(Config(**(TINY | {"max_steps": None, "epochs": 2, "dataset": "cifar10"})))
    macs = mgic.count_cost(mgic.create("mgic_resnet20", width=4, group_size=2, coarsest_size=4), (3, 32, 32)).macs
    assert found.cost.macs == macs
    assert found.work_macs == macs * (3 * 2 * 50_000 + 2 * 10_000)
    assert found.batch_pixels == 32 * 32 * 16
    assert found.group_sizes == (2,)


def test_the_estimate_of_a_few_steps_is_of_those_steps():
    found = estimate(Config(**(TINY | {"max_steps": 3, "epochs": 9})))
    assert found.work_macs == found.cost.macs * (3 * 3 * 16 + DATASETS["digits"].test)


def test_the_estimate_says_what_cannot_be_built():
    with pytest.raises(BadConfig):
        estimate(Config(model="mgic_resnet20", width=6, coarsest_size=1))


def test_classes_and_channels_come_from_the_data_set():
    ten, hundred = (estimate(Config(**TINY, dataset=name)).cost.params for name in ("cifar10", "cifar100"))
    assert hundred - ten == 90 * (4 * 4 + 1)  # the head: 4 * width features and a bias each
