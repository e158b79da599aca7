"""What a network gets to see."""

import pytest
import torch

from mgic.data import load
from mgic.data.augment import apply
from mgic.data.batches import Batches, train_and_test

CPU = torch.device("cpu")


def test_images_are_normalised_with_the_mean_and_std_of_the_set(tmp_path):
    digits = load("digits", tmp_path)
    train, test = train_and_test(digits, CPU)
    expected = (digits.test_images.float() / 255 - digits.mean[0]) / digits.std[0]
    images, labels = test.take(slice(0, len(test)))
    assert torch.allclose(images, expected, atol=1e-6)
    assert torch.equal(labels, digits.test_labels)
    assert len(train) == 1437


def test_each_channel_has_its_own_mean_and_std():
    pixels = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    pixels[:, 1], pixels[:, 2] = 51, 255
    split = Batches(pixels, torch.tensor([0]), (0.0, 0.2, 0.5), (1.0, 0.5, 0.25), False, CPU)
    images, _ = split.take(slice(0, 1))
    assert images.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.0, 0.0, 2.0], abs=1e-6)


def test_images_are_taken_by_index_and_moved_before_they_are_normalised(tmp_path):
    digits = load("digits", tmp_path)
    split, _ = train_and_test(digits, CPU)
    moves = split.draw(torch.Generator().manual_seed(0))
    index = torch.tensor([7, 3, 1000])
    images, labels = split.take(index, moves[index])
    moved = apply(digits.train_images[index], moves[index], 1)
    assert torch.allclose(images, (moved.float() / 255 - digits.mean[0]) / digits.std[0], atol=1e-6)
    assert torch.equal(labels, digits.train_labels[index])


@pytest.mark.parametrize("flip", [True, False])
def test_only_a_set_that_allows_it_is_mirrored(flip):
    split = Batches(torch.zeros(64, 1, 8, 8), torch.zeros(64), (0.0,), (1.0,), flip, CPU)
    assert bool(split.draw(torch.Generator().manual_seed(0))[:, 2].any()) is flip
