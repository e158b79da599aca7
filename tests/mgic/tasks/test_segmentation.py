"""Intersections over unions of made answers, counted by hand."""

import math

import pytest
import torch
from torch import nn

from mgic.errors import Diverged
from mgic.tasks.segmentation import Confusion, Segmenting

IGNORED = 255


class Made:
    """Pictures that are their own answers."""

    device = torch.device("cpu")

    def __init__(self, answers, masks):
        self.masks = torch.tensor(masks)
        self.scores = 4.0 * nn.functional.one_hot(torch.tensor(answers), 4).permute(0, 3, 1, 2).float()

    def __len__(self):
        return len(self.masks)

    def stream(self, choices):
        return ((self.scores[index], self.masks[index]) for index, _ in choices)


# Class 0 has 5 pixels, of which 3 are found; class 1 has 2, found both, and takes 2 of class 0; class 3 has 1, which is
# taken for 0; class 2 occurs nowhere; one pixel does not count.
MASKS = [[[0, 0, 0]], [[0, 0, 1]], [[1, 3, IGNORED]]]
ANSWERS = [[[0, 0, 1]], [[0, 1, 1]], [[1, 0, 2]]]


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_pixels_are_counted_over_all_batches(batch_size):
    found = Segmenting(4, IGNORED).confusion(nn.Identity(), Made(ANSWERS, MASKS), batch_size)
    assert found.counts.tolist() == [[3, 2, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]]
    assert found.iou.tolist() == pytest.approx([3 / 6, 2 / 4, 0, 0])
    assert found.miou == pytest.approx((3 / 6 + 2 / 4 + 0) / 3), "class 2 does not occur, class 3 does"
    assert found.accuracy == 5 / 8
    log_total = math.log(math.exp(4) + 3)
    assert found.loss == pytest.approx((5 * (log_total - 4) + 3 * log_total) / 8)


def test_the_mean_is_not_that_of_batches():
    """Of the first picture all is right, of the second nothing: a mean of means would be 50 %."""
    split = Made([[[0, 0, 0]], [[1, 1, 1]]], [[[0, 0, 0]], [[0, 0, 1]]])
    scores = Segmenting(4, IGNORED).score(nn.Identity(), split, 1).scores
    assert scores.miou == pytest.approx(100 * (3 / 5 + 1 / 3) / 2)
    assert scores.pixel_accuracy == pytest.approx(100 * 4 / 6)


def test_the_most_frequent_class_everywhere_is_what_a_network_has_to_beat():
    counts = torch.tensor([[3, 2, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    found = Confusion(counts, torch.zeros(4), 0.0)
    assert found.constant_accuracy == 5 / 8
    assert found.constant_miou == pytest.approx((5 / 8) / 3)


def test_pixels_that_do_not_count_are_not_in_the_loss():
    output = torch.tensor([[[[2.0, 0.0]], [[0.0, 0.0]]]])
    objective = Segmenting(2, IGNORED)
    assert objective.loss(output, torch.tensor([[[0, IGNORED]]])).item() == pytest.approx(math.log(1 + math.exp(-2)))
    assert objective.loss(output, torch.full((1, 1, 2), IGNORED)).item() == 0


def test_a_smaller_piece_is_tested_in_smaller_batches():
    sizes = []

    class Seen(nn.Module):
        def forward(self, x):
            sizes.append(len(x))
            return x

    Segmenting(4, IGNORED, piece=0.5).confusion(Seen(), Made(ANSWERS, MASKS), 4)
    assert sizes == [2, 1]


def test_an_answer_that_is_no_number_ends_it():
    split = Made(ANSWERS, MASKS)
    split.scores[0, 0, 0, 0] = math.nan
    with pytest.raises(Diverged):
        Segmenting(4, IGNORED).score(nn.Identity(), split, 2)
