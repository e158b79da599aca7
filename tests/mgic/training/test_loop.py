"""The loop against a bare one, and what it does with seeds, steps and curves."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from mgic.data import Dataset, load
from mgic.data.batches import train_and_test
from mgic.errors import Cancelled, Diverged
from mgic.tasks import Classifying
from mgic.training import Hyperparameters, generator, seeded, train
from tests.silent import SilentContext

CPU = torch.device("cpu")
HYPER = Hyperparameters(
    seed=0,
    epochs=2,
    max_steps=None,
    batch_size=100,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=1e-3,
    lr_step_epochs=1,
    augment=False,
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Dataset:
    whole = load("digits", tmp_path_factory.mktemp("data"))
    return replace(whole, train_images=whole.train_images[:250], train_labels=whole.train_labels[:250])


def network(seed: int = 0) -> nn.Module:
    with seeded(seed, "weights"):
        return nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(288, 10)
        )


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


def trained(digits: Dataset, tmp_path, hyper: Hyperparameters = HYPER, model: nn.Module | None = None, context=None):
    model = model or network(hyper.seed)
    context = context or SilentContext(tmp_path)
    return train(model, *train_and_test(digits, CPU), hyper, Classifying(), context), weights(model), context


def test_it_is_sgd_with_momentum_and_decay_written_out(digits, tmp_path):
    """Without dropout, so that a loop written from the formulas must arrive at the same weights."""
    model, mine = (nn.Sequential(nn.Flatten(), nn.Linear(64, 10)) for _ in range(2))
    mine.load_state_dict(model.state_dict())
    trained(digits, tmp_path, model=model)

    velocity = [torch.zeros_like(p) for p in mine.parameters()]
    pixels = (digits.train_images.float() / 255 - digits.mean[0]) / digits.std[0]
    for epoch, rate in enumerate((0.05, 0.005)):
        order = torch.randperm(250, generator=generator(0, "order", epoch))
        for index in order.split(100):
            mine.zero_grad()
            functional.cross_entropy(mine(pixels[index]), digits.train_labels[index]).backward()
            with torch.no_grad():
                for p, v in zip(mine.parameters(), velocity, strict=True):
                    v.mul_(0.9).add_(p.grad + 1e-3 * p)
                    p.sub_(rate * v)
    assert torch.allclose(weights(model), weights(mine), atol=1e-5)


@pytest.mark.parametrize("augment", [False, True])
def test_the_same_seed_gives_the_same_weights_bit_for_bit(digits, tmp_path, augment):
    hyper = replace(HYPER, augment=augment)
    torch.rand(5)  # what was drawn before must not matter
    first = trained(digits, tmp_path, hyper)[1]
    torch.rand(11)
    assert torch.equal(first, trained(digits, tmp_path, hyper)[1])


def test_the_seed_decides_order_augmentation_and_dropout_too(digits, tmp_path):
    start = network(0)
    plain, other = (network(0) for _ in range(2))
    assert torch.equal(weights(start), weights(plain))
    first = trained(digits, tmp_path, HYPER, plain)[1]
    assert not torch.equal(first, trained(digits, tmp_path, replace(HYPER, seed=1), other)[1])


def test_augmentation_changes_what_is_learnt(digits, tmp_path):
    plain = trained(digits, tmp_path)[1]
    assert not torch.equal(plain, trained(digits, tmp_path, replace(HYPER, augment=True))[1])


def test_counts_of_steps_epochs_and_images(digits, tmp_path):
    whole = trained(digits, tmp_path)[0]
    assert (whole.steps, whole.epochs, whole.images) == (6, 2, 500)
    cut = trained(digits, tmp_path, replace(HYPER, max_steps=4))[0]
    assert (cut.steps, cut.epochs, cut.images) == (4, 1, 350)
    assert cut.seconds > 0


def test_max_steps_stops_where_the_longer_training_passed(digits, tmp_path):
    at_epoch = trained(digits, tmp_path, replace(HYPER, epochs=1))[1]
    assert torch.equal(at_epoch, trained(digits, tmp_path, replace(HYPER, max_steps=3))[1])


def test_it_learns(digits, tmp_path):
    hyper = replace(HYPER, epochs=8, lr_step_epochs=30)
    assert trained(digits, tmp_path, hyper)[0].scores.top1 > 80


def test_curves_have_a_score_an_epoch_and_losses_that_end_with_it(digits, tmp_path):
    _, _, context = trained(digits, tmp_path)
    assert [step for step, _ in context.curves["test/top1"]] == [3, 6]
    assert [step for step, _ in context.curves["train/loss"]] == [1, 2, 3, 4, 5, 6]
    assert context.curves["train/loss"][0][1] == pytest.approx(2.3, abs=0.5)  # ln 10 before anything is learnt


def test_a_long_training_reports_one_loss_an_epoch_the_mean_over_it(digits, tmp_path):
    hyper = replace(HYPER, epochs=101, batch_size=125, learning_rate=1e-9)
    _, _, context = trained(digits, tmp_path, hyper, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    assert [step for step, _ in context.curves["train/loss"]] == list(range(2, 203, 2))
    # Nothing is learnt and the batches are equal, so the mean over the images is the same in all epochs.
    losses = [loss for _, loss in context.curves["train/loss"]]
    assert max(losses) - min(losses) < 1e-4


def test_progress_rises_to_one_and_is_not_told_at_every_step(digits, tmp_path):
    _, _, context = trained(digits, tmp_path, replace(HYPER, batch_size=10, epochs=2))
    assert all(before <= after for before, after in itertools.pairwise(context.progress))
    assert context.progress[-1] == 1
    assert 5 <= len(context.progress) <= 8  # of 50 steps
    assert context.phases == ["training", "evaluating"]


def test_cancelling_ends_it_at_the_next_report(digits, tmp_path):
    context = SilentContext(tmp_path, cancel_at=0.3)
    with pytest.raises(Cancelled):
        train(network(), *train_and_test(digits, CPU), replace(HYPER, batch_size=10, epochs=4), Classifying(), context)
    assert context.progress[-1] < 0.5


def test_a_loss_that_is_no_number_ends_it_before_the_weights_are_touched(digits, tmp_path):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.constant_(model[1].bias, float("nan"))
    before = model[1].weight.detach().clone()
    with pytest.raises(Diverged, match="at step 1"):
        train(model, *train_and_test(digits, CPU), HYPER, Classifying(), SilentContext(tmp_path))
    assert torch.equal(model[1].weight, before)
