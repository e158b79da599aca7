"""Bricks with torchvision's code, which takes as long to import as torch: it is, by the first network that has one."""

from collections.abc import Callable

from torch import nn


def conv_norm_act(
    channels_in: int,
    channels: int,
    kernel_size: int = 3,
    stride: int = 1,
    activation: Callable[..., nn.Module] = nn.ReLU,
) -> nn.Module:
    """Convolution without bias, padded to keep the size at stride 1, BatchNorm, activation.

    Shape:
        (batch, channels_in, height, width) -> (batch, channels, ceil(height / stride), ceil(width / stride)).
    """
    from torchvision.ops import Conv2dNormActivation

    layer: nn.Module = Conv2dNormActivation(channels_in, channels, kernel_size, stride, activation_layer=activation)
    return layer


def squeeze_excitation(channels: int, squeezed: int) -> nn.Module:
    """Scale each channel by what all of them say, between 0 and 1 by a hard sigmoid, through `squeezed` channels.

    Source: Hu et al., https://arxiv.org/abs/1709.01507.
    """
    from torchvision.ops import SqueezeExcitation

    layer: nn.Module = SqueezeExcitation(channels, squeezed, scale_activation=nn.Hardsigmoid)
    return layer


def lraspp_head(low: int, high: int, num_classes: int, channels: int) -> nn.Module:
    """The LR-ASPP head; Howard et al., https://arxiv.org/abs/1905.02244.

    Args:
        low: Channels of the map of 1/8 of the image's sides.
        high: Channels of the one of 1/16.
        num_classes: Channels of the answer.
        channels: In between.
    """
    from torchvision.models.segmentation.lraspp import LRASPPHead

    head: nn.Module = LRASPPHead(low, high, num_classes, channels)
    return head
