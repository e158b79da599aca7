"""Small networks to prune, and their multiply-accumulates by another way than the code's."""

import torch
from torch import nn
from torch.nn import functional

IMAGE = (1, 8, 8)


def shaken(model: nn.Module) -> nn.Module:
    """With norms that do something, which fresh ones do not."""
    torch.manual_seed(3)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight.data, layer.bias.data, layer.running_mean):
                tensor.normal_()
            layer.running_var.uniform_(0.5, 2)
    return model.eval()


def chain(norm: bool = True) -> nn.Sequential:
    """conv0 (1 -> 4), conv3 (4 -> 3), linear: two groups, of 4 and 3 channels."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Conv2d(4, 3, 3, padding=1),
        nn.BatchNorm2d(3) if norm else nn.Identity(),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 10),
    )


class Mixed(nn.Module):
    """A sum, a concatenation and a depthwise convolution: what couples channels in the networks we have."""

    def __init__(self, side: int = 1) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(side)
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.inner = nn.Sequential(nn.Conv2d(6, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 6, 1))
        self.deep = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.BatchNorm2d(6), nn.ReLU())
        self.side = nn.Conv2d(6, 4, 1)
        self.head = nn.Linear((6 + 4) * side**2, 10)

    def forward(self, x):
        x = functional.relu(self.stem(x))
        x = x + self.inner(x)
        x = torch.cat([self.deep(x), self.side(x)], dim=1)
        return self.head(self.pool(x).flatten(1))


def macs_by_hand(model: nn.Module, size: tuple[int, ...]) -> int:
    """From the shapes that really pass, by another way than `count_cost`."""
    total = 0

    def add(layer, inputs, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            taps = layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1]
            total += taps * layer.out_channels * output.shape[2] * output.shape[3]
        else:
            total += layer.in_features * layer.out_features

    hooks = [m.register_forward_hook(add) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    model.eval()(torch.zeros(1, *size))
    for hook in hooks:
        hook.remove()
    return total
