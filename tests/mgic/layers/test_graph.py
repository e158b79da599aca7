"""Neighbours of clouds made by hand, derivatives of functions where they are known, the two graph convolutions."""

from copy import deepcopy
from threading import Thread

import pytest
import torch
from torch import Tensor, nn

from mgic.errors import BadConfig
from mgic.layers.graph import DiffGCNConv, EdgeConv, Graph, GraphScope, at_neighbours, nearest

LINE = torch.tensor([[[0.0, 1.0, 3.0, 7.0, 15.0]]])  # no point has two others at the same distance


def cloud(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lattice(side: int, spacing: float) -> Tensor:
    """(1, 2, side * side), a row of constant y after the other."""
    steps = spacing * torch.arange(side, dtype=torch.float32)
    return torch.stack((steps.repeat(side), steps.repeat_interleave(side)))[None]


def interior(side: int) -> Tensor:
    inside = torch.arange(side * side).view(side, side)[1:-1, 1:-1]
    return inside.flatten()


def derivatives(positions: Tensor, f: Tensor, neighbours: int) -> Tensor:
    """(points, 2 * dims) of one function on one cloud."""
    return Graph.of(positions, neighbours).derivatives(f.view(1, 1, -1))[0, :, 0]


def test_neighbours_on_a_line():
    others = nearest(LINE, 2, itself=False)
    assert others.tolist() == [[[1, 2], [0, 2], [1, 0], [2, 1], [3, 2]]]
    assert nearest(LINE, 3, itself=True).tolist() == [[[i, *pair] for i, pair in enumerate(others[0].tolist())]]


def test_clouds_of_a_batch_do_not_see_each_other():
    clouds = torch.cat((LINE, -LINE.flip(2)))  # the second is the first mirrored, read from its end
    index = nearest(clouds, 2, itself=False)
    assert torch.equal(index[1], 4 - index[0].flip(0))
    assert at_neighbours(clouds, index)[1, 0, :, 0].tolist() == [-7, -3]
    assert at_neighbours(clouds, index)[0, 0, :, 0].tolist() == [1, 3]


@pytest.mark.parametrize("dims", [1, 3, 64])
@pytest.mark.parametrize("far", [0.0, 4096.0])
def test_neighbours_are_those_of_exact_distances_also_far_from_the_origin(dims, far):
    points = cloud(2, dims, 40).add(far).float()
    exact = points.double()
    distances = (exact[:, :, :, None] - exact[:, :, None, :]).square().sum(1)
    distances.diagonal(dim1=1, dim2=2).fill_(float("inf"))
    index = nearest(points, 1, itself=False)
    assert torch.equal(index[:, :, 0], distances.argmin(2))


@pytest.mark.parametrize("itself", [True, False])
def test_a_point_is_its_own_first_neighbour_or_none_even_where_points_coincide(itself):
    index = nearest(torch.zeros(1, 3, 6), 3, itself=itself)[0]
    own = index == torch.arange(6)[:, None]
    assert own[:, 0].all() if itself else not own.any()


def test_bfloat16_under_autocast_is_searched_in_float32():
    points = cloud(1, 3, 64).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        index = nearest(points, 5, itself=False)
    assert torch.equal(index, nearest(points.float(), 5, itself=False))


@pytest.mark.parametrize("itself", [True, False])
def test_a_cloud_has_more_points_than_neighbours(itself):
    """Also where a point counts as its own: one rule for all graphs."""
    assert nearest(LINE, 4, itself=itself).shape == (1, 5, 4)
    for points, neighbours in ((LINE, 5), (torch.zeros(1, 3, 1), 1)):
        with pytest.raises(BadConfig, match=f"neighbours={neighbours}, but a cloud has") as caught:
            nearest(points, neighbours, itself=itself)
        assert [problem.pointer for problem in caught.value.problems] == ["neighbours"]


def test_on_a_line_the_differences_are_the_central_ones_over_2():
    p = 0.5 * torch.arange(8.0)
    linear = derivatives(p.view(1, 1, -1), 3 * p, 2)[1:-1]
    torch.testing.assert_close(linear, torch.tensor([[1.5, 0.0]]).expand(6, 2))  # slope 3, step 0.5
    square = derivatives(p.view(1, 1, -1), p.square(), 2)[1:-1]
    second = torch.full((6,), 0.25)  # half of 2 * 0.5^2
    torch.testing.assert_close(square, torch.stack((2 * p[1:-1] * 0.5, second), dim=1))


def test_on_a_lattice_each_direction_has_its_own_differences():
    positions = lattice(6, 0.5)
    x, y = positions[0]
    inside = interior(6)
    linear = derivatives(positions, 3 * x - 2 * y + 7, 4)[inside]
    torch.testing.assert_close(linear, torch.tensor([0.75, -0.5, 0.0, 0.0]).expand(16, 4))  # slope * 0.5 / 2
    square = derivatives(positions, x.square() - 3 * y.square(), 4)[inside]
    torch.testing.assert_close(square[:, 2:], torch.tensor([2 * 0.25 / 4, -6 * 0.25 / 4]).expand(16, 2))


def test_in_a_random_cloud_the_gradient_points_uphill():
    positions = cloud(1, 3, 500)
    slope = torch.tensor([1.0, -2.0, 0.5])
    gradient = derivatives(positions, slope @ positions[0], 10)[:, :3]
    assert (gradient @ slope > 0).all()
    assert torch.cosine_similarity(gradient.mean(0), slope, dim=0) > 0.98


def test_a_constant_has_no_derivatives_and_coinciding_points_do_no_harm():
    assert not derivatives(cloud(1, 3, 30), torch.full((30,), 5.0), 6).any()
    twice = cloud(1, 3, 15).repeat(1, 1, 2)
    assert derivatives(twice, cloud(30), 1).eq(0).all()  # the neighbour of each is its twin
    assert derivatives(twice, cloud(30), 6).isfinite().all()
    assert derivatives(torch.zeros(1, 3, 30), cloud(30), 6).eq(0).all()


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 0.001), (0.0, 1000.0), (50.0, 1.0)])
def test_moving_or_scaling_the_cloud_changes_no_derivative(shift, scale):
    positions, f = cloud(1, 3, 60).double(), cloud(60, seed=1).double()
    moved = derivatives(positions * scale + shift, f, 8)
    torch.testing.assert_close(moved, derivatives(positions, f, 8), rtol=1e-5, atol=1e-5)


def test_the_current_graph_is_that_of_the_thread():
    scope, seen = GraphScope(), []

    def look() -> None:
        try:
            seen.append(scope.graph)
        except RuntimeError as error:
            seen.append(str(error))

    graph = Graph.of(LINE, 2)
    with scope.use(graph):
        look()
        other = Thread(target=look)
        other.start()
        other.join()
    assert seen[0] is graph
    assert "outside the forward pass" in seen[1]


def test_no_graph_is_current_after_a_failed_pass():
    scope = GraphScope()
    with pytest.raises(ZeroDivisionError), scope.use(Graph.of(LINE, 2)):
        _ = 1 / 0
    with pytest.raises(RuntimeError, match="outside the forward pass"):
        _ = scope.graph


def test_a_deep_copy_shares_its_scope_with_itself_only():
    scope = GraphScope()
    layers = nn.Sequential(DiffGCNConv(2, 4, 1, scope), DiffGCNConv(4, 4, 1, scope))
    copies = deepcopy(layers)
    assert copies[0].scope is copies[1].scope is not scope
    assert copies.state_dict().keys() == layers.state_dict().keys() == {"0.mix.weight", "1.mix.weight"}


def test_the_maps_of_a_channel_are_itself_then_its_derivatives():
    scope, p = GraphScope(), 0.5 * torch.arange(8.0)
    conv = DiffGCNConv(2, 6, 1, scope)
    with torch.no_grad():
        conv.mix.weight.copy_(torch.eye(6)[:, :, None])
    x = torch.stack((p, p.square()))[None]
    with scope.use(Graph.of(p.view(1, 1, -1), 2)):
        y = conv(x)[0, :, 1:-1]
    p = p[1:-1]
    # Of p: itself, slope 1 times step 0.5, 0. Of p^2: itself, 2p * 0.5, half of 2 * 0.5^2.
    expected = torch.stack((p, torch.full((6,), 0.5), torch.zeros(6), p.square(), p, torch.full((6,), 0.25)))
    torch.testing.assert_close(y, expected)


def test_groups_do_not_mix():
    scope, positions = GraphScope(), cloud(1, 2, 20)
    conv = DiffGCNConv(4, 4, 2, scope, groups=2)
    assert conv.mix.weight.shape == (4, 5 * 4 // 2, 1)
    x = cloud(1, 4, 20)
    changed = x.clone()
    changed[:, 2:] += 1 + cloud(1, 2, 20, seed=2)
    with scope.use(Graph.of(positions, 5)):
        before, after = conv(x), conv(changed)
    assert torch.equal(before[:, :2], after[:, :2])
    assert not torch.isclose(before[:, 2:], after[:, 2:]).all()


def test_edge_conv_is_the_loop_over_points_and_edges():
    torch.manual_seed(0)
    conv = EdgeConv(2, 5, 3).eval()
    x = cloud(1, 2, 12)
    weight = conv.edge[0].weight.flatten(1)  # (5, 4): 2 columns for the point, 2 for the difference
    points = x[0].T
    expected = []
    for here in points:
        near = sorted(points, key=lambda other: float((other - here).norm()))[:3]
        edges = [torch.relu(weight @ torch.cat((here, other - here))) for other in near]
        expected.append(torch.stack(edges).amax(0) / (1 + 1e-5) ** 0.5)  # a fresh BatchNorm
    torch.testing.assert_close(conv(x)[0].T, torch.stack(expected))
