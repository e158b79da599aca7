"""MobileNeXt: bottlenecks turned inside out, with depthwise convolutions and shortcut at the wide ends.

Paper: Zhou et al., "Rethinking Bottleneck Structure for Efficient Mobile Network Design",
https://arxiv.org/abs/2007.02269
"""

from math import ceil
from typing import NamedTuple

from torch import Tensor, nn

from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import WidthMult

STEM = 32


class Row(NamedTuple):
    """`repeats` blocks of width `channels`; the first has the stride."""

    reduction: int
    channels: int
    repeats: int
    stride: int


ROWS = (
    Row(2, 96, 1, 2),
    Row(6, 144, 1, 1),
    Row(6, 192, 3, 2),
    Row(6, 288, 3, 2),
    Row(6, 384, 4, 1),
    Row(6, 576, 4, 2),
    Row(6, 960, 3, 1),
    Row(6, 1280, 1, 1),
)


class Sandglass(nn.Module):
    """Depthwise 3x3, narrow by 1x1, widen by 1x1, depthwise 3x3.

    ReLU6 stands after the first depthwise and the widening convolution only. The input is added
    where it has the shape of the output.

    Args:
        channels_in: Width of the input.
        channels: Width of the output.
        inner: Width of the bottleneck.
        stride: Of the last depthwise convolution.
        thin: Leave out the first depthwise convolution, and the last too unless it has a stride.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).

    Cost:
        (9 + inner) * channels_in + inner * channels multiply-accumulates an input pixel and
        9 * channels an output pixel.
    """

    def __init__(self, channels_in: int, channels: int, inner: int, *, stride: int = 1, thin: bool = False) -> None:
        super().__init__()
        self.shortcut = stride == 1 and channels_in == channels
        self.layers = nn.Sequential()
        if not thin:
            self.layers.extend((*_depthwise(channels_in, 1), nn.ReLU6()))
        self.layers.extend((nn.Conv2d(channels_in, inner, 1, bias=False), nn.BatchNorm2d(inner)))
        self.layers.extend((nn.Conv2d(inner, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU6()))
        if not thin or stride > 1:
            self.layers.extend(_depthwise(channels, stride))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


@register_model(input_size=(3, 224, 224), smallest=(64, 64))
def mobilenext(
    *, width_mult: WidthMult = 1.0, num_classes: NumClasses = 1000, in_channels: InChannels = 3
) -> nn.Module:
    """MobileNeXt of sandglass blocks, with depthwise convolutions and shortcut at the wide ends.

    The paper gives the block; rows and details are those of the authors' released network: the last
    width stays 1280 below 1.0x; a row of several blocks changes width in a first block without the
    first depthwise convolution, nor the last where the stride is 1; a bottleneck under a sixth of
    the width after it is raised to that sixth, to a multiple of 16. One transcription of the paper's
    table has two blocks of width 960, the release three; the table itself was not at hand. Not all
    printed figures come out: 1.91M parameters and 75.1M multiply-accumulates at 0.35x (printed 1.8M
    and 80M), 2.77M and 207.9M at 0.75x (2.5M and 210M), 3.54M and 311.3M at 1.0x (3.4M and 300M),
    6.13M and 588.3M at 1.4x (6.1M and 590M).

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes).
    """
    channels = _near_multiple(STEM * width_mult, 8)
    network = nn.Sequential()
    network.add_module(
        "stem",
        nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
        ),
    )
    blocks = nn.Sequential()
    for row in ROWS:
        width = _near_multiple(row.channels * (max(width_mult, 1) if row is ROWS[-1] else width_mult), 8)
        for block in range(row.repeats):
            inner = _bottleneck(channels, width, row.reduction)
            stride = 1 if block else row.stride
            blocks.append(Sandglass(channels, width, inner, stride=stride, thin=row.repeats > 1 and not block))
            channels = width
    network.add_module("blocks", blocks)
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(channels, num_classes))
    init_weights(network)
    return network


def _depthwise(channels: int, stride: int) -> tuple[nn.Module, nn.Module]:
    return (
        nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
    )


def _bottleneck(channels_in: int, channels: int, reduction: int) -> int:
    """A `reduction`-th of the input or, where that is under a sixth of the output, this sixth to a multiple of 16."""
    inner = channels_in // reduction
    return inner if inner >= channels / 6 else _near_multiple(ceil(channels / 6), 16)


def _near_multiple(width: float, divisor: int) -> int:
    """The nearest multiple, or the next one where that would be over a tenth less."""
    nearest = max(divisor, int(width / divisor + 0.5) * divisor)
    return nearest if nearest >= 0.9 * width else nearest + divisor
