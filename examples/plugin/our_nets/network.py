"""A small classifier whose one block stands in a hierarchy of channels."""

from typing import Annotated

from pydantic import Field
from torch import nn

from mgic import MGICBlock
from mgic.models import InChannels, NumClasses, register_model

Width = Annotated[int, Field(ge=8, le=1024, description="Channels")]
GroupSize = Annotated[int, Field(ge=1, description="Channels per group")]


def convolution(channels: int, groups: int) -> nn.Module:
    layers = [nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False), nn.BatchNorm2d(channels)]
    return nn.Sequential(*layers, nn.ReLU())


@register_model(input_size=(3, 32, 32))
def our_net(
    *, width: Width = 64, group_size: GroupSize = 8, in_channels: InChannels = 3, num_classes: NumClasses = 10
) -> nn.Module:
    """A stem, a convolution in MGIC, and a head."""
    block = MGICBlock(width, convolution, group_size, coarsest_size=16)
    stem, head = nn.Conv2d(in_channels, width, 3, padding=1), nn.Linear(width, num_classes)
    return nn.Sequential(stem, block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
