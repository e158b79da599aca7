"""Somebody else's data: pictures of stripes, upright or lying, under noise."""

import torch

from mgic.data.batches import Batches

SIDE = 8
TRAIN, TEST = 96, 64


def stripes(count: int, seed: int, device: torch.device) -> Batches:
    """As many of one kind as of the other."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 2
    wave = (torch.arange(SIDE) % 2 * 100).expand(SIDE, SIDE)
    noise = torch.randint(0, 100, (count, SIDE, SIDE), generator=generator)
    pixels = torch.where(labels[:, None, None] == 0, wave, wave.T) + noise
    return Batches(pixels[:, None].to(torch.uint8), labels, (0.4,), (0.2,), False, device)
