"""What the variants of ResNet-50 share: everything but how one convolution is done.

Paper: He et al., "Deep Residual Learning for Image Recognition", section 4.1, https://arxiv.org/abs/1512.03385
"""

from typing import Protocol

from torch import Tensor, nn
from torch.nn import functional

EXPANSION = 4
REPEATS = (3, 4, 6, 3)


class MakeUnit(Protocol):
    """Makes a convolution and its norm, and a ReLU if `activation`.

    Its module maps (batch, channels_in, height, width) to
    (batch, channels_out, ceil(height / stride), ceil(width / stride)).
    """

    def __call__(
        self, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
    ) -> nn.Module: ...


def plain_unit(
    channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
) -> nn.Module:
    """Convolution - BatchNorm - ReLU."""
    conv = nn.Conv2d(channels_in, channels_out, kernel_size, stride, kernel_size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out), *([nn.ReLU(inplace=True)] if activation else []))


class Bottleneck(nn.Module):
    """1x1 unit, 3x3 unit, 1x1 unit without activation; add the input; ReLU.

    The stride is the 3x3 unit's. Where the shape changes, a 1x1 unit without activation takes the input along.

    Args:
        channels_in: Width of the input.
        planes: Width inside; the output has 4 times as many channels.
        stride: Factor the resolution falls by.
        make_unit: Makes each of the three or four units.
    """

    def __init__(self, channels_in: int, planes: int, stride: int, make_unit: MakeUnit) -> None:
        super().__init__()
        channels_out = EXPANSION * planes
        self.body = nn.Sequential(
            make_unit(channels_in, planes, 1),
            make_unit(planes, planes, 3, stride),
            make_unit(planes, channels_out, 1, activation=False),
        )
        self.shortcut = (
            nn.Identity()
            if (channels_in, stride) == (channels_out, 1)
            else make_unit(channels_in, channels_out, 1, stride, activation=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.body(x) + self.shortcut(x), inplace=True)


def bottleneck_stages(width: int, make_unit: MakeUnit) -> nn.Sequential:
    """The 3, 4, 6 and 3 bottlenecks of ResNet-50, whose planes are `width` and 2, 4, 8 times that.

    Shape:
        (batch, width, height, width) -> (batch, 32 * width, height / 8, width / 8), rounded up.
    """
    blocks: list[nn.Module] = []
    channels = width
    for stage, repeats in enumerate(REPEATS):
        planes = width << stage
        for repeat in range(repeats):
            blocks.append(Bottleneck(channels, planes, 2 if stage and not repeat else 1, make_unit))
            channels = EXPANSION * planes
    return nn.Sequential(*blocks)


def put_together(stem: nn.Module, stages: nn.Module, head: nn.Module) -> nn.Sequential:
    """Stem, max-pooling, stages, average pooling and head, under these names."""
    network = nn.Sequential()
    network.add_module("stem", stem)
    network.add_module("maxpool", nn.MaxPool2d(3, 2, padding=1))
    network.add_module("stages", stages)
    network.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", head)
    return network
