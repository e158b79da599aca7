"""Your block in MGIC: a function that builds it for a width and a number of groups is all that is asked for."""

from torch import nn

import mgic


def block(channels: int, groups: int) -> nn.Module:
    convolution = nn.Conv2d(channels, channels, 3, padding=1, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.GELU())


plain = block(256, groups=1)
hierarchy = mgic.MGICBlock(256, block, group_size=16, coarsest_size=32)
for name, network in {"plain": plain, "in MGIC": hierarchy}.items():
    cost = mgic.count_cost(network, (256, 32, 32))
    print(f"{name}: {cost.params:,} parameters, {cost.macs:,} MACs")
