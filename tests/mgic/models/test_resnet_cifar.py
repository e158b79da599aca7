"""The networks for small images: which there are, and how they are put together."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.layers import BasicBlock, MGICBlock
from mgic.models import create, list_models
from mgic.models.resnet_cifar import DEPTHS
from tests.cases import thorough


def test_there_is_one_for_each_depth_but_the_bottleneck_s():
    assert DEPTHS == (20, 26, 32, 38, 44, 56, 62, 68, 74, 80, 86, 92, 98, 104, 110)
    assert {f"{family}{depth}" for family in ("resnet", "mgic_resnet") for depth in DEPTHS} <= set(list_models())


@pytest.mark.parametrize("depth", [DEPTHS[0], DEPTHS[-1], *thorough(*DEPTHS[1:-1])])
def test_depth_counts_the_layers_with_weights(depth):
    with torch.device("meta"):
        plain, mgic = create(f"resnet{depth}"), create(f"mgic_resnet{depth}")
    layers = [m for m in plain.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth
    blocks = [m for m in mgic.modules() if isinstance(m, MGICBlock)]
    assert [block.levels[0].channels for block in blocks] == sorted([16, 32, 64] * ((depth - 2) // 6))


@pytest.mark.parametrize("name", ["resnet20", "mgic_resnet20"])
@pytest.mark.parametrize("side", [8, 32])
def test_stages_halve_the_resolution(name, side):
    model = create(name).eval()
    seen = []
    for module in model.modules():
        if isinstance(module, MGICBlock if name == "mgic_resnet20" else BasicBlock):
            module.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
    model(torch.randn(1, 3, side, side))
    stages = [(16, side, side), (32, side // 2, side // 2), (64, side // 4, side // 4)]
    assert list(dict.fromkeys(shape for shape in seen if shape in stages)) == stages


def test_options_reach_the_blocks():
    model = create("mgic_resnet20", group_size=6, coarsest_size=5, coarsening="released", width=24)
    block = model.stages[0]
    assert [(level.channels, level.group_size) for level in block.levels] == [(24, 6), (12, 6), (6, 6), (3, 3)]


def test_a_width_that_cannot_be_halved_names_the_option_to_change():
    with pytest.raises(BadConfig, match=r"channels=17 .*coarsest_size=16") as caught:
        create("mgic_resnet20", width=17)
    assert caught.value.problems[0].pointer == "coarsest_size"
