"""The block of MobileNetV3, plain, grouped, and spread over a hierarchy of channels.

Papers: Howard et al., "Searching for MobileNetV3", https://arxiv.org/abs/1905.02244;
Eliasof et al., "MGIC", appendix B.2, https://doi.org/10.1137/21M1430194
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from mgic.layers.bricks import squeeze_excitation
from mgic.layers.hierarchy import Coarsening, level_widths
from mgic.layers.mgic_block import MGICBlock

MakeActivation = Callable[[], nn.Module]


class InvertedResidual(nn.Module):
    """Widen, convolve every channel by itself, weigh the channels, narrow again; no activation at the end.

    1x1 - BatchNorm - activation - depthwise - BatchNorm - squeeze-and-excite - activation - 1x1 - BatchNorm,
    and the input is added where the shape stays. The first 1x1 is left out where nothing is widened.
    Grouped, it keeps the group size: the widening convolution has `groups` groups of channels_in / groups
    inputs, the narrowing one as many groups as have that many inputs each, both lowered until they divide
    input and output.

    Args:
        channels: Width of the output.
        groups: Of the widening convolution; None is the plain block, which is not what 1 is: with 1 group
            of c inputs the narrowing convolution has hidden / c groups.
        hidden: Channels in between, the paper's #exp.
        kernel_size: Of the depthwise convolution, odd.
        activation: Makes the two activations.
        squeeze: Channels of the squeeze-and-excite branch; 0 leaves it out.
        channels_in: Width of the input; None means the same.
        stride: Of the depthwise convolution.
        dilation: Of the depthwise convolution.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).

    Cost:
        hidden * (channels_in + channels) / groups + kernel_size^2 * hidden multiply-accumulates a pixel
        where no group is lowered and the stride is 1.
    """

    def __init__(
        self,
        channels: int,
        groups: int | None = None,
        *,
        hidden: int,
        kernel_size: int = 3,
        activation: MakeActivation = nn.Hardswish,
        squeeze: int = 0,
        channels_in: int | None = None,
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        channels_in = channels if channels_in is None else channels_in
        widen = narrow = 1
        if groups is not None:
            widen = common_divisor(channels_in, hidden, at_most=groups)
            narrow = common_divisor(hidden, channels, at_most=hidden * groups // channels_in)
        self.keeps_shape = (channels_in, stride) == (channels, 1)
        self.expand: nn.Module = (
            nn.Identity()
            if hidden == channels_in
            else nn.Sequential(
                nn.Conv2d(channels_in, hidden, 1, groups=widen, bias=False), nn.BatchNorm2d(hidden), activation()
            )
        )
        padding = dilation * (kernel_size // 2)
        self.depthwise = nn.Sequential(
            nn.Conv2d(hidden, hidden, kernel_size, stride, padding, dilation, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
        )
        self.squeeze = squeeze_excitation(hidden, squeeze) if squeeze else nn.Identity()
        self.activation = activation()
        self.project = nn.Sequential(
            nn.Conv2d(hidden, channels, 1, groups=narrow, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.after_expand(x, self.expand(x))

    def after_expand(self, x: Tensor, expanded: Tensor) -> Tensor:
        """The rest of the block, for who takes `expanded`, that is `expand(x)`, out of it."""
        y: Tensor = self.depthwise(expanded)
        y = self.project(self.activation(self.squeeze(y)))
        return x + y if self.keeps_shape else y


def mgic_inverted_residual(
    channels: int,
    group_size: int,
    coarsest_size: int,
    coarsening: Coarsening = "paper",
    *,
    hidden: int,
    kernel_size: int = 3,
    activation: MakeActivation = nn.Hardswish,
    squeeze: bool = False,
    squeeze_levels: Literal["finest", "all"] = "finest",
    dilation: int = 1,
) -> MGICBlock:
    """The MGIC form of the block: `hidden` halves with the channels from level to level.

    The group size is first lowered to the largest that divides both `channels` and `hidden`
    (appendix B.2: 64 becomes 40 for 40 channels and 120 hidden ones).

    Args:
        channels: Width of level 0.
        group_size: The paper's s_g.
        coarsest_size: The paper's s_c.
        coarsening: See `mgic.layers.hierarchy.halvings`.
        hidden: Channels in between on level 0.
        kernel_size: Of the depthwise convolutions.
        activation: Makes the activations.
        squeeze: Whether there is squeeze-and-excite, of a quarter of the hidden channels.
        squeeze_levels: On which levels.
        dilation: Of the depthwise convolutions.

    Raises:
        BadConfig: As `MGICBlock`.
    """
    coarsest = level_widths(channels, coarsest_size, coarsening)[-1]

    def level(width: int, groups: int) -> InvertedResidual:
        inner = hidden * width // channels
        squeezed = squeeze and (width == channels or squeeze_levels == "all")
        return InvertedResidual(
            width,
            None if width == coarsest else groups,
            hidden=inner,
            kernel_size=kernel_size,
            activation=activation,
            squeeze=multiple(inner / 4, 4) if squeezed else 0,
            dilation=dilation,
        )

    size = common_divisor(channels, hidden, at_most=group_size) if group_size > 0 else group_size
    return MGICBlock(channels, level, size, coarsest_size, coarsening)


def multiple(value: float, divisor: int) -> int:
    """The multiple of `divisor` next to `value`, at least one of it, and never more than a tenth below `value`."""
    near = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * value else near


def common_divisor(*numbers: int, at_most: int) -> int:
    """The largest number up to `at_most`, and at least 1, that divides all of `numbers`."""
    return next(d for d in range(max(1, at_most), 0, -1) if not any(n % d for n in numbers))
