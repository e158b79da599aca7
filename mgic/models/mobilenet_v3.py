"""MobileNetV3 with its blocks spread over a hierarchy of channels (tables 2, 8 and 9 of the paper).

Papers: Howard et al., "Searching for MobileNetV3", https://arxiv.org/abs/1905.02244;
Eliasof et al., "MGIC", appendix B.2.2, https://doi.org/10.1137/21M1430194
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from torch import nn

from mgic.layers import Connector, ConnectorKind, init_weights, mgic_inverted_residual, multiple
from mgic.layers.bricks import conv_norm_act
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import Activation, CoarseningRule, CoarsestSize, GroupSize, WidthMult


class Row(NamedTuple):
    """A row of Table 9. The kernel sizes are not printed: they are GhostNet's, whose 16 blocks these are."""

    kernel_size: int
    hidden: int
    channels: int
    squeeze: bool
    stride: int


TABLE_9 = (
    Row(3, 16, 16, False, 1),
    Row(3, 48, 24, False, 2),
    Row(3, 72, 24, False, 1),
    Row(5, 72, 40, True, 2),
    Row(5, 120, 40, True, 1),
    Row(3, 240, 80, False, 2),
    Row(3, 200, 80, False, 1),
    Row(3, 184, 80, False, 1),
    Row(3, 184, 80, False, 1),
    Row(3, 480, 112, True, 1),
    Row(3, 672, 112, True, 1),
    Row(5, 672, 160, True, 2),
    Row(5, 960, 160, False, 1),
    Row(5, 960, 160, True, 1),
    Row(5, 960, 160, False, 1),
    Row(5, 960, 160, True, 1),
)
STEM, LAST, HEAD = 16, 960, 1280  # channels before, after the blocks, and before the classifier
FIRST_HSWISH = 5  # MobileNetV3 has h-swish from its first block of 80 channels on

ExpScaling = Annotated[
    Literal["compound", "linear"],
    Field(
        description="How #exp follows the width multiplier w: compound, as a ratio to the scaled input times w once "
        "more, as the printed FLOPs ask; linear, #exp times w, as the printed parameters ask"
    ),
]
ScaledHead = Annotated[bool, Field(description="Scale the 1280 channels before the classifier too")]
Squeeze = Annotated[
    Literal["finest", "all"],
    Field(description="Levels with squeeze-and-excite; all of them in the authors' code"),
]
Between = Annotated[
    ConnectorKind,
    Field(
        description="What changes width and resolution: a bare 1x1 convolution (pointwise), or the 3x3 one of the "
        "text in as many groups as divide both widths (grouped); depthwise needs each width a multiple of the last"
    ),
]


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def mgic_mobilenet_v3(
    *,
    width_mult: WidthMult = 1.0,
    group_size: GroupSize = 64,
    coarsest_size: CoarsestSize = 64,
    coarsening: CoarseningRule = "paper",
    activation: Activation = "hswish",
    exp_scaling: ExpScaling = "compound",
    scaled_head: ScaledHead = False,
    squeeze_levels: Squeeze = "finest",
    connector: Between = "pointwise",
    num_classes: NumClasses = 1000,
    in_channels: InChannels = 3,
) -> nn.Module:
    """MobileNetV3-Large in GhostNet's 16 rows, its blocks each spread over a hierarchy of channels.

    The defaults are the reading of Tables 8 and 9 whose MACs fit at all three widths; no reading fits
    parameters and MACs at 0.6 and 1.2 alike. The first stage of Table 9 pools where its stem strides here.
    Of the released code, the rule and the squeeze on all levels are options, its other list of layers is not.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size from 32, 224x224 in the paper.

    Raises:
        BadConfig: A width cannot be halved as often as `coarsest_size` and `coarsening` ask, or the connector
            does not join two of the widths.
    """
    act = nn.Hardswish if activation == "hswish" else nn.ReLU
    rule = (group_size, coarsest_size, coarsening)
    stages: list[nn.Module] = []
    channels = multiple(STEM * width_mult, 4)
    printed = STEM  # the input of a row at width 1
    for number, row in enumerate(TABLE_9):
        ratio = channels / printed if exp_scaling == "compound" else 1.0
        wide = multiple(row.channels * width_mult, 4)
        if (wide, 1) != (channels, row.stride):
            stages.append(Connector(channels, wide, row.stride, connector))
        block = mgic_inverted_residual(
            wide,
            *rule,
            hidden=multiple(row.hidden * width_mult * ratio, 4),
            kernel_size=row.kernel_size,
            activation=act if number >= FIRST_HSWISH else nn.ReLU,
            squeeze=row.squeeze,
            squeeze_levels=squeeze_levels,
        )
        stages.append(block)
        channels, printed = wide, row.channels
    last = multiple(LAST * width_mult, 4)
    head = multiple(HEAD * width_mult, 4) if scaled_head else HEAD
    network = nn.Sequential()
    network.add_module("stem", conv_norm_act(in_channels, multiple(STEM * width_mult, 4), 3, 2))
    network.add_module("stages", nn.Sequential(*stages))
    network.add_module("last", conv_norm_act(channels, last, 1, activation=act))
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Sequential(nn.Linear(last, head), act(), nn.Linear(head, num_classes)))
    init_weights(network)
    return network
