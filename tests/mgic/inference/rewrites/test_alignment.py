"""Groups of channels become groups of full blocks of 16, and the numbers stay."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mgic.inference.rewrites import Graph, align_groups
from tests.mgic.inference.networks import Functional
from tests.mgic.inference.rewrites.graphs import graph_of, largest_difference, operators


def shapes(graph: Graph) -> list[tuple[int, int, int]]:
    """Of each convolution: channels out, channels in of a group, groups."""
    found = [(graph.weights[node.input[1]].shape, graph.groups(node)) for node in graph.nodes if node.op_type == "Conv"]
    return [(shape[0], shape[1], groups) for shape, groups in found]


@pytest.mark.parametrize(
    ("channels", "groups", "expected"),
    [
        (32, 4, [(32, 32, 1), (32, 16, 2), (32, 32, 1)]),  # groups of 8 merged by two
        (32, 32 // 16, [(32, 32, 1), (32, 16, 2), (32, 32, 1)]),  # of 16: left
        (80, 2, [(80, 80, 1), (80, 80, 1), (80, 80, 1)]),  # of 40: 48 would make the dense ones longer than it saves
    ],
)
def test_groups_fill_blocks(channels, groups, expected):
    dense = lambda: nn.Conv2d(channels, channels, 1)  # noqa: E731
    network = nn.Sequential(dense(), nn.ReLU(), nn.Conv2d(channels, channels, 1, groups=groups), nn.ReLU(), dense())
    graph = graph_of(network, channels)
    align_groups(graph)
    assert shapes(graph) == expected
    assert largest_difference(network, graph, channels) < 1e-6


def test_groups_are_padded_where_that_is_cheaper():
    def forward(self, x):
        y = self.first(x)
        for one in (self.one, self.two, self.three):
            y = nn.functional.hardswish(one(y) + y)
        return self.last(y * torch.sigmoid(y.mean((2, 3), keepdim=True)))

    grouped = {name: nn.Conv2d(80, 80, 3, padding=1, groups=2) for name in ("one", "two", "three")}
    network = Functional(forward, first=nn.Conv2d(3, 80, 1), last=nn.Conv2d(80, 5, 1), **grouped)
    graph = graph_of(network, 3)
    align_groups(graph)
    assert shapes(graph) == [(96, 3, 1), *[(96, 48, 2)] * 3, (5, 96, 1)]
    assert largest_difference(network, graph, 3) < 1e-6


def test_channels_that_somebody_else_reads_stay_where_they_are():
    def forward(self, x):
        y = self.grouped(self.first(x))
        return torch.cat([y, y.flip(1)], 1)

    network = Functional(forward, first=nn.Conv2d(3, 40, 1), grouped=nn.Conv2d(40, 40, 3, groups=2))
    graph = graph_of(network, 3)
    align_groups(graph)
    assert shapes(graph) == [(40, 3, 1), (40, 40, 1)]
    assert largest_difference(network, graph, 3) < 1e-6


def test_a_network_without_groups_is_left():
    network = nn.Sequential(nn.Conv2d(3, 24, 3), nn.Conv2d(24, 24, 3, groups=24), nn.ReLU(), nn.Conv2d(24, 8, 1))
    graph = graph_of(network, 3, side=8)
    assert align_groups(graph) == 0
    assert operators(graph) == {"Conv": 3, "Relu": 1}


@given(
    st.lists(st.sampled_from([1, 2, 3, 4, 6, 12]), min_size=1, max_size=4),
    st.sampled_from([12, 24, 48, 96]),
    st.booleans(),
)
def test_any_chain_of_groups_gives_the_same_numbers(groups, width, residual):
    """With depthwise convolutions, biases and norms between, whose channels move along."""

    def forward(self, x):
        y = self.first(x)
        for number in range(len(groups)):
            z = self.get_submodule(f"step{number}")(y)
            y = y + z if residual else z
        return self.last(y)

    steps = {
        f"step{number}": nn.Sequential(
            nn.Conv2d(width, width, 1, groups=count),
            nn.BatchNorm2d(width),
            nn.Hardswish(),
            nn.Conv2d(width, width, 3, padding=1, groups=width),
            nn.ReLU6(),
        )
        for number, count in enumerate(groups)
    }
    network = Functional(forward, first=nn.Conv2d(3, width, 1), last=nn.Conv2d(width, 4, 1), **steps)
    graph = graph_of(network, 3, side=4)
    align_groups(graph)
    assert all(count == 1 or one % 16 == 0 or one == 1 for _, one, count in shapes(graph))
    assert largest_difference(network, graph, 3, side=4) < 1e-5
