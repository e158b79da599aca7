"""What a training computes in, and that scores are float32 whatever that is."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mgic.data import Dataset, load
from mgic.data.batches import Batches, train_and_test
from mgic.errors import BadConfig, Cancelled
from mgic.tasks import Classifying
from mgic.training import Checkpoints, Hyperparameters, seeded, train
from mgic.training.precision import autocast, check_precision, exact_float32, grad_scaler
from mgic.training.scoring import collect
from tests.silent import SilentContext

CPU = torch.device("cpu")
HYPER = Hyperparameters(
    seed=0,
    epochs=6,
    max_steps=None,
    batch_size=50,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=1e-3,
    lr_step_epochs=30,
    schedule="cosine",
)


class Seen(nn.Module):
    """A convolutional network that keeps the formats its last layer answers in."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10))
        self.formats: dict[bool, set[torch.dtype]] = {True: set(), False: set()}

    def forward(self, x):
        answers = self.body(x)
        self.formats[self.training].add(answers.dtype)
        return answers


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Dataset:
    whole = load("digits", tmp_path_factory.mktemp("data"))
    return replace(whole, train_images=whole.train_images[:250], train_labels=whole.train_labels[:250])


def attempt(digits, tmp_path, hyper, context=None):
    with seeded(0, "weights"):
        model = Seen()
    context = context or SilentContext(tmp_path)
    kept = Checkpoints(context.checkpoints, repr(hyper))
    return train(model, *train_and_test(digits, CPU), hyper, Classifying(), context, kept), model


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_steps_are_in_the_precision_asked_for_and_scores_in_float32(digits, tmp_path, precision):
    ended, model = attempt(digits, tmp_path, replace(HYPER, precision=precision))
    assert model.formats == {True: {getattr(torch, precision)}, False: {torch.float32}}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert ended.scores.top1 > 75


def test_the_default_is_float32_to_the_bit(digits, tmp_path):
    plain = attempt(digits, tmp_path / "a", HYPER)[1]
    asked = attempt(digits, tmp_path / "b", replace(HYPER, precision="float32"))[1]
    other = attempt(digits, tmp_path / "c", replace(HYPER, precision="bfloat16"))[1]
    assert torch.equal(plain.body[4].weight, asked.body[4].weight)
    assert not torch.equal(plain.body[4].weight, other.body[4].weight)


class Stopped(SilentContext):
    def curve(self, name: str, step: int, value: float) -> None:
        super().curve(name, step, value)
        if name == "train/loss" and step >= 17:
            raise Cancelled


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_training_that_was_interrupted_ends_as_one_that_was_not(digits, tmp_path, precision):
    hyper = replace(HYPER, precision=precision)
    whole, expected = attempt(digits, tmp_path / "whole", hyper)
    with pytest.raises(Cancelled):
        attempt(digits, tmp_path / "cut", hyper, Stopped(tmp_path / "cut"))
    again, found = attempt(digits, tmp_path / "cut", hyper)
    assert again.resumed
    assert again.scores == whole.scores
    assert torch.equal(found.body[4].weight, expected.body[4].weight)


def test_only_float16_has_its_losses_scaled():
    enabled = {one: grad_scaler(CPU, one).is_enabled() for one in ("float32", "bfloat16", "float16")}
    assert enabled == {"float32": False, "bfloat16": False, "float16": True}


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_cpu_takes_all_three(precision):
    check_precision(precision, CPU)
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is getattr(torch, precision)


def test_a_gpu_without_bfloat16_refuses_it_by_name(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    with pytest.raises(BadConfig, match="precision=bfloat16") as raised:
        check_precision("bfloat16", torch.device("cuda"))
    assert [problem.pointer for problem in raised.value.problems] == ["precision"]
    check_precision("float16", torch.device("cuda"))


PLACES = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)


def test_float32_is_float32_on_a_gpu_too_and_afterwards_as_it_was():
    before = [place.fp32_precision for place in PLACES]
    seen = []

    def look(answers, targets):
        seen.append([place.fp32_precision for place in PLACES])

    pictures = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    split = Batches(pictures, torch.zeros(4, dtype=torch.int64), (0.0,), (1.0,), False, CPU)
    with exact_float32():
        assert [place.fp32_precision for place in PLACES] == ["ieee"] * 3
    collect(nn.Flatten(), split, 4, look)
    assert seen == [["ieee"] * 3]
    assert [place.fp32_precision for place in PLACES] == before
