"""Streams that depend on the seed and their name, and on nothing else."""

import torch

from mgic.training import derive, generator, seeded


def test_every_seed_and_every_use_has_a_stream_of_its_own():
    paths = [("weights",), ("order", 0), ("order", 1), ("augmentation", 0)]
    seeds = {derive(seed, *path) for seed in (0, 1, 2**32 - 1) for path in paths}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_derivation_is_pinned():
    # Another value here means that every stored result has other weights than a repetition would.
    assert derive(0, "weights") == 5147875554478041081


def test_drawing_from_one_stream_leaves_the_others_alone():
    first = torch.randperm(10, generator=generator(7, "order", 0))
    torch.rand(100)
    assert torch.equal(first, torch.randperm(10, generator=generator(7, "order", 0)))


def test_seeded_puts_the_global_generator_back():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with seeded(0, "weights"):
        inside = torch.rand(4)
    assert torch.equal(torch.rand(4), expected)
    with seeded(0, "weights"):
        assert torch.equal(torch.rand(4), inside)
