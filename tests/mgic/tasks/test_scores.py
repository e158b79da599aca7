"""Errors and accuracies of made answers, counted by hand."""

import math

import pytest
import torch
from torch import nn

from mgic.errors import Diverged
from mgic.tasks import ClassifyingByClass, Fitting
from mgic.tasks.classification import mean_over_classes
from mgic.training.scoring import finite, predict


class Made:
    """Samples that are their own answers."""

    device = torch.device("cpu")

    def __init__(self, samples, targets):
        self.samples, self.targets = torch.tensor(samples), torch.tensor(targets)

    def __len__(self):
        return len(self.targets)

    def take(self, index, moves=None):
        return self.samples[index], self.targets[index]

    def stream(self, choices):
        return (self.take(index) for index, _ in choices)


def test_the_error_of_a_fit_by_hand():
    split = Made([[1.0], [2.0], [5.0], [0.0]], [[1.0], [0.0], [4.0], [0.0]])
    scores = Fitting(variance=2.5).score(nn.Identity(), split, 3).scores
    assert (scores.mse, scores.relative_mse, scores.max_error) == (1.25, 0.5, 2.0)
    assert Fitting(1.0).loss(split.samples, split.targets).item() == 1.25


def test_rare_classes_count_as_much_as_frequent_ones():
    """Three of class 0 right, one of class 2 wrong, none of class 1: 75 % overall, 50 % over classes."""
    logits = [[3.0, 0.0, 0.0]] * 4
    split = Made(logits, [0, 0, 0, 2])
    scores = ClassifyingByClass().score(nn.Identity(), split, 2).scores
    assert scores.top1 == 75
    assert scores.mean_class_accuracy == 50
    log_total = math.log(math.exp(3) + 2)
    assert scores.loss == pytest.approx((3 * (log_total - 3) + log_total) / 4)


def test_a_class_that_does_not_occur_has_no_share():
    right, labels = torch.tensor([True, False, True]), torch.tensor([1, 1, 3])
    assert mean_over_classes(right, labels) == pytest.approx(0.75)


@pytest.mark.parametrize("objective", [Fitting(1.0), ClassifyingByClass()])
def test_an_answer_that_is_no_number_ends_it(objective):
    targets = [[0.0], [0.0]] if isinstance(objective, Fitting) else [0, 0]
    with pytest.raises(Diverged):
        objective.score(nn.Identity(), Made([[math.nan], [1.0]], targets), 2)


def test_predicting_leaves_the_mode_and_takes_the_last_short_batch():
    model = nn.Dropout(0.5).train()
    outputs, targets = predict(model, Made([[1.0], [2.0], [3.0]], [1, 2, 3]), 2)
    assert model.training
    assert outputs.tolist() == [[1.0], [2.0], [3.0]]
    assert targets.tolist() == [1, 2, 3]


def test_a_loss_that_is_no_number_is_not_said_to_be_of_the_test_set():
    """Samples that are held out are scored by the same function."""
    assert finite(0.5, "loss") == 0.5
    with pytest.raises(Diverged, match=r"^the loss is nan$"):
        finite(float("nan"), "loss")
