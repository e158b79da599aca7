"""A network for a function of a few numbers: 1x1 convolutions in blocks of three kinds (table 4 of the paper).

Paper: Eliasof et al., "MGIC", appendix B.1, https://doi.org/10.1137/21M1430194
"""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from mgic.layers import Connector, InvertedResidual, init_weights, mgic_inverted_residual
from mgic.layers.bricks import conv_norm_act
from mgic.layers.ghost import GhostBottleneck
from mgic.models import register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize, WidthMult

FIRST, WIDTH, LAST = 16, 160, 64  # channels before the blocks, of the blocks at width_mult=1, and after them
EXPANSION = 2

Inputs = Annotated[int, Field(ge=1, le=1024, description="Numbers that the function takes")]
Outputs = Annotated[int, Field(ge=1, le=1024, description="Numbers that the function gives")]
BlockKind = Annotated[
    Literal["mgic", "mobilenet_v3", "ghost"],
    Field(description="The CNN block; group_size, coarsest_size and coarsening are of mgic alone"),
]


class ImplicitMLP(nn.Module):
    """The stages, on maps of a single pixel.

    Shape:
        (batch, in_channels) -> (batch, out_channels).
    """

    def __init__(self, stages: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.stages = stages
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.stages(x[:, :, None, None]))
        return y.flatten(1)


@register_model(task="function", input_size=(2,), smallest=())
def implicit_mlp(
    *,
    block: BlockKind = "mgic",
    width_mult: WidthMult = 0.6,
    group_size: GroupSize = 16,
    coarsest_size: CoarsestSize = 16,
    coarsening: CoarseningRule = "paper",
    out_channels: Outputs = 1,
    in_channels: Inputs = 2,
) -> nn.Module:
    """A function fitted by 1x1 convolutions: two blocks of MGIC, MobileNetV3 or GhostNet between plain layers.

    Table 4 ends in two outputs behind a ReLU, which cannot follow a function that turns negative: here the end is
    linear and has `out_channels` outputs. Group and coarsest size are not printed; with 16 and 16 the MGIC
    network is the smaller one next to MobileNetV3's, as Figure 4 draws it, with 64 and 64 the larger. An MGIC
    block keeps its width, so a bare 1x1 connector goes before the first one.

    Shape:
        (batch, in_channels) -> (batch, out_channels).

    Raises:
        BadConfig: The width cannot be halved as often as `coarsest_size` and `coarsening` ask.
    """
    width = max(2, 2 * round(width_mult * WIDTH / 2))
    stages: list[nn.Module] = [conv_norm_act(in_channels, FIRST, 1)]
    if block == "mgic":
        stages.append(Connector(FIRST, width, kind="pointwise"))
    for channels in (FIRST, width):
        if block == "mgic":
            stages.append(
                mgic_inverted_residual(
                    width, group_size, coarsest_size, coarsening, hidden=EXPANSION * width, kernel_size=1
                )
            )
        elif block == "mobilenet_v3":
            stages.append(InvertedResidual(width, hidden=EXPANSION * channels, kernel_size=1, channels_in=channels))
        else:
            stages.append(GhostBottleneck(width, EXPANSION * channels, 1, channels_in=channels, cheap_size=1))
    stages.append(conv_norm_act(width, LAST, 1))
    network = ImplicitMLP(nn.Sequential(*stages), nn.Conv2d(LAST, out_channels, 1))
    init_weights(network)
    return network
