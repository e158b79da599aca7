"""Groups of channels are computed part by part where nobody else reads what is written over, and nowhere else."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import mgic
from mgic.inference import optimize_for_inference
from mgic.inference.parts import ByParts
from mgic.layers import BasicBlock, Bottleneck
from tests.mgic.inference.networks import NETWORKS, Functional, difference, drawn, images


def grouped(channels: int = 8, groups: int = 4) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, groups=groups)


def parts(network: nn.Module) -> list[int]:
    return [len(module.parts) for module in network.modules() if isinstance(module, ByParts)]


@pytest.mark.parametrize(
    ("make_block", "expansion"), [(BasicBlock, 1), (lambda c, g: Bottleneck(c, g, expansion=2), 2)]
)
def test_all_levels_but_the_coarsest_go_part_by_part_and_the_numbers_stay(make_block, expansion):
    block = mgic.MGICBlock(32, make_block, group_size=4, coarsest_size=8, expansion=expansion)
    network = drawn(nn.Sequential(nn.Conv2d(3, 32 * expansion, 1), block))
    fast = optimize_for_inference(network, images(), target="memory")
    assert parts(fast) == [4, 4]  # of 16 and of 32 channels, in 4 and 8 groups
    for example in (images(1), images(3, 48)):
        assert difference(network, fast, example) < 1e-5


def test_a_network_goes_part_by_part_and_the_numbers_stay():
    network = drawn(NETWORKS["mgic_resnet20, five levels"]())
    fast = optimize_for_inference(network, images(), target="memory")
    assert parts(fast) == [2, 4] * 3 + [2, 4, 4] * 3 + [2, 4, 4, 4] * 3  # the second level has two groups of 4 channels
    assert difference(network, fast, images(3)) < 1e-5


def test_the_output_lies_where_the_input_was():
    network = nn.Sequential(nn.Conv2d(3, 8, 1), grouped(), nn.ReLU())
    fast = optimize_for_inference(network, images(), target="memory")
    (step,) = (module for module in fast.modules() if isinstance(module, ByParts))
    x = images(channels=8)
    expected = functional.relu(network[1](x))
    y = step(x)
    assert y is x
    assert torch.allclose(y, expected, atol=1e-6)


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.second(x),  # the example of who asks
        lambda self, x: self.second(y := self.first(x)) + y.mean(),
        lambda self, x: self.dense(self.first(x)),
    ],
    ids=["the input", "read by another too", "one group"],
)
def test_what_may_not_be_written_over_or_is_not_apart_is_left(forward):
    network = Functional(forward, first=nn.Conv2d(8, 8, 1), second=grouped(), dense=grouped(groups=1)).eval()
    fast = optimize_for_inference(network, images(channels=8), target="memory")
    assert parts(fast) == []
    assert difference(network, fast, images(3, channels=8)) < 1e-6


def test_groups_are_not_torn():
    network = nn.Sequential(nn.Conv2d(3, 6, 1), grouped(6, 3), grouped(6, 2)).eval()  # of 2 and of 3 channels
    fast = optimize_for_inference(network, images(), target="memory")
    assert parts(fast) == [3]  # of the second nobody is known to be the one who reads what it would write over
    assert difference(network, fast, images(3)) < 1e-6
