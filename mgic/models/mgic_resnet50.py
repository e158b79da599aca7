"""ResNet-50 with its bottlenecks spread over a hierarchy of channels (tables 6 and 7 of the paper).

Papers: He et al., "Deep Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385;
Eliasof et al., "MGIC", appendix B.2.2, https://doi.org/10.1137/21M1430194
"""

from functools import partial
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from mgic.layers import Bottleneck, Connector, MGICBlock, init_weights
from mgic.layers.bricks import conv_norm_act
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize

EXPANSION = 4
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # planes, blocks; table 6

Stem = Annotated[
    Literal["table6", "plain"],
    Field(description="table6: the extra 3x3 convolution of Table 6, at 56x56 where its cost fits; plain: without it"),
]


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def mgic_resnet50(
    *,
    group_size: GroupSize = 64,
    coarsest_size: CoarsestSize = 64,
    coarsening: CoarseningRule = "paper_min1",
    stem: Stem = "table6",
    num_classes: NumClasses = 1000,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ResNet-50 whose bottlenecks are each spread over a hierarchy of channels.

    Group and coarsest size are those of the 3x3 convolutions' planes; R and P work on four times as many
    channels. The default rule halves at least once, without which the first stage would be a plain one: the
    printed parameters ask for it. Table 6 prints a pooling after every layer and the extra convolution
    at 112x112; the printed FLOPs leave room for neither, so the stages stand at 56, 28, 14 and 7.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); any size from 32, 224x224 in the paper.

    Raises:
        BadConfig: A stage's planes cannot be halved as often as `coarsest_size` and `coarsening` ask.
    """
    width = STAGES[0][0]
    first = [conv_norm_act(in_channels, width, kernel_size=7, stride=2), nn.MaxPool2d(3, 2, padding=1)]
    if stem == "table6":
        first.append(conv_norm_act(width, width, kernel_size=3))
    block = partial(
        MGICBlock,
        make_block=partial(Bottleneck, expansion=EXPANSION),
        group_size=group_size,
        coarsest_size=coarsest_size,
        coarsening=coarsening,
        expansion=EXPANSION,
    )
    stages: list[nn.Module] = []
    channels = width
    for stage, (planes, blocks) in enumerate(STAGES):
        stages.append(Connector(channels, EXPANSION * planes, stride=2 if stage else 1))
        stages += [block(planes) for _ in range(blocks)]
        channels = EXPANSION * planes
    network = nn.Sequential()
    network.add_module("stem", nn.Sequential(*first))
    network.add_module("stages", nn.Sequential(*stages))
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(channels, num_classes))
    init_weights(network)
    return network
