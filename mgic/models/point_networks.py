"""The three networks for point clouds of tables 3 and 12: one stack of layers, three graph convolutions.

Convolution, 64 channels each: G-conv, 2x G-conv, MLP, 3x G-conv, MLP, maximum over all
points, 3x MLP, linear layer. An MLP is a 1x1 convolution, BatchNorm and ReLU; a G-conv is
followed by BatchNorm and ReLU too. The graph joins each point to its k = 10 nearest.

The paper leaves its G-convs undefined, and no reading that was tried gives both the parameters
and the cost printed for any of the three. The search for neighbours and the weighted sums of
differences are matrix products and counted as such; each network says how much that is.

Papers: Eliasof et al., "MGIC", appendix B.4, https://doi.org/10.1137/21M1430194; Wang et al.,
https://arxiv.org/abs/1801.07829; Eliasof and Treister, https://arxiv.org/abs/2006.04115
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from mgic.layers import MGICBlock, Transfer1d, init_weights
from mgic.layers.graph import DiffGCNConv, EdgeConv, Graph, GraphScope
from mgic.models import InChannels, NumClasses, register_model
from mgic.models.options import CoarseningRule, CoarsestSize, GroupSize

WIDTH = 64

Neighbours = Annotated[
    int, Field(ge=1, le=128, description="Nearest neighbours of a point, k; a cloud needs more points than that")
]


@register_model(input_size=(3, 1024), task="point cloud", smallest=(32,))
def dgcnn(*, neighbours: Neighbours = 10, num_classes: NumClasses = 10, in_channels: InChannels = 3) -> nn.Module:
    """DGCNN in the small form of the MGIC paper: EdgeConv layers, each on a graph of its own features.

    0.064M parameters and 770M multiply-accumulates at 1024 points; the paper prints 0.16M and
    125M. EdgeConv is the single layer on every edge of the DGCNN paper, with ReLU for its leaky ReLU. Unlike
    there, the maps of the layers are not joined before the pooling: table 12 has no such step.

    Shape:
        (batch, in_channels, points) -> (batch, num_classes); a point has in_channels coordinates.

    Cost:
        The search in six graphs takes (in_channels + 5 * 64) * points^2 of it, or 339M at 1024 points.
    """
    network = _stack(
        EdgeConv(in_channels, WIDTH, neighbours),
        lambda: EdgeConv(WIDTH, WIDTH, neighbours),
        num_classes,
    )
    init_weights(network)
    return network


@register_model(input_size=(3, 1024), task="point cloud", smallest=(32,))
def diffgcn(*, neighbours: Neighbours = 10, num_classes: NumClasses = 10, in_channels: InChannels = 3) -> nn.Module:
    """DiffGCN in the small form of the MGIC paper: each layer mixes mass, gradient and Laplacian on the graph.

    0.167M parameters and 180M multiply-accumulates at 1024 points; the paper prints 0.57M and 64M.
    All layers share the graph of the positions, on which the differences are derivatives along the
    coordinates. The authors' published code, of another network, searches for neighbours among the
    features of each block and mixes the gradient alone; their paper names all three terms.

    Shape:
        (batch, in_channels, points) -> (batch, num_classes); a point has in_channels coordinates.

    Cost:
        The search takes in_channels * points^2 of it, or 3M at 1024 points; the differences take
        2 * in_channels * k * channels a point and layer, together 20M.
    """
    return _on_graph(in_channels, neighbours, num_classes, lambda make_block: make_block(WIDTH, 1))


@register_model(input_size=(3, 1024), task="point cloud", smallest=(32,))
def mgic_diffgcn(
    *,
    group_size: GroupSize = 8,
    coarsest_size: CoarsestSize = 16,
    coarsening: CoarseningRule = "paper",
    neighbours: Neighbours = 10,
    num_classes: NumClasses = 10,
    in_channels: InChannels = 3,
) -> nn.Module:
    """DiffGCN whose graph convolutions of equal width are each spread over a hierarchy of channels.

    0.065M parameters and 88M multiply-accumulates at 1024 points; the paper prints 0.11M and 13.7M,
    and neither group size nor coarsest size. The defaults here are those beyond which its ablation
    on CIFAR-10, up to the same width, finds no gain (appendix B.5).

    The first G-conv changes the width, and the MLPs are no graph convolutions: they stay plain. All
    levels share the graph of the positions; R and P are 1x1 convolutions on points.

    Shape:
        (batch, in_channels, points) -> (batch, num_classes); a point has in_channels coordinates.

    Cost:
        As `diffgcn`, with the differences of every level's channels: 35M at 1024 points, where that has 20M.

    Raises:
        BadConfig: 64 channels cannot be halved as often as `coarsest_size` and `coarsening` ask.
    """
    block = partial(
        MGICBlock,
        WIDTH,
        group_size=group_size,
        coarsest_size=coarsest_size,
        coarsening=coarsening,
        make_transfer=Transfer1d,
        make_norm=nn.BatchNorm1d,
    )
    return _on_graph(in_channels, neighbours, num_classes, lambda make_block: block(make_block=make_block))


class OnGraph(nn.Module):
    """A network whose layers all work on the graph of the positions.

    Shape:
        (batch, dims, points) -> what `layers` makes of it.
    """

    def __init__(self, layers: nn.Module, neighbours: int, scope: GraphScope) -> None:
        super().__init__()
        self.layers = layers
        self.neighbours = neighbours
        self.scope = scope

    def forward(self, positions: Tensor) -> Tensor:
        with self.scope.use(Graph.of(positions, self.neighbours)):
            y: Tensor = self.layers(positions)
        return y

    def extra_repr(self) -> str:
        return f"neighbours={self.neighbours}"


def _on_graph(
    dims: int,
    neighbours: int,
    num_classes: int,
    wrap: Callable[[Callable[[int, int], nn.Module]], nn.Module],
) -> nn.Module:
    """The stack with DiffGCN's convolution; `wrap` gets (channels, groups) -> G-conv, and makes each of equal width."""
    scope = GraphScope()

    def graph_conv(channels: int, groups: int) -> nn.Module:
        return _normed(DiffGCNConv(channels, channels, dims, scope, groups), channels)

    first = _normed(DiffGCNConv(dims, WIDTH, dims, scope), WIDTH)
    network = OnGraph(_stack(first, lambda: wrap(graph_conv), num_classes), neighbours, scope)
    init_weights(network)
    return network


def _stack(first: nn.Module, graph_conv: Callable[[], nn.Module], num_classes: int) -> nn.Sequential:
    """Table 12, given the first G-conv and what makes each of the other five."""
    return nn.Sequential(
        first,
        *(graph_conv() for _ in range(2)),
        _mlp(),
        *(graph_conv() for _ in range(3)),
        _mlp(),
        nn.AdaptiveMaxPool1d(1),
        *(_mlp() for _ in range(3)),
        nn.Flatten(),
        nn.Linear(WIDTH, num_classes),
    )


def _mlp() -> nn.Module:
    return _normed(nn.Conv1d(WIDTH, WIDTH, 1, bias=False), WIDTH)


def _normed(layer: nn.Module, channels: int) -> nn.Module:
    return nn.Sequential(layer, nn.BatchNorm1d(channels), nn.ReLU(inplace=True))
