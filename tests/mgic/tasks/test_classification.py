"""Scores, against logits whose ranks are known."""

import math

import pytest
import torch
from torch import nn

from mgic.data.batches import Batches
from mgic.errors import Diverged
from mgic.tasks import Classifying


class Echo(nn.Module):
    """Answers with what the image holds: (batch, 1, 1, classes) -> (batch, classes)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def split(logits: torch.Tensor, labels: list[int]) -> Batches:
    # mean 0 and std 1/255 keep the values of the bytes
    return Batches(logits[:, None, None, :], torch.tensor(labels), (0.0,), (1 / 255,), False, torch.device("cpu"))


def ranked(classes: int) -> torch.Tensor:
    return torch.arange(classes, dtype=torch.uint8).repeat(4, 1)  # the last class wins, then the one before


def test_top1_and_top5_are_per_cent_over_all_batches():
    scores = Classifying().score(Echo(), split(ranked(8), [7, 6, 3, 2]), 3).scores
    assert (scores.top1, scores.top5) == (25.0, 75.0)


def test_top5_is_100_up_to_five_classes():
    scores = Classifying().score(Echo(), split(ranked(3), [2, 1, 0, 0]), 4).scores
    assert (scores.top1, scores.top5) == (25.0, 100.0)


def test_balanced_accuracy_is_the_mean_over_classes_that_occur():
    """Three of class 7, of which all are right, and one of class 3, which is wrong."""
    scores = Classifying().score(Echo(), split(ranked(8), [7, 7, 7, 3]), 3).scores
    assert (scores.top1, scores.balanced_accuracy) == (75.0, 50.0)


def test_the_loss_is_the_mean_over_images_and_not_over_batches():
    logits = torch.tensor([[0, 0], [0, 0], [0, 10]], dtype=torch.uint8)
    scores = Classifying().score(Echo(), split(logits, [0, 1, 0]), 2).scores
    assert scores.loss == pytest.approx((2 * math.log(2) + math.log(1 + math.exp(10))) / 3, rel=1e-6)


def test_dropout_is_off_while_scoring_and_the_mode_is_put_back():
    model = nn.Sequential(Echo(), nn.Dropout(0.9))
    assert Classifying().score(model, split(ranked(8), [7] * 4), 2).scores.top1 == 100
    assert model.training
    assert model[1].training


def test_a_loss_that_is_no_number_is_divergence():
    model = nn.Sequential(Echo(), nn.BatchNorm1d(8))
    nn.init.constant_(model[1].weight, math.nan)
    with pytest.raises(Diverged, match="nan"):
        Classifying().score(model, split(ranked(8), [7] * 4), 2)
