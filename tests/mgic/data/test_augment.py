"""Crops and mirrorings, against the definition written out for one image at a time."""

import pytest
import torch
from torch.nn import functional

from mgic.data.augment import apply, draw, padding_for


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("side", "padding"), [(32, 4), (8, 1), (28, 3), (4, 0)])
def test_padding_is_in_proportion_to_the_side(side, padding):
    assert padding_for(side) == padding


def test_each_image_is_cut_out_of_its_padded_self_and_mirrored():
    images = torch.randint(0, 256, (16, 3, 8, 8), dtype=torch.uint8, generator=generator(0))
    moves = draw(16, 2, True, generator(1))
    moved = apply(images, moves, 2)
    for image, (down, right, mirrored), found in zip(images, moves.tolist(), moved, strict=True):
        expected = functional.pad(image, [2] * 4)[:, down : down + 8, right : right + 8]
        assert torch.equal(found, expected.flip(2) if mirrored else expected)
    assert moved.dtype == torch.uint8


def test_the_middle_offset_leaves_an_image_as_it_is():
    images = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8, generator=generator(0))
    assert torch.equal(apply(images, torch.tensor([[1, 1, 0], [1, 1, 0]]), 1), images)


def test_no_padding_still_mirrors():
    images = torch.arange(4).view(1, 1, 2, 2)
    assert apply(images, torch.tensor([[0, 0, 1]]), 0).flatten().tolist() == [1, 0, 3, 2]


def test_all_offsets_occur_and_half_the_images_are_mirrored():
    moves = draw(9000, 1, True, generator(2))
    counts = (moves[:, 0] * 3 + moves[:, 1]).bincount(minlength=9)
    assert counts.min() > 850  # expected 1000, standard deviation 30
    assert 4200 < moves[:, 2].sum() < 4800


def test_without_flip_nothing_is_mirrored_and_the_offsets_are_the_same():
    with_flip, without = draw(50, 1, True, generator(3)), draw(50, 1, False, generator(3))
    assert without[:, 2].sum() == 0
    assert torch.equal(with_flip[:, :2], without[:, :2])


def test_the_same_generator_state_gives_the_same_moves():
    assert torch.equal(draw(20, 4, True, generator(4)), draw(20, 4, True, generator(4)))
    assert not torch.equal(draw(20, 4, True, generator(4)), draw(20, 4, True, generator(5)))
