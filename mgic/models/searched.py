"""Two networks that a search found, as their layer lists: FBNet-B and ProxylessNAS for mobile phones.

Both are a 3x3 stem of stride 2, inverted residuals, a 1x1 convolution, global average pooling and
a linear layer. Positions where the search chose to skip a layer are left out: they do nothing.

Papers: Wu et al., "FBNet", https://arxiv.org/abs/1812.03443; Cai et al., "ProxylessNAS",
https://arxiv.org/abs/1812.00332; the block is MobileNetV2's, https://arxiv.org/abs/1801.04381
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model

MakeActivation = Callable[[], nn.Module]


class Layer(NamedTuple):
    """One inverted residual: depthwise kernel, width inside over width before, width after, stride."""

    kernel: int
    expansion: int
    channels: int
    stride: int = 1


FBNET_B = (
    Layer(3, 1, 16),
    *(Layer(3, 6, 24, 2), Layer(5, 1, 24), Layer(3, 1, 24), Layer(3, 1, 24)),
    *(Layer(5, 6, 32, 2), Layer(5, 3, 32), Layer(3, 6, 32), Layer(5, 6, 32)),
    *(Layer(5, 6, 64, 2), Layer(5, 6, 64), Layer(5, 3, 64)),  # the third of four is skipped
    *(Layer(5, 6, 112), Layer(3, 1, 112), Layer(5, 1, 112), Layer(5, 3, 112)),
    *(Layer(5, 6, 184, 2), Layer(5, 1, 184), Layer(5, 6, 184), Layer(5, 6, 184)),
    Layer(3, 6, 352),
)
PROXYLESSNAS_MOBILE = (
    Layer(3, 1, 16),
    *(Layer(5, 3, 32, 2), Layer(3, 3, 32)),  # the third and fourth of four are skipped
    *(Layer(7, 3, 40, 2), Layer(3, 3, 40), Layer(5, 3, 40), Layer(5, 3, 40)),
    *(Layer(7, 6, 80, 2), Layer(5, 3, 80), Layer(5, 3, 80), Layer(5, 3, 80)),
    *(Layer(5, 6, 96), Layer(5, 3, 96), Layer(5, 3, 96), Layer(5, 3, 96)),
    *(Layer(7, 6, 192, 2), Layer(7, 6, 192), Layer(7, 3, 192), Layer(7, 3, 192)),
    Layer(7, 6, 320),
)


class InvertedResidual(nn.Module):
    """Widen by 1x1, filter each channel alone, narrow by 1x1 without activation.

    The input is added where it has the shape of the output. With expansion 1 nothing is widened,
    and the first convolution falls away.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).

    Cost:
        With h = expansion * channels_in: h * (kernel^2 + channels) multiply-accumulates an output
        pixel, and h * channels_in an input pixel if expansion > 1.
    """

    def __init__(self, channels_in: int, layer: Layer, activation: MakeActivation) -> None:
        super().__init__()
        kernel, expansion, channels, stride = layer
        inner = expansion * channels_in
        self.shortcut = stride == 1 and channels_in == channels
        self.layers = nn.Sequential(
            *(_convolution(channels_in, inner, 1, activation=activation) if expansion > 1 else ()),
            *_convolution(inner, inner, kernel, stride, groups=inner, activation=activation),
            *_convolution(inner, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


@register_model(input_size=(3, 224, 224), smallest=(64, 64))
def fbnet_b(*, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """FBNet-B, searched for speed on a Samsung S8: inverted residuals of kernels 3 and 5.

    The layers are those of the authors' release, which has no first 1x1 convolution where expansion
    is 1. It has expansion 6 in the second block of width 64, where other public lists of this network
    have 1 (280.6M multiply-accumulates); the paper's figure was not at hand to decide. The paper
    prints 295M and 4.5M parameters; this network has 291.0M and 4.80M, which is what the authors
    print for their release, and every reading tried has over 4.7M.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes).
    """
    return _assemble(FBNET_B, 16, 1984, nn.ReLU, num_classes, in_channels)


@register_model(input_size=(3, 224, 224), smallest=(64, 64))
def proxylessnas_mobile(*, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """ProxylessNAS searched for a mobile phone: inverted residuals of kernels 3, 5 and 7.

    The layers are those of two public definitions that agree; the paper's figure was not at hand.
    4.08M parameters and 320.4M multiply-accumulates, printed 4.1M and 320M.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes).
    """
    return _assemble(PROXYLESSNAS_MOBILE, 32, 1280, nn.ReLU6, num_classes, in_channels)


def _assemble(
    layers: tuple[Layer, ...], stem: int, last: int, activation: MakeActivation, num_classes: int, in_channels: int
) -> nn.Module:
    """Stem, blocks and head; `stem` and `last` are the widths of the first and the last convolution."""
    network = nn.Sequential()
    network.add_module("stem", _convolution(in_channels, stem, 3, 2, activation=activation))
    channels = stem
    blocks = nn.Sequential()
    for layer in layers:
        blocks.append(InvertedResidual(channels, layer, activation))
        channels = layer.channels
    network.add_module("blocks", blocks)
    network.add_module("last", _convolution(channels, last, 1, activation=activation))
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(last, num_classes))
    init_weights(network)
    return network


def _convolution(
    channels_in: int,
    channels: int,
    kernel: int,
    stride: int = 1,
    *,
    groups: int = 1,
    activation: MakeActivation | None = None,
) -> nn.Sequential:
    """Convolution, BatchNorm and, if there is one, activation."""
    convolution = nn.Conv2d(channels_in, channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), *([activation()] if activation else []))
