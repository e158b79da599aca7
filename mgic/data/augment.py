"""Random crops and mirrorings of whole batches, the same on every device.

All draws are made on the CPU from the generator given, an epoch at a time; what runs on the
device is one gather, so a GPU never waits for a random number.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional


def padding_for(side: int) -> int:
    """Pixels to pad on each border: 4 at 32, as in He et al. 2016, and in proportion elsewhere; 1 at 8."""
    return side // 8


def draw(count: int, padding: int, flip: bool, generator: Generator) -> Tensor:
    """How each of `count` images is to be moved.

    Shape:
        -> (count, 3): offsets down and right, 0 to 2 * padding, and 1 where the image is mirrored.
    """
    offsets = torch.randint(0, 2 * padding + 1, (count, 2), generator=generator)
    mirrored = torch.randint(0, 2, (count, 1), generator=generator)
    return torch.cat((offsets, mirrored if flip else torch.zeros_like(mirrored)), dim=1)


def apply(images: Tensor, moves: Tensor, padding: int) -> Tensor:
    """Pad with zeros, cut each image out where `moves` says, mirror those it names.

    Shape:
        (batch, channels, height, width), (batch, 3) -> (batch, channels, height, width)
    """
    batch, _, height, width = images.shape
    if padding:
        windows = functional.pad(images, [padding] * 4).unfold(2, height, 1).unfold(3, width, 1)
        # (batch, channels, 2 * padding + 1, 2 * padding + 1, height, width), a view of the padded images
        images = windows[torch.arange(batch, device=images.device), :, moves[:, 0], moves[:, 1]]
    return torch.where(moves[:, 2].bool()[:, None, None, None], images.flip(3), images)
