"""Fully connected networks, plain and multigrid-in-channels.

The paper's conclusion says that the hierarchy may stand around fully connected layers too, and shows none; these two
are here to be measured: accuracy and cost against the width.
"""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from torch import nn

from mgic.layers import MGICLinear
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize

ImgSize = Annotated[int, Field(ge=1, le=256, description="Pixels a side of the images, the only size that is read")]
Features = Annotated[int, Field(ge=1, le=65536, description="Features of every hidden layer")]
Depth = Annotated[int, Field(ge=1, le=64, description="Hidden layers that keep the number of features")]


@register_model(input_size=(3, 32, 32), smallest=(32, 32))
def mlp(
    *,
    width: Features = 512,
    depth: Depth = 3,
    img_size: ImgSize = 32,
    num_classes: NumClasses = 10,
    in_channels: InChannels = 3,
) -> nn.Module:
    """Fully connected classifier: ReLU after every layer but the last.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); height and width are `img_size`.
    """
    return _assemble(
        in_channels * img_size**2,
        width,
        depth,
        num_classes,
        lambda: nn.Sequential(nn.Linear(width, width), nn.ReLU()),
    )


@register_model(input_size=(3, 32, 32), smallest=(32, 32))
def mgic_mlp(
    *,
    group_size: GroupSize = 16,
    coarsest_size: CoarsestSize = 32,
    coarsening: CoarseningRule = "paper",
    width: Features = 512,
    depth: Depth = 3,
    img_size: ImgSize = 32,
    num_classes: NumClasses = 10,
    in_channels: InChannels = 3,
) -> nn.Module:
    """Fully connected classifier whose hidden layers of equal width are each spread over a hierarchy of channels.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); height and width are `img_size`.

    Raises:
        BadConfig: `width` cannot be halved as often as `coarsest_size` and `coarsening` ask.
    """
    return _assemble(
        in_channels * img_size**2,
        width,
        depth,
        num_classes,
        lambda: MGICLinear(width, group_size, coarsest_size, coarsening),
    )


def _assemble(inputs: int, width: int, depth: int, num_classes: int, hidden: Callable[[], nn.Module]) -> nn.Module:
    network = nn.Sequential()
    network.add_module("stem", nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU()))
    network.add_module("hidden", nn.Sequential(*(hidden() for _ in range(depth))))
    network.add_module("head", nn.Linear(width, num_classes))
    return network
