"""The transfer operators alone: the figures of Table 1, and one linear map for all pixels."""

import pytest
import torch

from mgic.errors import BadConfig
from mgic.layers.transfer_operators import TransferOperators
from mgic.measure.cost import count_cost


@pytest.mark.parametrize(("group_size", "params"), [(32, 3328), (16, 1792), (8, 896), (4, 448)])
def test_the_parameters_are_those_of_table_1(group_size, params):
    cost = count_cost(TransferOperators(64, group_size, 8), (64, 112, 112))
    assert cost.params == cost.transfer_params == params
    assert cost.macs == cost.transfer_macs == params * 112**2


def test_the_order_is_down_and_back_up():
    operators = TransferOperators(32, 8, 8)
    assert [(one.in_channels, one.out_channels, one.groups) for one in operators.transfers] == [
        (32, 16, 4),
        (16, 8, 2),
        (8, 16, 2),
        (16, 32, 4),
    ]


def test_it_is_linear_and_works_pixel_by_pixel():
    operators = TransferOperators(8, 4, 2)
    x, y = torch.randn(1, 8, 3, 5), torch.randn(1, 8, 3, 5)
    assert operators(2 * x + y).allclose(2 * operators(x) + operators(y), atol=1e-5)
    assert operators(x)[..., 1:2, 3:4].allclose(operators(x[..., 1:2, 3:4]), atol=1e-6)
    assert not operators(torch.zeros(1, 8, 1, 1)).any()


def test_a_width_that_cannot_be_halved_is_refused():
    with pytest.raises(BadConfig, match="coarsest_size=8"):
        TransferOperators(36, 8, 8)
