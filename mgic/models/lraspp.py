"""Segmentation on a budget: MobileNetV3 with the LR-ASPP head, plain and multigrid-in-channels (table 11).

Papers: Howard et al., "Searching for MobileNetV3", sections 5 and 6.4, https://arxiv.org/abs/1905.02244;
Eliasof et al., "MGIC", appendix B.3, https://doi.org/10.1137/21M1430194
"""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.layers import Connector, ConnectorKind, InvertedResidual, init_weights, mgic_inverted_residual, multiple
from mgic.layers.bricks import conv_norm_act, lraspp_head
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize


class Row(NamedTuple):
    kernel_size: int
    hidden: int
    channels: int
    squeeze: bool
    hswish: bool
    stride: int


Size = Literal["large", "small"]
# Tables 1 and 2 of Howard et al.; in the last three rows all channels halved, as both papers do for segmentation.
ROWS: dict[Size, tuple[Row, ...]] = {
    "large": (
        Row(3, 16, 16, False, False, 1),
        Row(3, 64, 24, False, False, 2),
        Row(3, 72, 24, False, False, 1),
        Row(5, 72, 40, True, False, 2),
        Row(5, 120, 40, True, False, 1),
        Row(5, 120, 40, True, False, 1),
        Row(3, 240, 80, False, True, 2),
        Row(3, 200, 80, False, True, 1),
        Row(3, 184, 80, False, True, 1),
        Row(3, 184, 80, False, True, 1),
        Row(3, 480, 112, True, True, 1),
        Row(3, 672, 112, True, True, 1),
        Row(5, 336, 80, True, True, 2),
        Row(5, 480, 80, True, True, 1),
        Row(5, 480, 80, True, True, 1),
    ),
    "small": (
        Row(3, 16, 16, True, False, 2),
        Row(3, 72, 24, False, False, 2),
        Row(3, 88, 24, False, False, 1),
        Row(5, 96, 40, True, True, 2),
        Row(5, 240, 40, True, True, 1),
        Row(5, 240, 40, True, True, 1),
        Row(5, 120, 48, True, True, 1),
        Row(5, 144, 48, True, True, 1),
        Row(5, 144, 48, True, True, 2),
        Row(5, 288, 48, True, True, 1),
        Row(5, 288, 48, True, True, 1),
    ),
}
STEM = 16
LAST: dict[Size, int] = {"large": 480, "small": 288}  # channels of the last convolution, halved
FILTERS = 128  # of the head
FINE, COARSE = 8, 16  # factors below the image: of the skip into the head, and of the deepest maps

Variant = Annotated[Size, Field(description="MobileNetV3-Large's layers, or MobileNetV3-Small's")]
Between = Annotated[
    ConnectorKind,
    Field(
        description="What changes width and resolution: the 3x3 convolution of the text in as many groups as "
        "divide both widths (grouped), or a bare 1x1 one (pointwise); depthwise fits none of these widths"
    ),
]
MakeBlock = Callable[[int, Row, int, int], nn.Module]  # channels_in, row, stride, dilation


class LRASPP(nn.Module):
    """Stages, a skip from where the maps are an eighth of the image, and the LR-ASPP head on both.

    Below a sixteenth no stage strides any more: its convolutions dilate instead, so that the
    deepest maps are a sixteenth of the image.

    Args:
        size: Which rows.
        make_block: (channels_in, row, stride, dilation) -> what stands in a row.
        expanded_skip: Take the skip from inside the row that leaves the eighth, where it is widened.
        num_classes: Channels of the answer.
        in_channels: Channels of the image.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes, height, width), a score for each pixel.
    """

    def __init__(
        self, size: Size, make_block: MakeBlock, expanded_skip: bool, num_classes: int, in_channels: int
    ) -> None:
        super().__init__()
        self.stem = conv_norm_act(in_channels, STEM, 3, 2, activation=nn.Hardswish)
        self.blocks = nn.ModuleList()
        self.expanded_skip = expanded_skip
        channels, scale, dilation, skip = STEM, 2, 1, 0
        for place, row in enumerate(ROWS[size]):
            stride = row.stride
            if stride == 2 and scale == COARSE:
                stride, dilation = 1, 2
            if expanded_skip and scale == FINE and stride == 2:
                self.skip, skip = place, row.hidden
            self.blocks.append(make_block(channels, row, stride, dilation))
            scale *= stride
            if not expanded_skip and scale == FINE:
                self.skip, skip = place, row.channels
            channels = row.channels
        self.last = conv_norm_act(channels, LAST[size], 1, activation=nn.Hardswish)
        self.head = lraspp_head(skip, LAST[size], num_classes, FILTERS)

    def forward(self, x: Tensor) -> Tensor:
        side = x.shape[-2:]
        x = self.stem(x)
        low = x
        for place, block in enumerate(self.blocks):
            if place == self.skip and isinstance(block, InvertedResidual) and self.expanded_skip:
                low = block.expand(x)  # (batch, hidden, height / 8, width / 8)
                x = block.after_expand(x, low)
                continue
            x = block(x)
            if place == self.skip:
                low = x  # (batch, channels, height / 8, width / 8)
        scores: Tensor = self.head({"low": low, "high": self.last(x)})
        return functional.interpolate(scores, size=side, mode="bilinear", align_corners=False)


@register_model(task="segmentation", input_size=(3, 1024, 2048), smallest=(64, 64))
def lraspp_mobilenet_v3(
    *,
    variant: Variant = "large",
    num_classes: NumClasses = 19,
    in_channels: InChannels = 3,
) -> nn.Module:
    """MobileNetV3 for segmentation as its paper describes it: half as many last channels, 128 filters, LR-ASPP head.

    Not torchvision's `lraspp_mobilenet_v3_large`, whose last stage is not halved. With the deepest maps
    at a sixteenth of the image the large one has the printed parameters, and 3.1 % fewer multiply-accumulates.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes, height, width).
    """

    def block(channels_in: int, row: Row, stride: int, dilation: int) -> nn.Module:
        return InvertedResidual(
            row.channels,
            hidden=row.hidden,
            kernel_size=row.kernel_size,
            activation=nn.Hardswish if row.hswish else nn.ReLU,
            squeeze=multiple(row.hidden / 4, 8) if row.squeeze else 0,
            channels_in=channels_in,
            stride=stride,
            dilation=dilation,
        )

    network = LRASPP(variant, block, expanded_skip=True, num_classes=num_classes, in_channels=in_channels)
    init_weights(network)
    return network


@register_model(task="segmentation", input_size=(3, 1024, 2048), smallest=(64, 64))
def mgic_lraspp(
    *,
    variant: Variant = "small",
    group_size: GroupSize = 64,
    coarsest_size: CoarsestSize = 64,
    coarsening: CoarseningRule = "paper_min1",
    connector: Between = "grouped",
    num_classes: NumClasses = 19,
    in_channels: InChannels = 3,
) -> nn.Module:
    """MGIC-Large and MGIC-Small: the same encoder with each block spread over a hierarchy of channels.

    With these defaults MGIC-Small has the printed cost within 1 %. No reading tried gives MGIC-Large's:
    ours is about a quarter cheaper.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes, height, width).

    Raises:
        BadConfig: A width cannot be halved as often as asked, or the connector does not join two widths.
    """

    def block(channels_in: int, row: Row, stride: int, dilation: int) -> nn.Module:
        inner = mgic_inverted_residual(
            row.channels,
            group_size,
            coarsest_size,
            coarsening,
            hidden=row.hidden,
            kernel_size=row.kernel_size,
            activation=nn.Hardswish if row.hswish else nn.ReLU,
            squeeze=row.squeeze,
            dilation=dilation,
        )
        if (channels_in, stride) == (row.channels, 1):
            return inner
        return nn.Sequential(Connector(channels_in, row.channels, stride, connector), inner)

    network = LRASPP(variant, block, expanded_skip=False, num_classes=num_classes, in_channels=in_channels)
    init_weights(network)
    return network
