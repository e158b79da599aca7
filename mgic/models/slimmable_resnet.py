"""ResNet-50 that runs at one of several widths, chosen at run time (table 7 of the MGIC paper).

Paper: Yu et al., "Slimmable Neural Networks", https://arxiv.org/abs/1812.08928
"""

from typing import Annotated, cast

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import BadConfig, Problem
from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.bottleneck_skeleton import bottleneck_stages, put_together

WIDTHS = (0.25, 0.5, 0.75, 1.0)

MaxWidth = Annotated[
    float,
    Field(ge=0.25, le=1, multiple_of=0.25, description="Widest it can run at: 0.25, 0.5, 0.75 or 1 times the channels"),
]
Width = Annotated[
    Annotated[float, Field(ge=0.25, le=1, multiple_of=0.25)] | None,
    Field(description="Width it runs at when built, at most max_width; empty for just that"),
]


class SlimConv(nn.Conv2d):
    """A convolution that can use the first filters only, and the first channels of each.

    The input says how many channels; `share` is the share of the filters in use.
    """

    share: float = 1.0

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight[: round(self.out_channels * self.share), : x.shape[1]]
        return functional.conv2d(x, weight, None, self.stride, self.padding)


class SlimLinear(nn.Linear):
    """A linear layer that uses as many columns of its weight as the input has features."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight[:, : x.shape[-1]], self.bias)


class SwitchNorm(nn.Module):
    """BatchNorm with weights and statistics of its own for each width; `active` says which are in use."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(count) for count in channels)
        self.active = len(channels) - 1

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norms[self.active](x)
        return normed


class SlimmableResNet(nn.Module):
    """A ResNet-50 with one set of convolutions, whose first channels are the narrower networks.

    A training step trains the width it runs at: the paper adds up the gradients of all widths in each step,
    one forward and backward pass after another, before the optimiser moves the weights.

    Args:
        max_width: The widest of `widths`, for which weights are allocated.
        in_channels: Channels of the input.
        num_classes: Length of the output.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes).
    """

    def __init__(self, max_width: float, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.widths = tuple(width for width in WIDTHS if width <= max_width)
        self.width = max_width
        width = round(64 * max_width)
        self.layers = put_together(
            self._unit(in_channels, width, 7, 2),
            bottleneck_stages(width, self._unit),
            SlimLinear(32 * width, num_classes),
        )
        init_weights(self)

    def switch_width(self, width: float) -> None:
        """Run at this width from now on.

        Raises:
            BadConfig: None of `widths`.
        """
        if width not in self.widths:
            detail = f"width={width} is none of the widths this network can run at, {self.widths}"
            raise BadConfig(detail, (Problem("width", "out_of_range", detail),))
        self.width = width
        for module in self.modules():
            if isinstance(module, SlimConv):
                module.share = width / self.widths[-1]
            elif isinstance(module, SwitchNorm):
                module.active = self.widths.index(width)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x))

    def _unit(
        self, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
    ) -> nn.Module:
        channels = tuple(round(channels_out * width / self.widths[-1]) for width in self.widths)
        conv = SlimConv(channels_in, channels_out, kernel_size, stride, kernel_size // 2, bias=False)
        return nn.Sequential(conv, SwitchNorm(channels), *([nn.ReLU(inplace=True)] if activation else []))


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def slimmable_resnet50(
    *,
    max_width: MaxWidth = 1.0,
    width: Width = None,
    num_classes: NumClasses = 1000,
    in_channels: InChannels = 3,
) -> nn.Module:
    """ResNet-50 whose width can be switched while it runs: shared convolutions, a BatchNorm for each width.

    Its method `switch_width` changes the width. max_width=0.5 is what table 7 prints.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); 224x224 in the paper.

    Cost:
        At width 0.25, 0.5, 0.75 and 1: 0.278, 1.052, 2.323 and 4.089 billion multiply-accumulates; the authors give
        0.278, 1.1, 2.3 and 4.1. With max_width=0.5 6.93 million parameters, printed are 6.9; with max_width=1 25.64,
        which is a ResNet-50 and 0.08 for the norms of the other widths, whatever the width it runs at.

    Raises:
        BadConfig: `width` is more than `max_width`.
    """
    network = SlimmableResNet(max_width, in_channels, num_classes)
    network.switch_width(max_width if width is None else width)
    return network
