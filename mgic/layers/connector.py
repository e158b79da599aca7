"""What stands between stages: the change of width and resolution that MGIC blocks leave to others."""

from math import gcd
from typing import Literal, get_args

from torch import nn

from mgic.errors import BadConfig, Problem

ConnectorKind = Literal["depthwise", "pointwise", "grouped"]


class Connector(nn.Sequential):
    """Change channels and resolution.

    "depthwise" is a 3x3 convolution in channels_in groups, BatchNorm and ReLU (the ResNet
    form of the paper). "pointwise" is a bare 1x1 convolution (the MobileNet form, linear
    as the blocks' own ends are). "grouped" is as near as a depthwise one comes between any
    two widths, and linear too: 3x3 in as many groups as divide both, and BatchNorm.

    Args:
        channels_in: Width before.
        channels_out: Width after.
        stride: Factor the resolution falls by, rounded up.
        kind: "depthwise", "pointwise" or "grouped".

    Shape:
        (batch, channels_in, height, width) -> (batch, channels_out, ceil(height / stride), ceil(width / stride)).

    Cost:
        Multiply-accumulates an output pixel: 9 * channels_out; channels_in * channels_out;
        9 * channels_in * channels_out / gcd(channels_in, channels_out).

    Raises:
        BadConfig: "depthwise" with a `channels_out` that is no multiple of `channels_in`, or another kind.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, kind: ConnectorKind = "depthwise") -> None:
        if kind not in get_args(ConnectorKind):
            detail = f"kind={kind!r} is none of {get_args(ConnectorKind)}"
            raise BadConfig(detail, (Problem("kind", "literal_error", detail),))
        if kind == "pointwise":
            super().__init__(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False))
            return
        if kind == "grouped":
            groups = gcd(channels_in, channels_out)
            super().__init__(
                nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, groups=groups, bias=False),
                nn.BatchNorm2d(channels_out),
            )
            return
        if channels_in < 1 or channels_out < 1 or channels_out % channels_in:
            detail = f"a depthwise connector needs channels_out={channels_out} a multiple of channels_in={channels_in}"
            raise BadConfig(detail, (Problem("channels_out", "not_multiple", detail),))
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, groups=channels_in, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )
