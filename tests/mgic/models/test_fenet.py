"""FE-Net: what the sparse shift does and learns, how a block splits its channels, what it all costs."""

import pytest
import torch

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.models.fenet import FEBlock, ShiftUnit, SparseShift


def shift_by(*moves: tuple[float, float]) -> SparseShift:
    layer = SparseShift(len(moves))
    with torch.no_grad():
        layer.displacement.copy_(torch.tensor(moves).T)
    return layer


def test_the_start_is_nine_moves_and_the_rest_at_rest():
    layer = SparseShift(20)
    moves = [tuple(move) for move in layer.displacement.T.tolist()]
    grid = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    assert moves == [move for move in grid for _ in range(2)] + [(0, 0)] * 2


@pytest.mark.parametrize("training", [True, False])
def test_each_channel_moves_by_its_rounded_displacement(training):
    layer = shift_by((0.0, 0.0), (0.6, -0.4), (-2.0, 1.2), (9.0, 0.0)).train(training)
    x = torch.zeros(1, 4, 5, 5)
    x[:, :, 2, 2] = 1
    y = layer(x)
    assert y[0, 0, 2, 2] == 1
    assert y[0, 1, 1, 2] == 1  # the pixel one below comes here
    assert y[0, 2, 4, 1] == 1
    assert not y[0, 3].any()
    assert y.sum() == 3


def test_the_displacement_s_gradient_is_that_of_interpolation():
    """On x = 3 row + 5 column, interpolation gives 3 (row + a) + 5 (column + b): gradients 3 and 5 a pixel."""
    rows, columns = torch.meshgrid(torch.arange(7.0), torch.arange(7.0), indexing="ij")
    x = (3 * rows + 5 * columns).expand(2, 1, 7, 7)
    layer = shift_by((0.3, -0.6)).train()
    layer(x)[:, :, 2:5, 2:5].sum().backward()
    assert torch.allclose(layer.displacement.grad, torch.tensor([[3.0], [5.0]]) * 2 * 9)


def test_the_input_s_gradient_is_moved_back():
    layer = shift_by((1.0, 0.2)).train()
    x = torch.randn(1, 1, 4, 4, requires_grad=True)
    layer(x)[0, 0, 1, 2].backward()
    assert x.grad.nonzero().tolist() == [[0, 0, 2, 2]]


def test_a_unit_costs_what_a_hand_counts():
    unit = ShiftUnit(8, 8, 6, residual=True)
    cost = count_cost(unit, (8, 4, 4))
    assert cost.params == 2 * 8 * 48 + 2 * 48 + 2 * 8 + 2 * 48  # convolutions, norms, displacements
    assert cost.macs == 16 * 2 * 8 * 48
    pooled = count_cost(ShiftUnit(8, 16, 6, pool=True), (8, 4, 4))
    assert pooled.params == 8 * 48 + 2 * 48 + 48 * 16 + 2 * 16
    assert pooled.macs == 16 * 8 * 48 + 4 * 48 * 16


def test_a_block_works_on_ever_more_of_the_channels():
    block = FEBlock(16, 24, 4, pool=True)
    assert block.parts == [8, 4, 2, 2]
    assert [unit.body[0].in_channels for unit in block.inner] == [2, 4, 8]
    assert block.outer.body[0].in_channels == 16
    assert block(torch.randn(2, 16, 6, 6)).shape == (2, 24, 3, 3)


def test_what_the_inner_units_leave_reaches_the_last_one_in_place():
    block = FEBlock(8, 8, 3, pool=False).eval()
    for unit in block.inner:
        torch.nn.init.zeros_(unit.body[4].weight)
    seen = []
    block.outer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.randn(1, 8, 4, 4)
    block(x)
    assert torch.equal(seen[0], x)


@pytest.mark.parametrize(
    ("width_mult", "params", "macs"), [(1.0, 3_535_232, 299_676_320), (1.375, 5_956_450, 563_078_928)]
)
def test_costs_are_those_of_the_docstring(width_mult, params, macs):
    with torch.device("meta"):
        network = create("fe_net", width_mult=width_mult)
    cost = count_cost(network, (3, 224, 224))
    assert (cost.params, cost.macs) == (params, macs)


@pytest.mark.parametrize("width_mult", [0.05, 0.33, 0.9, 1.1])
def test_any_width_fits_the_blocks_splits(width_mult):
    network = create("fe_net", width_mult=width_mult, num_classes=3).eval()
    assert network(torch.randn(1, 3, 32, 32)).shape == (1, 3)


def test_a_width_of_nothing_is_refused():
    with pytest.raises(BadConfig, match="width_mult"):
        create("fe_net", width_mult=0.0)
