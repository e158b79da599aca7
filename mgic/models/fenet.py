"""FE-Net: 1x1 convolutions and a few shifts that are learned (table 8 of the MGIC paper).

Paper: Chen et al., "All You Need is a Few Shifts: Designing Efficient Convolutional Neural Networks for Image
Classification", CVPR 2019, https://arxiv.org/abs/1903.05285; the layers are those of the network its authors
released, github.com/hikvision-research/SparseShiftLayer, read for facts only.
"""

import torch
from torch import Tensor, nn

from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import WidthMult

HEAD = 1380  # channels of the last 1x1 convolution at width 1


class SparseShift(nn.Module):
    """Move each channel by its own, learned, whole number of pixels.

    Pixel (y, x) of channel c of the output is pixel (y + round(a_c), x + round(b_c)) of the input, and 0 where
    the input has none. Backwards, rounding is left out for the displacement: its gradient is that of bilinear
    interpolation at (a_c, b_c). The input's gradient is moved back by the rounded one.

    `displacement`, of shape (2, channels), starts as the nine moves of at most one pixel, each for an equal
    number of channels, and 0 for the rest; the authors' code spreads its start over fractions as well.
    What makes it sparse in the paper, a multiple of the sum of absolute displacements in the loss, is not here: no
    training adds it, and the multiple could not be found.

    Shape:
        (batch, channels, height, width) -> the same.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        group = channels // 9
        moves = torch.tensor([(down, right) for down in (-1.0, 0.0, 1.0) for right in (-1.0, 0.0, 1.0)])
        start = torch.cat((moves.repeat_interleave(group, dim=0), torch.zeros(channels - 9 * group, 2)))
        self.displacement = nn.Parameter(start.T.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        down, right = self.displacement.detach().round().long().unbind()
        moved = _move(_move(x, down, 2), right, 3)
        if self.training and torch.is_grad_enabled():
            smooth = self._interpolated(x.detach())
            moved = moved + (smooth - smooth.detach())  # adds nothing but the displacement's gradient
        return moved

    def _interpolated(self, x: Tensor) -> Tensor:
        for dim, offset in zip((2, 3), self.displacement, strict=True):
            below = offset.detach().floor()
            share = (offset - below).view(1, -1, 1, 1)
            whole = below.long()
            x = (1 - share) * _move(x, whole, dim) + share * _move(x, whole + 1, dim)
        return x


class ShiftUnit(nn.Module):
    """1x1 convolution - BatchNorm - ReLU - shift - 1x1 convolution - BatchNorm, and the input added if wanted.

    Args:
        channels_in: Width of the input.
        channels_out: Width of the output.
        expansion: Width in between, as a multiple of `channels_in`.
        pool: 2x2 average pooling in place of the shift, which halves the resolution, rounded down.
        residual: Whether the input is added.

    Cost:
        expansion * channels_in * (channels_in + channels_out) multiply-accumulates a pixel without pooling.
    """

    def __init__(
        self, channels_in: int, channels_out: int, expansion: int, *, pool: bool = False, residual: bool = False
    ) -> None:
        super().__init__()
        hidden = expansion * channels_in
        self.residual = residual
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2) if pool else SparseShift(hidden),
            nn.Conv2d(hidden, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return x + y if self.residual else y


class FEBlock(nn.Module):
    """Work on the last few channels, then on twice as many, and so on up to all of them.

    A block of n units splits the input into 1/2, 1/4, ..., 1/2^(n-1) and another 1/2^(n-1) of its channels.
    The first unit sees the last part, each next one also the part before. All but the last unit add their input.

    Args:
        channels_in: Width of the input, a multiple of 2^(units - 1).
        channels_out: Width of the output.
        units: Number of units, at least 2.
        pool: Whether the last unit halves the resolution.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels_out, height, width) or, pooled, half of both.
    """

    def __init__(self, channels_in: int, channels_out: int, units: int, *, pool: bool) -> None:
        super().__init__()
        narrower = [channels_in >> halvings for halvings in range(1, units)]
        self.parts = [*narrower, narrower[-1]]
        self.inner = nn.ModuleList(ShiftUnit(width, width, 6, residual=True) for width in reversed(narrower))
        self.outer = ShiftUnit(channels_in, channels_out, 6, pool=pool)

    def forward(self, x: Tensor) -> Tensor:
        *waiting, y = torch.split(x, self.parts, dim=1)
        for unit in self.inner:
            y = torch.cat((waiting.pop(), unit(y)), dim=1)
        mixed: Tensor = self.outer(y)
        return mixed


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def fe_net(*, width_mult: WidthMult = 1.0, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """FE-Net 1.0x, or another width: blocks of 1x1 convolutions and sparse shift layers.

    The stem has 16 * `width_mult` channels, rounded to an even number; all widths but the last, 1380 times
    `width_mult`, are that times a power of two.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); 224x224 in the paper, at least 32x32.

    Cost:
        3.54 million parameters and 299.7 million multiply-accumulates; printed are 3.7 and 301. At
        width_mult=1.375 5.96 and 563.1; printed are 5.9 and 563. This is with units that widen their input
        sixfold. In the released code they widen to six times their output, which differs where the
        resolution falls: at 3.9 million and 410 million, not what is printed for it. The 1380 channels are from
        the log of its training; that of width 1.375 has 1932 channels, for 563.7 million.
    """
    width = max(2, 2 * round(8 * width_mult))
    last = max(1, round(HEAD * width_mult))
    network = nn.Sequential()
    network.add_module(
        "stem",
        nn.Sequential(
            nn.Conv2d(in_channels, width, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            ShiftUnit(width, width, 4),
            ShiftUnit(width, 2 * width, 5, pool=True),
        ),
    )
    network.add_module(
        "stages",
        nn.Sequential(
            FEBlock(2 * width, 4 * width, 3, pool=True),
            FEBlock(4 * width, 8 * width, 4, pool=True),
            FEBlock(8 * width, 8 * width, 4, pool=False),
            FEBlock(8 * width, 16 * width, 4, pool=True),
            FEBlock(16 * width, 16 * width, 3, pool=False),
            nn.Conv2d(16 * width, last, 1, bias=False),
            nn.BatchNorm2d(last),
            nn.ReLU(inplace=True),
        ),
    )
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2)))
    network.add_module("head", nn.Linear(last, num_classes))
    init_weights(network)
    return network


def _move(x: Tensor, offset: Tensor, dim: int) -> Tensor:
    """Pixel i of the output along `dim` is pixel i + offset of the input, 0 outside; one whole offset a channel."""
    size = x.shape[dim]
    position = torch.arange(size, device=x.device) + offset[:, None]
    shape = (1, -1, size, 1) if dim == 2 else (1, -1, 1, size)
    inside = ((position >= 0) & (position < size)).to(x.dtype)
    index = position.clamp(0, size - 1).view(shape).expand_as(x)
    return x.gather(dim, index) * inside.view(shape)
