"""FBNet-B and ProxylessNAS: what they cost, and the form of their blocks."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost, model_cost
from mgic.models import create
from mgic.models.searched import InvertedResidual, Layer


def test_proxylessnas_has_the_parameters_others_count_and_the_printed_cost():
    cost = model_cost("proxylessnas_mobile", {}, (3, 224, 224))
    assert cost.params == 4_080_512
    assert round(cost.macs / 1e6) == 320


def test_fbnet_b_has_the_cost_of_the_authors_release():
    """They print 4.8M and 291.1M for it; the paper prints 4.5M and 295M."""
    cost = model_cost("fbnet_b", {}, (3, 224, 224))
    assert round(cost.params / 1e6, 1) == 4.8
    assert cost.macs / 1e6 == pytest.approx(291.1, abs=0.15)
    assert cost.macs / 1e6 == pytest.approx(295, rel=0.02)


def test_an_inverted_residual_costs_what_its_docstring_says():
    cost = count_cost(InvertedResidual(8, Layer(5, 3, 12, 2), nn.ReLU), (8, 6, 6))
    assert cost.macs == 36 * 24 * 8 + 9 * 24 * (25 + 12)
    plain = count_cost(InvertedResidual(8, Layer(3, 1, 12), nn.ReLU), (8, 6, 6))
    assert plain.macs == 36 * 8 * (9 + 12)


@pytest.mark.parametrize(
    ("layer", "adds"),
    [(Layer(3, 1, 8), True), (Layer(5, 6, 8), True), (Layer(7, 3, 8, 2), False), (Layer(3, 6, 12), False)],
)
def test_the_input_is_added_where_the_shape_stays(layer, adds):
    block = InvertedResidual(8, layer, nn.ReLU6).eval()
    nn.init.zeros_(block.layers[-1].weight)
    x = torch.rand(2, 8, 6, 6)
    y = block(x)
    assert y.shape == (2, layer.channels, 6 // layer.stride, 6 // layer.stride)
    assert torch.equal(y, x) if adds else not y.any()


@pytest.mark.parametrize("name", ["fbnet_b", "proxylessnas_mobile"])
def test_a_block_ends_without_activation(name):
    for block in create(name).blocks:
        assert isinstance(block.layers[-1], nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("name", "blocks", "shortcuts", "last"),
    [("fbnet_b", 21, 15, 1984), ("proxylessnas_mobile", 20, 13, 1280)],
)
def test_22_positions_less_those_skipped(name, blocks, shortcuts, last):
    network = create(name)
    assert len(network.blocks) == blocks
    assert sum(block.shortcut for block in network.blocks) == shortcuts
    assert network.head.in_features == last


@pytest.mark.parametrize("name", ["fbnet_b", "proxylessnas_mobile"])
def test_the_resolution_falls_by_32(name):
    network = create(name, in_channels=1, num_classes=7).eval()
    x = torch.randn(2, 1, 64, 96)
    assert network.blocks(network.stem(x)).shape[2:] == (2, 3)
    assert network(x).shape == (2, 7)


@pytest.mark.parametrize("name", ["fbnet_b", "proxylessnas_mobile"])
def test_a_searched_network_has_one_width(name):
    with pytest.raises(BadConfig, match="width_mult"):
        create(name, width_mult=0.5)
