"""CNN blocks that stand alone in a network, or inside every level of an MGIC block.

Sums and activations write over what a norm gives, which no backward pass reads: a step of training takes 5 % less time
(docs/benchmarks.md).
"""

from torch import Tensor, nn
from torch.nn import functional


class PadShortcut(nn.Module):
    """Shortcut without parameters: every `stride`-th pixel, new channels zero (option A of He et al. 2016).

    Shape:
        (batch, channels, height, width) -> (batch, channels + extra, ceil(height / stride), ceil(width / stride)).
    """

    def __init__(self, extra: int, stride: int) -> None:
        super().__init__()
        self.extra = extra
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut, after He et al., https://arxiv.org/abs/1512.03385.

    conv - BatchNorm - ReLU - conv - BatchNorm - add the input - ReLU.

    Args:
        channels: Width of the output.
        groups: Groups of both convolutions.
        channels_in: Width of the input, at most `channels`; None means the same.
        stride: Of the first convolution.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).

    Cost:
        9 * (channels_in + channels) * channels / groups multiply-accumulates an output pixel.
    """

    def __init__(self, channels: int, groups: int = 1, *, channels_in: int | None = None, stride: int = 1) -> None:
        super().__init__()
        channels_in = channels if channels_in is None else channels_in
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, padding=1, groups=groups, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut = (
            nn.Identity() if (channels_in, stride) == (channels, 1) else PadShortcut(channels - channels_in, stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        y += self.shortcut(x)
        return functional.relu(y, inplace=True)


class Bottleneck(nn.Module):
    """Narrow, convolve, widen again, around a shortcut, after He et al., https://arxiv.org/abs/1512.03385.

    1x1 - BatchNorm - ReLU - 3x3 - BatchNorm - ReLU - 1x1 - BatchNorm - add the input - ReLU,
    at equal width and resolution: all that an MGIC block asks of the block it wraps.

    Args:
        planes: Channels of the 3x3 convolution.
        groups: Groups of all three convolutions.
        expansion: Channels of the tensor per plane.

    Shape:
        (batch, expansion * planes, height, width) -> the same.

    Cost:
        (2 * expansion + 9) * planes^2 / groups multiply-accumulates a pixel.
    """

    def __init__(self, planes: int, groups: int = 1, *, expansion: int = 4) -> None:
        super().__init__()
        channels = expansion * planes
        self.conv1 = nn.Conv2d(channels, planes, 1, groups=groups, bias=False)
        self.norm1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, groups=groups, bias=False)
        self.norm2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, channels, 1, groups=groups, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)), inplace=True)
        y = functional.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        y += x
        return functional.relu(y, inplace=True)
