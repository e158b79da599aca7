"""Convolutions on clouds of points: who is whose neighbour, and what a point takes from its neighbours.

Papers: Wang et al., "Dynamic Graph CNN for Learning on Point Clouds" (EdgeConv),
https://arxiv.org/abs/1801.07829; Eliasof and Treister, "DiffGCN: Graph Convolutional Networks via
Differential Operators and Algebraic Multigrid Pooling", https://arxiv.org/abs/2006.04115
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem


@torch.no_grad()
def nearest(points: Tensor, neighbours: int, *, itself: bool) -> Tensor:
    """The nearest points of every point, in Euclidean distance, nearest first.

    Which of several points at the same distance are taken depends on their order.

    Args:
        points: On any device, of any floating dtype; distances are computed in float32 or better.
        neighbours: How many, k; fewer than there are points.
        itself: Whether a point is its own first neighbour, or none of its neighbours.

    Shape:
        (batch, dims, points) -> (batch, points, k), of indices.

    Cost:
        dims * points^2 multiply-accumulates and points^2 numbers a cloud.

    Raises:
        BadConfig: A cloud has no more points than that.
    """
    total = _as_number(points.shape[2])
    if neighbours >= total:
        detail = f"neighbours={neighbours}, but a cloud has {total} points: at most {total - 1}"
        raise BadConfig(detail, (Problem("neighbours", "too_many", detail),))
    x = points.to(torch.promote_types(points.dtype, torch.float32))
    x = x - x.mean(dim=2, keepdim=True)  # |b|^2 - 2ab loses digits far from the origin
    with torch.autocast("cpu" if x.is_meta else x.device.type, enabled=False):
        # |a - b|^2 without |a|^2, which is the same for all candidates b of a point a.
        distances = x.square().sum(dim=1, keepdim=True) - 2 * torch.matmul(x.transpose(1, 2), x)
    diagonal = torch.eye(total, dtype=torch.bool, device=x.device)
    distances = distances.masked_fill(diagonal, float("-inf" if itself else "inf"))
    return distances.topk(neighbours, dim=2, largest=False).indices


def at_neighbours(x: Tensor, index: Tensor) -> Tensor:
    """What the neighbours carry.

    Shape:
        (batch, channels, points), (batch, points, k) -> (batch, points, k, channels).
    """
    batch, channels, points = x.shape
    first = torch.arange(batch, device=x.device).view(-1, 1, 1) * points  # of each cloud, where all stand in one list
    rows = x.transpose(1, 2).reshape(-1, channels)
    return rows.index_select(0, (index + first).flatten()).view(*index.shape, channels)


@dataclass(frozen=True)
class Graph:
    """Clouds of points with their neighbours, and the differences between neighbours as derivatives.

    index: (batch, points, k), the neighbours. stencil: (batch, points, k, 2 * dims), their weights
    in the first derivative in each direction, then in the second.
    """

    index: Tensor
    stencil: Tensor

    @classmethod
    def of(cls, positions: Tensor, neighbours: int) -> "Graph":
        """The graph of the nearest neighbours of each point, without itself.

        With d the offset to a neighbour in units of the point's root mean square distance to
        its neighbours, the weights are d / k and d^2 / k: plain means over the edges. On a grid, k = 2 * dims,
        they give f(+1) - f(-1) and f(+1) - 2 f(0) + f(-1), both over 2 * dims. A nearer neighbour
        weighs less, so that points which all but coincide do no harm. The factors that would make them
        derivatives are left to the 1x1 convolution: with them in, second differences outweigh all
        else at the start, and the networks learned slower.

        Args:
            positions: (batch, dims, points).
            neighbours: See `nearest`.

        Raises:
            BadConfig: No more points than neighbours.
        """
        index = nearest(positions, neighbours, itself=False)
        offsets = at_neighbours(positions, index) - positions.transpose(1, 2).unsqueeze(2)  # (batch, points, k, dims)
        spread = offsets.square().sum(dim=3, keepdim=True).mean(dim=2, keepdim=True)
        d = offsets / spread.clamp_min(torch.finfo(spread.dtype).tiny).sqrt()
        return cls(index, torch.cat((d, d.square()), dim=3) / _as_number(index.shape[2]))

    def derivatives(self, x: Tensor) -> Tensor:
        """First and second differences along each coordinate, none mixed; see `of` for their size.

        Where neighbours stand evenly around a point they are the derivatives over dims and over
        2 * dims, per unit of the point's distance to them: moving or scaling the cloud changes nothing.

        Shape:
            (batch, channels, points) -> (batch, points, channels, 2 * dims).

        Cost:
            2 * dims * k * channels multiply-accumulates a point: the weighted sums; taking the differences is none.
        """
        differences = at_neighbours(x, self.index) - x.transpose(1, 2).unsqueeze(2)  # (batch, points, k, channels)
        return torch.matmul(differences.transpose(2, 3), self.stencil.to(differences.dtype))


class GraphScope:
    """Hands the graph of the clouds in hand to the graph layers of one network, for one forward pass.

    The layers stand inside blocks that pass on a single tensor. The network and its layers
    hold the same scope; a deep copy of the network has one of its own. Each thread sees
    the graph it set itself, and none is kept after the pass.
    """

    def __init__(self) -> None:
        self._graphs: dict[int, Graph] = {}

    @contextmanager
    def use(self, graph: Graph) -> Iterator[None]:
        """Inside, `graph` is the current one of this thread."""
        self._graphs[get_ident()] = graph
        try:
            yield
        finally:
            del self._graphs[get_ident()]

    @property
    def graph(self) -> Graph:
        """The current graph; a RuntimeError outside `use`."""
        try:
            return self._graphs[get_ident()]
        except KeyError:
            raise RuntimeError("a graph layer ran outside the forward pass of its network") from None


class DiffGCNConv(nn.Module):
    """The graph convolution of DiffGCN: mass, gradient and Laplacian of each channel, mixed by a 1x1 convolution.

    From a channel come the channel itself and its first and second derivatives along each
    coordinate, 1 + 2 * dims maps; the directional parts of the Laplacian stay apart, as those of the
    gradient do.

    Args:
        channels_in: Width before.
        channels_out: Width after.
        dims: Coordinates of a point.
        scope: Where the graph is found at each forward pass.
        groups: Of the 1x1 convolution; the maps of a channel stand in one group.

    Shape:
        (batch, channels_in, points) -> (batch, channels_out, points).

    Cost:
        (1 + 2 * dims) * channels_in * channels_out / groups parameters, and as many
        multiply-accumulates a point, besides those of the derivatives, see `Graph`.
    """

    def __init__(self, channels_in: int, channels_out: int, dims: int, scope: GraphScope, groups: int = 1) -> None:
        super().__init__()
        self.scope = scope
        self.mix = nn.Conv1d((1 + 2 * dims) * channels_in, channels_out, 1, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        derivatives = self.scope.graph.derivatives(x)
        terms = torch.cat((x.transpose(1, 2).unsqueeze(3), derivatives), dim=3)  # (batch, points, c_in, 1 + 2 dims)
        mixed: Tensor = self.mix(terms.flatten(2).transpose(1, 2))
        return mixed


class EdgeConv(nn.Module):
    """The graph convolution of DGCNN: one layer on every edge, then the maximum over a point's edges.

    The edge from point i to neighbour j is (x_i, x_j - x_i), the layer a 1x1 convolution,
    BatchNorm over all edges and ReLU. The graph is that of the layer's own input: k nearest
    points in feature space, the first of them the point itself.

    Args:
        channels_in: Width before.
        channels_out: Width after.
        neighbours: k; see `nearest`.

    Shape:
        (batch, channels_in, points) -> (batch, channels_out, points).

    Cost:
        2 * channels_in * channels_out weights and k times as many multiply-accumulates a point;
        the search has channels_in * points^2 beside.
    """

    def __init__(self, channels_in: int, channels_out: int, neighbours: int) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.edge = nn.Sequential(
            nn.Conv2d(2 * channels_in, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        others = at_neighbours(x, nearest(x, self.neighbours, itself=True)).permute(0, 3, 1, 2)
        here = x.unsqueeze(3).expand_as(others)  # (batch, channels_in, points, k)
        edges: Tensor = self.edge(torch.cat((here, others - here), dim=1))
        return edges.amax(dim=3)

    def extra_repr(self) -> str:
        return f"neighbours={self.neighbours}"


def _as_number(side: int | Tensor) -> int:
    """A side of a tensor as a number; a trace has it as a tensor, warns of what this does, and keeps the number."""
    if not isinstance(side, Tensor):
        return side
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(side)
