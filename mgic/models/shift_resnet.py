"""ResNet-50 whose 3x3 convolutions are shifts between 1x1 convolutions (table 7 of the MGIC paper).

Paper: Wu et al., "Shift: A Zero FLOP, Zero Parameter Alternative to Spatial Convolutions",
https://arxiv.org/abs/1711.08141
"""

from functools import partial
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.bottleneck_skeleton import bottleneck_stages, plain_unit, put_together
from mgic.models.options import WidthMult

Expansion = Annotated[
    int, Field(ge=1, le=9, description="Channels that are shifted for each output channel of a shift module")
]


class Shift(nn.Module):
    """Move each channel by at most one pixel; no parameters, no multiply-accumulates.

    The first 9 * floor(channels / 9) channels form nine groups of equal size, one for each displacement
    (dy, dx) in {-1, 0, 1}^2, row by row; the rest stays where it is. Pixel (y, x) of the output is pixel
    (y + dy, x + dx) of the input, and 0 where the input has none.

    Shape:
        (batch, channels, height, width) -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        channels, height, width = x.shape[1:]
        group = channels // 9
        if not group:
            return x
        groups = torch.chunk(functional.pad(x[:, : 9 * group], (1, 1, 1, 1)), 9, dim=1)
        moved = [
            groups[3 * down + right][:, :, down : down + height, right : right + width]
            for down in range(3)
            for right in range(3)
        ]
        return torch.cat((*moved, x[:, 9 * group :]), dim=1)


class ShiftModule(nn.Sequential):
    """1x1 convolution - BatchNorm - ReLU - shift - 1x1 convolution - BatchNorm - ReLU: the paper's CSC.

    Args:
        channels_in: Width of the input.
        channels_out: Width of the output.
        expansion: Width in between, as a multiple of `channels_out`.
        stride: Of the second convolution.

    Cost:
        expansion * channels_out * (channels_in * stride^2 + channels_out) multiply-accumulates an output pixel.
    """

    def __init__(self, channels_in: int, channels_out: int, expansion: int, stride: int = 1) -> None:
        hidden = expansion * channels_out
        super().__init__(plain_unit(channels_in, hidden, 1), Shift(), plain_unit(hidden, channels_out, 1, stride))


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def shift_resnet50(
    *,
    expansion: Expansion = 3,
    width_mult: WidthMult = 0.5,
    num_classes: NumClasses = 1000,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ResNet-50 of half width with a conv-shift-conv module for each 3x3 convolution.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); 224x224 in the paper.

    Cost:
        5.99 million parameters and 0.985 billion multiply-accumulates; printed are 6.0 million, and no cost. It could
        not be found how the printed network differs from ResNet-50. At the full width all but the 3x3 convolutions
        hold 14.2 million, so it is narrower: half the width is taken here, and of the whole expansions the one that
        comes nearest (2 gives 5.35, 4 gives 6.62). The stride stands in the module's second convolution, as in the
        authors' networks for small images.
    """
    width = max(1, round(64 * width_mult))
    network = put_together(
        plain_unit(in_channels, width, 7, 2),
        bottleneck_stages(width, partial(_shift_unit, expansion)),
        nn.Linear(32 * width, num_classes),
    )
    init_weights(network)
    return network


def _shift_unit(
    expansion: int, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
) -> nn.Module:
    if kernel_size == 3:
        return ShiftModule(channels_in, channels_out, expansion, stride)
    return plain_unit(channels_in, channels_out, kernel_size, stride, activation)
