"""The blocks that write in place, against the same sums and products written out of place."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

import mgic
from mgic.layers import BasicBlock, Bottleneck
from tests.cases import thorough


def basic(block, x):
    y = functional.relu(block.norm1(block.conv1(x)))
    return functional.relu(block.norm2(block.conv2(y)) + block.shortcut(x))


def bottleneck(block, x):
    y = functional.relu(block.norm1(block.conv1(x)))
    y = functional.relu(block.norm2(block.conv2(y)))
    return functional.relu(block.norm3(block.conv3(y)) + x)


PLAIN = {BasicBlock: basic, Bottleneck: bottleneck}


def out_of_place(network):
    """A copy that keeps every tensor that it computes."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if type(module) in PLAIN:
            module.forward = PLAIN[type(module)].__get__(module)
        elif isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def outcome(network, images, train):
    network.train(train).zero_grad()
    images = images.clone().requires_grad_()
    output = network(images)
    (output * torch.arange(1.0, 1 + output[0].numel(), dtype=output.dtype).view_as(output[0])).sum().backward()
    return [output, images.grad, *(p.grad for p in network.parameters()), *network.buffers()]


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(
    "name",
    ["mgic_resnet20", *thorough("mgic_resnet50", "mgic_mobilenet_v3", "resnet20", "ghost_resnet56", "shufflenet_v1")],
)
def test_writing_in_place_changes_no_number(name, train):
    torch.manual_seed(0)
    network = mgic.create(name).double()
    images = torch.randn(3, 3, 64, 64, dtype=torch.float64)
    plain, given = out_of_place(network), images.clone()
    for found, expected in zip(outcome(network, images, train), outcome(plain, images, train), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert torch.equal(images, given)


@pytest.mark.parametrize("block", [BasicBlock(8), BasicBlock(8, groups=2), Bottleneck(2)])
def test_a_block_leaves_its_input_as_it_is(block):
    x = torch.randn(2, 8, 5, 5)
    before = x.clone()
    block(x)
    assert torch.equal(x, before)
