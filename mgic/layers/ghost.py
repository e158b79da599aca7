"""Ghost modules: convolve for some of the channels, and make the others from those by a cheap convolution.

Paper: Han et al., "GhostNet: More Features from Cheap Operations", https://arxiv.org/abs/1911.11907
"""

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem


class GhostModule(nn.Module):
    """A convolution of which only one channel in `ratio` is convolved for; the ghosts come from it depthwise.

    Output: the primary channels, then `ratio` - 1 ghosts of each, those of one channel side by side.
    BatchNorm, and ReLU where wanted, follow the primary and the cheap convolution each by itself.

    Args:
        channels_in: Width of the input.
        channels_out: Width of the output, a multiple of `ratio`.
        kernel_size: Of the primary convolution, odd.
        ratio: The paper's s: output channels for each primary one, at least 2.
        cheap_size: The paper's d: side of the depthwise kernel, odd.
        stride: Of the primary convolution.
        activation: Whether ReLU follows each norm.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels_out, ceil(height / stride), ceil(width / stride)).

    Cost:
        With m = channels_out / ratio primary channels:
        m * channels_in * kernel_size^2 + (channels_out - m) * cheap_size^2 multiply-accumulates an output pixel.

    Raises:
        BadConfig: A width that `ratio` does not divide, a ratio under 2, an even kernel.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel_size: int = 1,
        ratio: int = 2,
        cheap_size: int = 3,
        *,
        stride: int = 1,
        activation: bool = True,
    ) -> None:
        super().__init__()
        _check(channels_out, ratio, kernel_size=kernel_size, cheap_size=cheap_size)
        channels = channels_out // ratio
        ghosts = channels_out - channels
        self.primary = nn.Sequential(
            nn.Conv2d(channels_in, channels, kernel_size, stride, kernel_size // 2, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True) if activation else nn.Identity(),
        )
        self.cheap = nn.Sequential(
            nn.Conv2d(channels, ghosts, cheap_size, padding=cheap_size // 2, groups=channels, bias=False),
            nn.BatchNorm2d(ghosts),
            nn.ReLU(inplace=True) if activation else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        primary = self.primary(x)
        return torch.cat((primary, self.cheap(primary)), dim=1)


class GhostBottleneck(nn.Module):
    """The block of GhostNet: one ghost module widens, another narrows, and the input is added.

    Ghost module with ReLU - depthwise and BatchNorm, where there is a stride - ghost module without ReLU.
    Both modules are 1x1. Where the shape changes, the input is added by way of depthwise - BatchNorm - 1x1 -
    BatchNorm. The squeeze-and-excite branch that some of GhostNet's layers have is left out.

    Args:
        channels: Width of the output.
        hidden: Width in between.
        kernel_size: Of the depthwise convolutions, odd.
        channels_in: Width of the input; None means the same as the output.
        stride: Factor the resolution falls by.
        ratio: Of both ghost modules.
        cheap_size: Of both ghost modules.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).

    Raises:
        BadConfig: As `GhostModule` does.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernel_size: int = 3,
        *,
        channels_in: int | None = None,
        stride: int = 1,
        ratio: int = 2,
        cheap_size: int = 3,
    ) -> None:
        super().__init__()
        channels_in = channels if channels_in is None else channels_in
        self.widen = GhostModule(channels_in, hidden, ratio=ratio, cheap_size=cheap_size)
        self.depthwise = nn.Identity() if stride == 1 else _depthwise(hidden, kernel_size, stride)
        self.narrow = GhostModule(hidden, channels, ratio=ratio, cheap_size=cheap_size, activation=False)
        self.shortcut: nn.Module = nn.Identity()
        if (channels_in, stride) != (channels, 1):
            self.shortcut = nn.Sequential(
                _depthwise(channels_in, kernel_size, stride),
                nn.Conv2d(channels_in, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.narrow(self.depthwise(self.widen(x))) + self.shortcut(x)
        return y


def _depthwise(channels: int, kernel_size: int, stride: int) -> nn.Sequential:
    _check_odd("kernel_size", kernel_size)
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel_size, stride, kernel_size // 2, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
    )


def _check(channels_out: int, ratio: int, **kernels: int) -> None:
    if ratio < 2:
        detail = f"ratio={ratio} leaves no ghosts: it should be 2 or more"
        raise BadConfig(detail, (Problem("ratio", "greater_than_equal", detail),))
    if channels_out < 1 or channels_out % ratio:
        detail = f"channels_out={channels_out} is no multiple of ratio={ratio}"
        raise BadConfig(detail, (Problem("channels_out", "not_multiple", detail),))
    for option, size in kernels.items():
        _check_odd(option, size)


def _check_odd(option: str, size: int) -> None:
    if size < 1 or size % 2 == 0:
        detail = f"{option}={size} should be odd, so that the convolution keeps the resolution"
        raise BadConfig(detail, (Problem(option, "not_odd", detail),))
