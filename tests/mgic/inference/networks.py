"""The networks that are prepared, real and made up, and what is put into them."""

import copy
from functools import partial

import timm
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torchvision.models import mobilenet_v3_small, resnet18

import mgic

NETWORKS = {
    "resnet20": partial(mgic.create, "resnet20"),
    "mgic_resnet20": partial(mgic.create, "mgic_resnet20"),
    "mgic_resnet20, five levels": partial(mgic.create, "mgic_resnet20", group_size=4, coarsest_size=4),
    "resnet18": resnet18,
    "mobilenet_v3_small": mobilenet_v3_small,
    "ghostnet_050": partial(timm.create_model, "ghostnet_050"),
    "mobilenetv3_small_050": partial(timm.create_model, "mobilenetv3_small_050"),
}


def drawn(network: nn.Module) -> nn.Module:
    """With norms that do something, as after training."""
    torch.manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, _BatchNorm) and norm.running_mean is not None:
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.2, 3)
            nn.init.uniform_(norm.weight, 0.3, 1.5)
            nn.init.normal_(norm.bias, 0, 0.3)
    return network


def images(batch: int = 2, side: int = 32, channels: int = 3) -> torch.Tensor:
    return torch.randn(batch, channels, side, side, generator=torch.Generator().manual_seed(batch))


def difference(network: nn.Module, other: nn.Module, example: torch.Tensor) -> float:
    """Largest difference of the outputs, relative to the largest output."""
    with torch.no_grad():
        expected = copy.deepcopy(network).eval()(example)
        return float((other(example) - expected).abs().max() / expected.abs().max())


class Functional(nn.Module):
    """A forward in a test's own words over the layers it names."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.rule = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        return self.rule(self, x)


def conv(channels_in: int = 3, channels: int = 8) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels, 3, padding=1)
