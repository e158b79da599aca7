"""Residual networks of ghost modules (tables 5 and 7 of the MGIC paper), as their own paper compares them.

Paper: Han et al., "GhostNet: More Features from Cheap Operations", https://arxiv.org/abs/1911.11907
"""

from functools import partial
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.layers import PadShortcut, init_weights
from mgic.layers.ghost import GhostModule
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.bottleneck_skeleton import bottleneck_stages, plain_unit, put_together

Ratio = Annotated[
    int, Field(ge=2, le=4, multiple_of=2, description="Channels for each one convolved for, the paper's s: 2 or 4")
]


class GhostBasicBlock(nn.Module):
    """The basic block of ResNet with ghost modules for its two 3x3 convolutions; shortcut without parameters.

    Args:
        channels_in: Width of the input.
        channels: Width of the output, at least that of the input.
        ratio: Of both ghost modules.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / s), ceil(width / s)),
        where s = channels / channels_in.
    """

    def __init__(self, channels_in: int, channels: int, ratio: int) -> None:
        super().__init__()
        stride = channels // channels_in
        self.body = nn.Sequential(
            GhostModule(channels_in, channels, 3, ratio, stride=stride),
            GhostModule(channels, channels, 3, ratio, activation=False),
        )
        self.shortcut = nn.Identity() if stride == 1 else PadShortcut(channels - channels_in, stride)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


@register_model(input_size=(3, 32, 32))
def ghost_resnet56(*, ratio: Ratio = 2, num_classes: NumClasses = 10, in_channels: InChannels = 3) -> nn.Module:
    """ResNet-56 for small images with ghost modules for all 3x3 convolutions but the stem (s=2, d=3).

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size, 32x32 in the paper.

    Cost:
        With ratio=2 0.438 million parameters and 65.3 million multiply-accumulates; printed are 0.43 and 63.
        Whether the printed network has its norms, stem and shortcuts as here could not be found.
    """
    stages: list[nn.Module] = []
    channels = 16
    for planes in (16, 32, 64):
        for _ in range(9):
            stages.append(GhostBasicBlock(channels, planes, ratio))
            channels = planes
    network = nn.Sequential()
    network.add_module("stem", plain_unit(in_channels, 16, 3))
    network.add_module("stages", nn.Sequential(*stages))
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(channels, num_classes))
    init_weights(network)
    return network


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def ghost_resnet50(*, ratio: Ratio = 2, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """ResNet-50 with ghost modules for all convolutions but the stem: 1x1, 3x3 and shortcuts (d=3).

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); 224x224 in the paper.

    Cost:
        With ratio=2 13.95 million parameters and 2.15 billion multiply-accumulates; printed are 13.0 and 2.2.
        With ratio=4 8.15 and 1.18; printed are 6.5 and 1.2. Which layers the printed networks replace
        could not be found. A head of 1 / ratio the size would bring the parameters to 12.93 and 6.62, which is a
        guess, and not done here.
    """
    network = put_together(
        plain_unit(in_channels, 64, 7, 2),
        bottleneck_stages(64, partial(_ghost_unit, ratio)),
        nn.Linear(2048, num_classes),
    )
    init_weights(network)
    return network


def _ghost_unit(
    ratio: int, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
) -> nn.Module:
    return GhostModule(channels_in, channels_out, kernel_size, ratio, stride=stride, activation=activation)
