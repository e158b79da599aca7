"""Networks of torchvision and timm under their packages' names, with their packages' code.

Nothing is imported before a network is built, and no trained weights are fetched. What each
network costs beside the paper's figures is in `tests/mgic/models/test_packages.py`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn

from mgic.models import InChannels, NumClasses, add_model, register_model
from mgic.models.options import WidthMult

IMAGE = (3, 224, 224)
SMALLEST = (64, 64)  # pixels: 2x2 are left before the pooling, so that BatchNorm trains with two images

TORCHVISION = {
    "resnet50": "ResNet-50, bottlenecks of three convolutions; He et al., https://arxiv.org/abs/1512.03385.",
    "resnext50_32x4d": "ResNeXt-50, ResNet-50 with 32 groups of 4; Xie et al., https://arxiv.org/abs/1611.05431.",
    "mobilenet_v3_small": "MobileNetV3-Small; Howard et al., https://arxiv.org/abs/1905.02244.",
    "mobilenet_v3_large": "MobileNetV3-Large; Howard et al., https://arxiv.org/abs/1905.02244.",
    "shufflenet_v2_x0_5": "ShuffleNetV2 0.5x; Ma et al., https://arxiv.org/abs/1807.11164.",
    "shufflenet_v2_x1_0": "ShuffleNetV2 1.0x; Ma et al., https://arxiv.org/abs/1807.11164.",
    "shufflenet_v2_x1_5": "ShuffleNetV2 1.5x; Ma et al., https://arxiv.org/abs/1807.11164.",
}
TIMM = {
    "mobilenetv2_035": "MobileNetV2 0.35x; Sandler et al., https://arxiv.org/abs/1801.04381.",
    "mobilenetv3_small_075": "MobileNetV3-Small 0.75x; Howard et al., https://arxiv.org/abs/1905.02244.",
    "mobilenetv3_large_075": "MobileNetV3-Large 0.75x; Howard et al., https://arxiv.org/abs/1905.02244.",
    "mobilenetv3_large_100": "MobileNetV3-Large 1.0x; Howard et al., https://arxiv.org/abs/1905.02244.",
    "ghostnet_050": "GhostNet 0.5x; Han et al., https://arxiv.org/abs/1911.11907.",
    "ghostnet_100": "GhostNet 1.0x; Han et al., https://arxiv.org/abs/1911.11907.",
    "ghostnet_130": "GhostNet 1.3x; Han et al., https://arxiv.org/abs/1911.11907.",
    "semnasnet_100": "MnasNet-A1, the one with squeeze and excitation; Tan et al., https://arxiv.org/abs/1807.11626.",
}


class OutOnly(nn.Module):
    """The entry "out" of a network that answers with a dictionary."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.network(x)["out"]
        return y


def torchvision_network(name: str, *, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """Any classifier of torchvision, untrained."""
    return of_torchvision(name, in_channels, {"num_classes": num_classes})


def timm_network(name: str, *, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """Any classifier of timm, untrained."""
    return of_timm(name, in_channels, {"num_classes": num_classes})


def of_timm(name: str, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    """Build it; `options` are those of timm's constructor."""
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, in_chans=in_channels, **options)
    return network


def of_torchvision(name: str, in_channels: int, options: Mapping[str, Any]) -> nn.Module:
    """Build; where the input has not three channels, the first convolution starts anew, as torch starts one."""
    from torchvision.models import get_model

    network: nn.Module = get_model(name, weights=None, **options)
    if in_channels != 3:
        first = next(part for part in network.modules() if isinstance(part, nn.Conv2d))
        first.in_channels = in_channels
        first.weight = nn.Parameter(first.weight.new_empty(first.out_channels, in_channels, *first.kernel_size))
        first.reset_parameters()
    return network


def _register(package: str, build: Callable[..., nn.Module], networks: Mapping[str, str]) -> None:
    for name, words in networks.items():
        add_model(name, partial(build, name), words, input_size=IMAGE, smallest=SMALLEST, package=package)


_register("torchvision", torchvision_network, TORCHVISION)
_register("timm", timm_network, TIMM)


@register_model(input_size=IMAGE, smallest=SMALLEST, package="torchvision")
def mobilenet_v2(
    *, width_mult: WidthMult = 1.0, num_classes: NumClasses = 1000, in_channels: InChannels = 3
) -> nn.Module:
    """MobileNetV2 of any width; Sandler et al., https://arxiv.org/abs/1801.04381.

    Widths are rounded to multiples of 8; the last convolution is never under 1280 channels.
    At 0.6x that is 151.0M multiply-accumulates, where the MGIC paper quotes 141M.
    """
    return of_torchvision("mobilenet_v2", in_channels, {"num_classes": num_classes, "width_mult": width_mult})


@register_model(input_size=IMAGE, smallest=SMALLEST, package="timm")
def mobilenetv1_050(*, num_classes: NumClasses = 1000, in_channels: InChannels = 3) -> nn.Module:
    """MobileNetV1 0.5x; Howard et al., https://arxiv.org/abs/1704.04861.

    timm registers this network from 1.0x up only, and `mobilenetv1_100` takes no other width; the
    generator behind it, which is not part of timm's public interface, does.
    """
    from timm.models.efficientnet import _gen_mobilenet_v1

    network: nn.Module = _gen_mobilenet_v1(  # type: ignore[no-untyped-call]
        "mobilenetv1_100", channel_multiplier=0.5, pretrained=False, num_classes=num_classes, in_chans=in_channels
    )
    return network


@register_model(input_size=(3, 1024, 2048), task="segmentation", smallest=SMALLEST, package="torchvision")
def lraspp_mobilenet_v3_large(*, num_classes: NumClasses = 19, in_channels: InChannels = 3) -> nn.Module:
    """MobileNetV3-Large with the LR-ASPP head, for segmentation; Howard et al., https://arxiv.org/abs/1905.02244.

    The backbone keeps its full widths, so that this is not the network of the MGIC paper's table 11
    (1.51M parameters, 9.74G multiply-accumulates), whose last blocks are halved, but 3.22M and 15.77G.

    Shape:
        (batch, in_channels, height, width) -> (batch, num_classes, height, width).
    """
    options = {"num_classes": num_classes, "weights_backbone": None}
    return OutOnly(of_torchvision("lraspp_mobilenet_v3_large", in_channels, options))
