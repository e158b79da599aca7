"""ResNet-50 of versatile filters: one stored filter used as several (table 7 of the MGIC paper).

Paper: Wang et al., "Learning Versatile Filters for Efficient Convolutional Neural Networks", NeurIPS 2018,
https://papers.nips.cc/paper/7433-learning-versatile-filters-for-efficient-convolutional-neural-networks
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import BadConfig, Problem
from mgic.layers import init_weights
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.bottleneck_skeleton import bottleneck_stages, put_together

ChannelStep = Annotated[
    int,
    Field(ge=0, le=32, description="Channels between the two positions of a filter, c - c^ = g; 0: one position"),
]


class SecondaryConv(nn.Conv2d):
    """The convolution by one secondary filter of each primary one: the middle of a weight that others use too.

    Args:
        primary: The weight, of shape (filters, channels, side, side).
        border: Pixels of each filter left out on all sides.
        stride: As of any convolution.
    """

    def __init__(self, primary: nn.Parameter, border: int, stride: int) -> None:
        filters, channels, side, _ = primary.shape
        size = side - 2 * border
        with torch.device("meta"):  # what it would draw is thrown away
            super().__init__(channels, filters, size, stride, size // 2, bias=False)
        self.weight = primary
        self.border = border

    def forward(self, x: Tensor) -> Tensor:
        kept = slice(self.border, self.border + self.kernel_size[0])
        return functional.conv2d(x, self.weight[:, :, kept, kept], None, self.stride, self.padding)


class VersatileConv(nn.Module):
    """A convolution whose primary filters each give several output channels.

    From a filter of side k come its ceil(k / 2) concentric parts, of sides k, k - 2, ..., 1; with a channel step
    each of them is used twice, on all input channels but the last `channel_step` and on all but the first.
    Only the primary filters are stored. Output: all filters of side k at the first position, at the second,
    then those of side k - 2, and so on.

    Args:
        channels_in: Width of the input, more than `channel_step`.
        channels_out: Width of the output, a multiple of the channels that come from one filter.
        kernel_size: Side of the primary filters, odd.
        stride: Of the convolution.
        channel_step: The paper's c - c^, with a stride g of the same size; 0 for filters versatile in space only.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels_out, ceil(height / stride), ceil(width / stride)).

    Cost:
        For a 3x3 with a channel step: channels_out / 2 * (9 + 1) * (channels_in - channel_step)
        multiply-accumulates an output pixel, and channels_out / 4 * 9 * (channels_in - channel_step) parameters.

    Raises:
        BadConfig: A width that does not fit, or an even kernel.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, channel_step: int = 0
    ) -> None:
        super().__init__()
        parts = (kernel_size + 1) // 2
        self.starts = (0, channel_step) if channel_step else (0,)
        _check(channels_in, channels_out, kernel_size, channel_step, parts * len(self.starts))
        filters = channels_out // (parts * len(self.starts))
        self.channels = channels_in - channel_step
        primary = nn.Parameter(torch.empty(filters, self.channels, kernel_size, kernel_size))
        nn.init.kaiming_normal_(primary, nonlinearity="relu")
        self.secondary = nn.ModuleList(
            SecondaryConv(primary, border, stride) for border in range(parts) for _ in self.starts
        )

    def forward(self, x: Tensor) -> Tensor:
        windows = [x[:, start : start + self.channels] for start in self.starts]
        outputs = [conv(windows[i % len(windows)]) for i, conv in enumerate(self.secondary)]
        return torch.cat(outputs, dim=1)


@register_model(input_size=(3, 224, 224), smallest=(32, 32))
def versatile_resnet50(
    *, channel_step: ChannelStep = 1, num_classes: NumClasses = 1000, in_channels: InChannels = 3
) -> nn.Module:
    """ResNet-50 of filters versatile in space and in channels; the stem's are in space only.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes); 224x224 in the paper.

    Cost:
        10.98 million parameters and 3.18 billion multiply-accumulates; printed are 11.0 and 3.0. The parameters say
        that both kinds of versatility halve the filters; how far apart the two positions of a filter are could
        not be found, and decides little: one channel is the authors' code's default, 12 would give 3.0. So would a
        ResNet-50 with its strides in the first 1x1 of a block instead of the 3x3 (2.95), as He et al. have them;
        here they are where the 4.1 billion printed for ResNet-50 itself have them. channel_step=0 gives
        19.89 and 3.20.
    """
    stem = nn.Sequential(VersatileConv(in_channels, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True))

    def unit(
        channels_in: int, channels_out: int, kernel_size: int, stride: int = 1, activation: bool = True
    ) -> nn.Module:
        conv = VersatileConv(channels_in, channels_out, kernel_size, stride, channel_step)
        return nn.Sequential(conv, nn.BatchNorm2d(channels_out), *([nn.ReLU(inplace=True)] if activation else []))

    network = put_together(stem, bottleneck_stages(64, unit), nn.Linear(2048, num_classes))
    init_weights(network)
    return network


def _check(channels_in: int, channels_out: int, kernel_size: int, channel_step: int, uses: int) -> None:
    if kernel_size < 1 or kernel_size % 2 == 0:
        detail = f"kernel_size={kernel_size} should be odd, so that its concentric parts end in one pixel"
        raise BadConfig(detail, (Problem("kernel_size", "not_odd", detail),))
    if not 0 <= channel_step < channels_in:
        detail = f"channel_step={channel_step} leaves none of channels_in={channels_in}"
        raise BadConfig(detail, (Problem("channel_step", "out_of_range", detail),))
    if channels_out < 1 or channels_out % uses:
        detail = f"channels_out={channels_out} is no multiple of the {uses} channels that come from one filter"
        raise BadConfig(detail, (Problem("channels_out", "not_multiple", detail),))
