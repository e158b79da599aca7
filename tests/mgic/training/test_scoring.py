"""Better than a guess, or not: gains whose mean and error are known, and networks that have learnt nothing."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mgic.data import load
from mgic.data.batches import Batches, train_and_test
from mgic.tasks import Classifying, Fitting, Segmenting
from mgic.training import Hyperparameters, seeded, train
from mgic.training.scoring import LOSS_BOUND, Scored, caution, shares
from tests.silent import SilentContext

CPU = torch.device("cpu")


def scored(*gains, loss=1.0, constant_loss=1.0) -> Scored[None]:
    return Scored(None, loss, constant_loss, tuple(torch.tensor(one) for one in gains))


def test_a_mean_gain_beyond_its_error_is_better():
    """10 gains of mean 0.3 and deviation 0.483: t = 1.964; Student's 9 degrees ask 2.821 at 1 %."""
    gains = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert not scored(gains).beats_constant(1)
    gains[3:6] = [1.0, 1.0, 1.0]  # mean 0.6, deviation 0.516: t = 3.674
    assert scored(gains).beats_constant(1)
    assert not scored(gains).beats_constant(10), "4.297 at 0.1 %"


def test_two_measures_share_the_risk_and_one_of_them_is_enough():
    """t = 3 for 9 degrees: more than the 2.821 of 1 %, less than the 3.250 of a half of that."""
    spread = [-1.0, 1.0] * 5
    deviation = math.sqrt(10 / 9)
    gains = [3 * deviation / math.sqrt(10) + one for one in spread]
    assert scored(gains).beats_constant(1)
    assert not scored(gains, spread).beats_constant(1)
    assert scored([1.0, 0.9, 1.1, 1.0], [-1.0, -1.0, -1.0, -1.0]).beats_constant(1)


def test_one_sample_and_worse_answers_tell_nothing():
    assert not scored([5.0]).beats_constant(1)
    assert not scored([-1.0, -1.0, -1.1, -0.9]).beats_constant(1)


def test_what_is_said():
    fine = scored([1.0])
    assert caution(fine, True) is None
    assert str(caution(fine, False)).endswith("no better than guessing.")
    ran_away = scored([1.0], loss=3.5e19, constant_loss=2.3)
    assert "3.5e+19 is more than 1000 times the 2.3" in str(caution(ran_away, True))
    assert caution(scored([1.0], loss=LOSS_BOUND * 2.0, constant_loss=2.0), True) is None


def test_no_class_is_taken_for_impossible():
    assert shares(torch.tensor([3, 0])).tolist() == [3.5 / 4, 0.5 / 4]


def split(labels: list[int], classes: int, right: int) -> Batches:
    """Pictures that hold their own logits: of the first `right` the class itself is the answer, else the next."""
    answers = [label if at < right else (label + 1) % classes for at, label in enumerate(labels)]
    logits = 4 * nn.functional.one_hot(torch.tensor(answers), classes).to(torch.uint8)
    return Batches(logits[:, None, None, :], torch.tensor(labels), (0.0,), (1 / 255,), False, CPU)


def test_a_classifier_is_held_against_the_shares_of_the_training_classes():
    """Three quarters of what was learnt from are of class 0; of what is scored one half is."""
    labels = torch.tensor([0] * 75 + [1] * 25)
    found = Classifying(labels=labels).score(nn.Flatten(), split([0, 1] * 10, 2, 20), 8)
    constant = -(math.log(75.5 / 101) + math.log(25.5 / 101)) / 2
    assert found.constant_loss == pytest.approx(constant)
    hits, losses = found.gains
    assert hits.tolist() == [0.0, 1.0] * 10, "it answers 0 always: right of class 0, wrong of class 1"
    own = math.log(1 + math.exp(-4))
    assert losses[:2].tolist() == pytest.approx([-math.log(75.5 / 101) - own, -math.log(25.5 / 101) - own], rel=1e-6)


def test_without_them_against_the_shares_of_what_is_scored():
    found = Classifying().score(nn.Flatten(), split([0, 0, 0, 1], 2, 4), 4)
    assert found.constant_loss == pytest.approx(-(3 * math.log(3.5 / 5) + math.log(1.5 / 5)) / 4)


class Values:
    """Points whose samples are the answers."""

    device = CPU

    def __init__(self, answers, targets):
        self.answers, self.targets = torch.tensor(answers)[:, None], torch.tensor(targets)[:, None]

    def __len__(self):
        return len(self.targets)

    def stream(self, choices):
        return ((self.answers[index], self.targets[index]) for index, _ in choices)


def test_a_fit_is_held_against_the_mean():
    """Targets 0, 0, 4, 4 about 2: the mean is off by 4 everywhere; answers are off by 1, 0, 0 and 3."""
    found = Fitting(4.0).score(nn.Identity(), Values([1.0, 0.0, 4.0, 1.0], [0.0, 0.0, 4.0, 4.0]), 4)
    assert (found.loss, found.constant_loss) == (2.5, 4.0)
    assert found.gains[0].tolist() == [3.0, 4.0, 4.0, -5.0]


class Masks:
    """Pictures of one row whose samples are the answers."""

    device = CPU

    def __init__(self, answers, masks):
        self.masks = torch.tensor(masks)[:, None]
        self.answers = 3.0 * nn.functional.one_hot(torch.tensor(answers), 2).permute(0, 2, 1)[:, :, None].float()

    def __len__(self):
        return len(self.masks)

    def stream(self, choices):
        return ((self.answers[index], self.masks[index]) for index, _ in choices)


def test_pixels_are_held_against_the_most_frequent_class_picture_by_picture():
    """5 of 7 pixels are of class 0. Right are 3 of 4 and 3 of 3, where class 0 alone gets 3 of 4 and 2 of 3."""
    pictures = Masks([[0, 0, 0, 0], [0, 0, 1, 1]], [[0, 0, 0, 1], [0, 0, 1, 255]])
    found = Segmenting(2, 255).score(nn.Identity(), pictures, 1)
    assert found.gains[0].tolist() == pytest.approx([0.0, 1 / 3])
    often, seldom = -math.log(5.5 / 8), -math.log(2.5 / 8)
    assert found.constant_loss == pytest.approx((5 * often + 2 * seldom) / 7)
    right = math.log(1 + math.exp(-3))
    own = [(3 * right + right + 3) / 4, right]
    constant = [(3 * often + seldom) / 4, (2 * often + seldom) / 3]
    assert found.gains[1].tolist() == pytest.approx([b - a for a, b in zip(own, constant, strict=True)], rel=1e-5)


HYPER = Hyperparameters(
    seed=0,
    epochs=3,
    max_steps=None,
    batch_size=50,
    learning_rate=0.05,
    momentum=0.9,
    weight_decay=0.0,
    lr_step_epochs=30,
)


def trained(tmp_path, hyper: Hyperparameters, spoil: bool = False):
    """A linear classifier of digits; with `spoil`, of labels that have nothing to do with them."""
    digits = load("digits", tmp_path)
    labels = digits.train_labels[:250]
    if spoil:
        labels = labels[torch.randperm(250, generator=torch.Generator().manual_seed(0))]
    digits = replace(digits, train_images=digits.train_images[:250], train_labels=labels)
    with seeded(0, "weights"):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    return train(model, *train_and_test(digits, CPU), hyper, Classifying(labels=labels), SilentContext(tmp_path))


def test_a_network_that_learns_is_not_flagged(tmp_path):
    assert trained(tmp_path, HYPER).caution is None


def test_a_network_that_learnt_noise_is(tmp_path):
    ended = trained(tmp_path, replace(HYPER, epochs=20), spoil=True)
    assert str(ended.caution).endswith("no better than guessing.")


def test_a_network_that_was_good_and_ran_away_is(tmp_path):
    """A linear classifier orders digits well at any rate; its loss grows with the rate."""
    ended = trained(tmp_path, replace(HYPER, learning_rate=1e5))
    assert ended.scores.top1 > 70
    assert "the training ran away" in str(ended.caution)
