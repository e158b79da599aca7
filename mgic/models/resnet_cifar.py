"""Residual networks for small images, plain and multigrid-in-channels (tables 5 and 13 of the paper).

Depth 6n + 2: a 3x3 stem, three stages of n basic blocks with w, 2w and 4w channels, each
stage at half the resolution of the one before, global average pooling and a linear layer.
Depth 50 is left out though it is 6n + 2: `resnet50` and `mgic_resnet50` are the bottleneck
networks for ImageNet.

Papers: He et al., "Deep Residual Learning for Image Recognition", section 4.2,
https://arxiv.org/abs/1512.03385; Eliasof et al., "MGIC", https://doi.org/10.1137/21M1430194
"""

from functools import partial
from typing import Annotated

from pydantic import Field
from torch import nn

from mgic.layers import BasicBlock, Connector, MGICBlock, init_weights
from mgic.models import InChannels, NumClasses, register_depths
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize

DEPTHS = tuple(depth for depth in range(20, 111, 6) if depth != 50)

Width = Annotated[
    int, Field(ge=1, le=512, description="Channels of the stem; the stages have 1, 2 and 4 times as many")
]


@register_depths("resnet{depth}", DEPTHS, input_size=(3, 32, 32))
def resnet(
    depth: int,
    *,
    width: Width = 16,
    num_classes: NumClasses = 10,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ResNet for small images, with shortcuts that have no parameters (option A).

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size, 32x32 in the paper.
    """
    stages: list[nn.Module] = []
    channels = width
    for stage in range(3):
        planes = width << stage
        for _ in range((depth - 2) // 6):
            stages.append(BasicBlock(planes, channels_in=channels, stride=planes // channels))
            channels = planes
    return _assemble(width, stages, num_classes, in_channels)


@register_depths("mgic_resnet{depth}", DEPTHS, input_size=(3, 32, 32))
def mgic_resnet(
    depth: int,
    *,
    group_size: GroupSize = 8,
    coarsest_size: CoarsestSize = 16,
    coarsening: CoarseningRule = "paper",
    width: Width = 16,
    num_classes: NumClasses = 10,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ResNet for small images whose basic blocks are each spread over a hierarchy of channels.

    Blocks keep width and resolution; between stages stands a depthwise 3x3 connector of stride 2.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size, 32x32 in the paper.

    Raises:
        BadConfig: A stage's width cannot be halved as often as `coarsest_size` and `coarsening` ask.
    """
    block = partial(
        MGICBlock,
        make_block=BasicBlock,
        group_size=group_size,
        coarsest_size=coarsest_size,
        coarsening=coarsening,
    )
    stages: list[nn.Module] = []
    for stage in range(3):
        planes = width << stage
        if stage:
            stages.append(Connector(planes // 2, planes, stride=2))
        stages += [block(planes) for _ in range((depth - 2) // 6)]
    return _assemble(width, stages, num_classes, in_channels)


def _assemble(width: int, stages: list[nn.Module], num_classes: int, in_channels: int) -> nn.Module:
    """Stem, stages and head; convolutions drawn anew, R and P left as they are."""
    network = nn.Sequential()
    network.add_module(
        "stem",
        nn.Sequential(
            nn.Conv2d(in_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ),
    )
    network.add_module("stages", nn.Sequential(*stages))
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(4 * width, num_classes))
    init_weights(network)
    return network
