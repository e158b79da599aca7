"""R and P: their size against table 1, and the start they keep."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mgic.layers import BasicBlock, MGICBlock, Transfer1d, Transfer2d, init_weights, transfer_modules
from mgic.models import create


def identity(channels: int, groups: int) -> nn.Module:
    return nn.Identity()


def assert_fresh(transfer: nn.Module) -> None:
    """Positive rows of sum 1; no two rows of a group alike, where a row has more than one entry."""
    rows = transfer.weight.detach().flatten(1).double()
    assert (rows > 0).all()
    torch.testing.assert_close(rows.sum(1), torch.ones(len(rows), dtype=torch.float64), rtol=1e-5, atol=0)
    if rows.shape[1] > 1:
        for group in rows.chunk(transfer.groups):
            assert len(group.unique(dim=0)) == len(group)


@pytest.mark.parametrize(("group_size", "params"), [(32, 3328), (16, 1792), (8, 896), (4, 448)])
def test_transfer_operators_have_the_sizes_of_table_1(group_size, params):
    block = MGICBlock(64, identity, group_size, coarsest_size=8)
    assert len(block.restrict) == 3
    assert sum(p.numel() for module in transfer_modules(block) for p in module.parameters()) == params


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 4, 6, 16, 30]), st.integers(1, 6), st.sampled_from([1, 2]))
def test_rows_start_positive_with_sum_1_and_apart(seed, size, groups, kind):
    torch.manual_seed(seed)
    make = Transfer1d if kind == 1 else Transfer2d
    assert_fresh(make(size * groups, size * groups // 2, groups))
    assert_fresh(make(size * groups // 2, size * groups, groups))


def test_half_precision_rows_stay_positive():
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        torch.manual_seed(0)
        weight = Transfer2d(64, 32, 1).weight
    finally:
        torch.set_default_dtype(previous)
    assert weight.dtype is torch.float16
    assert (weight > 0).all()


def test_rows_are_uniform_on_the_simplex():
    # Dirichlet(1) with k entries: mean 1 / k, variance (k - 1) / (k^2 (k + 1)).
    torch.manual_seed(0)
    rows = Transfer2d(4, 40_000, 1).weight.detach().flatten(1).double()
    torch.testing.assert_close(rows.mean(0), torch.full((4,), 1 / 4, dtype=torch.float64), rtol=0, atol=0.005)
    torch.testing.assert_close(rows.var(0), torch.full((4,), 3 / 80, dtype=torch.float64), rtol=0, atol=0.001)


def test_the_network_s_own_initialisation_leaves_them_alone():
    torch.manual_seed(3)
    network = create("mgic_resnet20", coarsest_size=4)
    transfers = transfer_modules(network)
    assert len(transfers) == 2 * 3 * (2 + 3 + 4)  # R and P, 3 blocks a stage, widths 16, 32, 64 down to 4
    for transfer in transfers:
        assert_fresh(transfer)
    kept = {transfer: transfer.weight.clone() for transfer in transfers}
    stem = network.stem[0].weight.clone()
    init_weights(network)
    assert all(torch.equal(transfer.weight, weight) for transfer, weight in kept.items())
    assert not torch.equal(network.stem[0].weight, stem)


def test_operators_of_another_kind_are_left_alone_too():
    block = MGICBlock(
        16, identity, 4, 8, make_transfer=lambda cin, cout, groups: nn.Conv2d(cin, cout, 1, groups=groups)
    )
    before = block.restrict[0].weight.clone()
    init_weights(block)
    assert torch.equal(block.restrict[0].weight, before)


def test_convolutions_start_with_a_spread_that_knows_of_groups():
    torch.manual_seed(0)
    block = BasicBlock(256, groups=64)
    init_weights(block)
    assert block.conv1.weight.std().item() == pytest.approx((2 / (9 * 4)) ** 0.5, rel=0.05)


def test_the_seed_decides_and_the_meta_device_draws_nothing():
    torch.manual_seed(5)
    first = create("mgic_resnet20").state_dict()
    torch.manual_seed(5)
    with torch.device("meta"):
        create("mgic_resnet20")
    second = create("mgic_resnet20").state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    third = create("mgic_resnet20").state_dict()
    assert not torch.equal(first["stages.4.restrict.0.weight"], third["stages.4.restrict.0.weight"])
