"""Ghost ResNets: the figures of their docstrings, and which convolutions are ghost modules."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.layers.ghost import GhostModule
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.ghost_resnet import GhostBasicBlock


def built(name: str, **options) -> nn.Module:
    with torch.device("meta"):
        return create(name, **options)


@pytest.mark.parametrize(
    ("name", "ratio", "size", "params", "macs"),
    [
        ("ghost_resnet56", 2, (3, 32, 32), 438_154, 65_286_784),
        ("ghost_resnet50", 2, (3, 224, 224), 13_953_512, 2_151_023_360),
        ("ghost_resnet50", 4, (3, 224, 224), 8_151_752, 1_181_942_912),
    ],
)
def test_costs_are_those_of_the_docstring(name, ratio, size, params, macs):
    cost = count_cost(built(name, ratio=ratio), size)
    assert (cost.params, cost.macs) == (params, macs)


def test_every_3x3_of_resnet56_but_the_stem_is_a_ghost_module():
    network = built("ghost_resnet56")
    assert sum(isinstance(m, GhostModule) for m in network.modules()) == 54
    full = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3) and m.groups == 1]
    assert [m.out_channels for m in full] == [16] + [8] * 18 + [16] * 18 + [32] * 18


def test_every_convolution_of_resnet50_but_the_stem_is_a_ghost_module():
    network = built("ghost_resnet50", ratio=4)
    ghosts = [m for m in network.modules() if isinstance(m, GhostModule)]
    assert len(ghosts) == 16 * 3 + 4
    inside = {conv for ghost in ghosts for conv in ghost.modules()}
    outside = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m not in inside]
    assert [m.kernel_size for m in outside] == [(7, 7)]


def test_a_basic_block_costs_what_a_hand_counts():
    block = GhostBasicBlock(16, 32, ratio=2)
    first = 9 * 16 * 16 + 9 * 16 + 2 * 32
    second = 9 * 32 * 16 + 9 * 16 + 2 * 32
    assert sum(p.numel() for p in block.parameters()) == first + second
    assert block(torch.randn(2, 16, 8, 8)).shape == (2, 32, 4, 4)
    assert count_cost(block, (16, 8, 8)).macs == 16 * (9 * 16 * 16 + 9 * 16 + 9 * 32 * 16 + 9 * 16)


@pytest.mark.parametrize("ratio", [1, 3, 8])
def test_only_ratios_2_and_4_are_taken(ratio):
    with pytest.raises(BadConfig, match="ratio"):
        create("ghost_resnet50", ratio=ratio)
