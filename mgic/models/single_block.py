"""One residual block and a linear head, to be measured against its width: what all networks here are made of."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.layers import BasicBlock, Coarsening, MGICBlock, init_weights
from mgic.models import NumClasses, register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize

Kind = Literal["full", "mgic", "grouped", "depthwise_separable"]
KIND = (
    "Two 3x3 convolutions and a shortcut: full ones, an MGIC hierarchy of them, grouped ones, or depthwise 3x3 ones "
    "each followed by a 1x1"
)


class SeparableBlock(nn.Module):
    """As `BasicBlock`, each 3x3 convolution split into a depthwise 3x3 and a 1x1.

    Cost:
        2 * channels * (9 + channels) multiply-accumulates a pixel: quadratic, with a small factor.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_separable(channels), nn.ReLU(inplace=True), *_separable(channels))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.body(x) + x, inplace=True)


def build_block(kind: Kind, channels: int, group_size: int, coarsest_size: int, coarsening: Coarsening) -> nn.Module:
    """A block that keeps its `channels`.

    Raises:
        BadConfig: The width does not divide as the block needs it.
    """
    match kind:
        case "full":
            return BasicBlock(channels)
        case "grouped":
            if channels % group_size:
                detail = f"channels={channels} does not divide into groups of group_size={group_size}"
                raise BadConfig(detail, (Problem("channels", "not_divisible", detail),))
            return BasicBlock(channels, channels // group_size)
        case "depthwise_separable":
            return SeparableBlock(channels)
        case "mgic":
            return MGICBlock(channels, BasicBlock, group_size, coarsest_size, coarsening)


@register_model(input_size=(64, 16, 16), smallest=(2, 2))
def single_block(
    *,
    kind: Annotated[
        Literal[Kind, "pointwise"],
        Field(description=f"{KIND}; pointwise: one 1x1 convolution, which is a product of matrices"),
    ] = "mgic",
    width: Annotated[int, Field(ge=1, le=8192, description="Channels of the block")] = 64,
    group_size: GroupSize = 8,
    coarsest_size: CoarsestSize = 8,
    coarsening: CoarseningRule = "paper",
    num_classes: NumClasses = 10,
    in_channels: Annotated[int, Field(ge=1, le=8192, description="Channels of the input")] = 64,
) -> nn.Module:
    """One block of constant width, a mean over all pixels and a linear layer.

    A 1x1 convolution stands before the block where the input has another number of channels.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size.

    Raises:
        BadConfig: `width` does not divide as the block needs it.
    """
    network = nn.Sequential()
    if in_channels != width:
        network.add_module("stem", nn.Conv2d(in_channels, width, 1, bias=False))
    if kind == "pointwise":
        network.add_module("block", nn.Conv2d(width, width, 1, bias=False))
    else:
        network.add_module("block", build_block(kind, width, group_size, coarsest_size, coarsening))
    network.add_module("pool", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    network.add_module("head", nn.Linear(width, num_classes))
    init_weights(network)
    return network


def _separable(channels: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    ]
