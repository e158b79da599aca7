"""Connectors and the basic block: shapes, sizes and refusals."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.layers import BasicBlock, Connector, PadShortcut


@pytest.mark.parametrize(
    ("kind", "channels_out", "params"), [("depthwise", 24, 9 * 24 + 2 * 24), ("pointwise", 20, 12 * 20)]
)
def test_a_connector_changes_channels_and_resolution(kind, channels_out, params):
    connector = Connector(12, channels_out, stride=2, kind=kind)
    assert connector(torch.randn(2, 12, 7, 8)).shape == (2, channels_out, 4, 4)
    assert sum(p.numel() for p in connector.parameters()) == params


def test_a_depthwise_connector_needs_a_multiple():
    with pytest.raises(BadConfig, match=r"channels_out=20 .*channels_in=12"):
        Connector(12, 20)


def test_an_unknown_kind_is_named():
    with pytest.raises(BadConfig, match="'gcd'"):
        Connector(12, 12, kind="gcd")


def test_the_shortcut_keeps_the_old_channels_and_adds_empty_ones():
    x = torch.randn(2, 3, 5, 5)
    y = PadShortcut(extra=3, stride=2)(x)
    assert y.shape == (2, 6, 3, 3)
    assert torch.equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any()


def test_a_basic_block_without_its_convolutions_is_a_relu():
    block = BasicBlock(4).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 4, 3, 3)
    assert torch.equal(block(x), x.relu())


def test_groups_apply_to_both_convolutions():
    block = BasicBlock(8, 4)
    assert block.conv1.weight.numel() == block.conv2.weight.numel() == 9 * 8 * 2
