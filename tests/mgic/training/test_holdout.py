"""Which samples are held out, and that what is left is learnt from as in the whole."""

import pytest
import torch

from mgic.data.batches import Batches
from mgic.training import Portion, generator, held_out, set_aside

CPU = torch.device("cpu")


@pytest.mark.parametrize(("samples", "share", "held"), [(10, 0.0, 0), (10, 0.2, 2), (10, 0.01, 1), (7, 0.5, 4)])
def test_so_many_are_held_out(samples, share, held):
    assert held_out(samples, share) == held


def test_every_sample_is_on_one_side_and_in_order():
    kept, held = set_aside(50, 0.3, 0, None)
    assert (len(kept), len(held)) == (35, 15)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(50))
    assert kept.tolist() == sorted(kept.tolist())
    assert held.tolist() == sorted(held.tolist())


def test_the_seed_decides_which():
    first, again, other = (set_aside(50, 0.3, seed, None)[1].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_each_class_is_held_out_in_proportion():
    labels = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)[torch.randperm(100, generator=generator(0, "mix"))]
    _, held = set_aside(100, 0.2, 5, labels)
    assert labels[held].bincount().tolist() == [12, 6, 2]


def test_of_classes_that_do_not_divide_as_many_as_whole_samples_allow():
    labels = torch.arange(33) % 11  # three of each, and 6.6 of the 33 held out
    _, held = set_aside(33, 0.2, 0, labels)
    assert len(held) == 7
    assert labels[held].bincount(minlength=11).max() == 1


def test_a_portion_hands_out_its_samples_altered_as_in_the_whole():
    images = torch.arange(6, dtype=torch.uint8)[:, None, None, None].expand(6, 1, 8, 8).clone()
    images[:, :, 0] = 200
    whole = Batches(images, torch.arange(6), (0.0,), (1 / 255,), True, CPU)
    portion = Portion(whole, torch.tensor([1, 3, 5]))
    moves, all_moves = portion.draw(generator(0, "x")), whole.draw(generator(0, "x"))
    assert torch.equal(moves, all_moves[[1, 3, 5]])
    pixels, labels = portion.take(torch.tensor([2, 0]), moves[[2, 0]])
    expected, _ = whole.take(torch.tensor([5, 1]), all_moves[[5, 1]])
    assert labels.tolist() == [5, 1]
    assert torch.equal(pixels, expected)
    ((_, streamed),) = portion.stream([(slice(1, 3), None)])
    assert (len(portion), streamed.tolist()) == (3, [3, 5])
