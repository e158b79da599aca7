"""ShuffleNet, first version: grouped 1x1 convolutions with a channel shuffle between them.

Paper: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for
Mobile Devices", https://arxiv.org/abs/1707.01083
"""

from math import ceil, floor
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import BadConfig, Problem
from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import WidthMult

STEM = 24
WIDTHS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}  # groups -> channels of the first stage, table 1
REPEATS = (4, 8, 4)

Groups = Annotated[int, Field(ge=1, le=8, description="Groups of the 1x1 convolutions, g: 1, 2, 3, 4 or 8")]


class ChannelShuffle(nn.Module):
    """Deal the channels out, so that each new group has a channel of every old one.

    Shape:
        (batch, channels, height, width) -> the same; `groups` divides the channels.
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        dealt = x.reshape(batch, self.groups, channels // self.groups, height, width).transpose(1, 2)
        return dealt.reshape(x.shape)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class ShuffleUnit(nn.Module):
    """Grouped 1x1, shuffle, depthwise 3x3, grouped 1x1; figure 2 b and c.

    With stride 1 the input is added. With stride 2 the input, averaged over 3x3, is put beside
    the result instead, which then has only the channels that are missing. The bottleneck has a
    quarter of the output's channels.

    Args:
        channels_in: Width of the input.
        channels: Width of the output, a multiple of 4 * groups.
        groups: Of the second 1x1 convolution and the shuffle.
        stride: 1, with as many channels out as in, or 2, with more.
        first_groups: Of the first 1x1 convolution.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).
    """

    def __init__(self, channels_in: int, channels: int, groups: int, stride: int, first_groups: int) -> None:
        super().__init__()
        inner = channels // 4
        added = channels - channels_in if stride == 2 else channels
        self.stride = stride
        self.layers = nn.Sequential(
            nn.Conv2d(channels_in, inner, 1, groups=first_groups, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(inplace=True),
            ChannelShuffle(groups),
            nn.Conv2d(inner, inner, 3, stride, padding=1, groups=inner, bias=False),
            nn.BatchNorm2d(inner),
            nn.Conv2d(inner, added, 1, groups=groups, bias=False),
            nn.BatchNorm2d(added),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        if self.stride == 1:
            return functional.relu(x + y, inplace=True)
        return functional.relu(torch.cat((functional.avg_pool2d(x, 3, stride=2, padding=1), y), dim=1), inplace=True)


@register_model(input_size=(3, 224, 224), smallest=(64, 64))
def shufflenet_v1(
    *,
    width_mult: WidthMult = 1.0,
    groups: Groups = 3,
    num_classes: NumClasses = 1000,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ShuffleNet v1: bottlenecks of grouped 1x1 convolutions with a channel shuffle.

    A stage's width is rounded up to a multiple of 4 * groups, which changes nothing in table 1
    nor at the printed 0.5x (groups 3 and 8), 1.5x and 2x; the paper does not say how it makes its
    0.5x of 2 and 4 groups divisible. The stem's width is that of the authors' released networks:
    24 times the factor, above 1 times its whole part, up to the next multiple of the groups. So
    0.5x with 8 groups has 16 stem channels and 40.5M multiply-accumulates (printed 40M); with
    24 they would be 44.3M.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes).

    Raises:
        BadConfig: `groups` is none of 1, 2, 3, 4 and 8.
    """
    if groups not in WIDTHS:
        detail = f"groups={groups} is none of {tuple(WIDTHS)}"
        raise BadConfig(detail, (Problem("groups", "literal_error", detail),))
    stem = _up_to_multiple(STEM * (width_mult if width_mult < 1 else floor(width_mult)), groups)
    width = _up_to_multiple(WIDTHS[groups] * width_mult, 4 * groups)
    network = nn.Sequential()
    network.add_module("stem", _stem(in_channels, stem))
    channels = stem
    units = nn.Sequential()
    for stage, repeats in enumerate(REPEATS):
        for unit in range(repeats):
            # Few channels come from the stem: the very first 1x1 convolution is not grouped.
            first_groups = groups if units else 1
            units.append(ShuffleUnit(channels, width << stage, groups, 1 if unit else 2, first_groups))
            channels = width << stage
    network.add_module("units", units)
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(channels, num_classes))
    init_weights(network)
    return network


def _stem(in_channels: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
    )


def _up_to_multiple(width: float, divisor: int) -> int:
    return ceil(round(width / divisor, 9)) * divisor  # rounded first: 240 * 1.1 is a little over 264
