"""The MGIC block against a plain loop over its levels, and what appendix A says of it."""

import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mgic.errors import BadConfig
from mgic.layers import BasicBlock, MGICBlock, Transfer1d

SHAPES = st.tuples(
    st.integers(0, 3),  # halvings
    st.integers(1, 5),  # channels of the coarsest level
    st.integers(2, 40),  # group size
    st.sampled_from(["paper", "paper_min1", "released"]),
)


def build(shape, make_block, **options) -> MGICBlock:
    """A block whose rule ends at `coarsest` channels, or a halving further."""
    halvings, coarsest, group_size, coarsening = shape
    channels = 2 * coarsest << halvings  # even, so that a forced halving is possible
    return MGICBlock(channels, make_block, group_size, 2 * coarsest, coarsening, **options)


def identity(channels: int, groups: int) -> nn.Module:
    return nn.Identity()


def dense(transfer: nn.Module) -> Tensor:
    """The matrix that a grouped 1x1 convolution is."""
    return torch.block_diag(*transfer.weight.flatten(1).chunk(transfer.groups))


def mix(matrix: Tensor, x: Tensor) -> Tensor:
    return torch.einsum("oc,nchw->nohw", matrix, x)


def levels_in_a_plain_loop(block: MGICBlock, x: Tensor) -> Tensor:
    """Equations 3 to 6, level by level, R_j x_j computed anew where it is subtracted."""
    last = len(block.levels) - 1
    states = [x]
    for j in range(last):
        states.append(mix(dense(block.restrict[j]), states[j]))
    y = block.blocks[last](states[last])
    for j in range(last - 1, -1, -1):
        residual = y - mix(dense(block.restrict[j]), states[j])
        y = block.blocks[j](states[j] + block.norms[j](mix(dense(block.prolong[j]), residual)))
    return y


def shake_norms(module: nn.Module) -> None:
    """Give every norm the statistics and the affine part of a trained one."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean)
            nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)


@settings(max_examples=40, deadline=None)
@given(SHAPES, st.booleans(), st.integers(0, 1000))
def test_identity_in_identity_out(shape, training, seed):
    torch.manual_seed(seed)
    block = build(shape, identity).train(training)
    x = torch.randn(2, block.levels[0].channels, 3, 2)
    assert torch.equal(block(x), x)


def test_a_norm_with_an_offset_is_no_identity():
    block = MGICBlock(8, identity, 4, 4).eval()
    nn.init.ones_(block.norms[0].bias)
    assert not torch.equal(block(torch.randn(1, 8, 2, 2)), torch.zeros(1, 8, 2, 2))
    x = torch.randn(1, 8, 2, 2)
    torch.testing.assert_close(block(x), x + 1)


@settings(max_examples=15, deadline=None)
@given(SHAPES, st.integers(0, 1000))
def test_forward_equals_a_plain_loop(shape, seed):
    torch.manual_seed(seed)
    block = build(shape, BasicBlock).double().eval()
    shake_norms(block)
    x = torch.randn(2, block.levels[0].channels, 4, 3, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(block(x), levels_in_a_plain_loop(block, x), rtol=1e-9, atol=1e-9)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(SHAPES)
def test_every_parameter_learns(shape):
    # In training mode each norm centres its channel, so no ReLU is dead on 100 pixels, and a
    # loss that weighs all outputs differently is not cancelled by the last norm.
    torch.manual_seed(1)
    block = build(shape, BasicBlock).double()
    x = torch.randn(4, block.levels[0].channels, 5, 5, dtype=torch.float64)
    y = block(x)
    (y * torch.randn_like(y)).sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad != 0).all(), name


def test_one_level_is_the_plain_ungrouped_block():
    block = MGICBlock(16, BasicBlock, group_size=4, coarsest_size=16)
    assert [tuple(level) for level in block.levels] == [(0, 16, 16, 1)]
    assert not len(block.restrict)
    plain = block.blocks[0]
    assert plain.conv1.groups == 1
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(block.eval()(x), plain.eval()(x))


def test_levels_are_grouped_but_the_coarsest():
    block = MGICBlock(64, BasicBlock, group_size=8, coarsest_size=16)
    assert [inner.conv2.groups for inner in block.blocks] == [8, 4, 1]
    assert [transfer.groups for transfer in block.restrict] == [8, 4]
    assert [transfer.groups for transfer in block.prolong] == [8, 4]


def test_all_channels_are_coupled():
    torch.manual_seed(0)
    block = MGICBlock(32, BasicBlock, group_size=4, coarsest_size=4).double().eval()
    x = torch.rand(1, 32, 1, 1, dtype=torch.float64)
    reach = torch.autograd.functional.jacobian(lambda v: block(v).flatten(), x).reshape(32, 32)
    assert (reach != 0).any(dim=1).all()
    across = reach.reshape(8, 4, 8, 4).abs().amax(dim=(1, 3)) != 0  # group -> group
    assert across.all()


def test_expansion_widens_the_tensor_and_not_the_plan():
    def bottleneck(planes: int, groups: int) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(4 * planes, planes, 1, groups=groups), nn.Conv2d(planes, 4 * planes, 1, groups=groups)
        )

    block = MGICBlock(16, bottleneck, group_size=4, coarsest_size=8, expansion=4)
    assert [level.channels for level in block.levels] == [16, 8]
    assert block.restrict[0].weight.shape == (32, 16, 1, 1)
    assert block.restrict[0].groups == 4
    assert block(torch.randn(2, 64, 3, 3)).shape == (2, 64, 3, 3)
    # E^2 c_j s_j for R and P together, as its docstring says
    assert block.restrict[0].weight.numel() + block.prolong[0].weight.numel() == 16 * 16 * 4


def test_factories_carry_the_hierarchy_over_to_points():
    block = MGICBlock(
        16,
        lambda channels, groups: nn.Conv1d(channels, channels, 1, groups=groups),
        4,
        8,
        make_transfer=Transfer1d,
        make_norm=nn.BatchNorm1d,
    )
    assert block(torch.randn(2, 16, 50)).shape == (2, 16, 50)


def test_a_wide_block_builds_and_runs_on_the_meta_device():
    with torch.device("meta"):
        block = MGICBlock(4096, BasicBlock, 64, 64)
        assert block(torch.empty(1, 4096, 64, 64)).shape == (1, 4096, 64, 64)


@pytest.mark.parametrize("expansion", [0, -1])
def test_expansion_below_one_is_refused(expansion):
    with pytest.raises(BadConfig, match=f"expansion={expansion}"):
        MGICBlock(16, identity, 4, 8, expansion=expansion)


def test_when_the_finest_block_runs_what_lower_levels_made_is_gone():
    block = build((2, 4, 8, "paper"), BasicBlock).eval()
    made: list[weakref.ref[Tensor]] = []
    seen: list[int] = []
    for inner in (*block.restrict, *block.prolong, *block.norms, *block.blocks[1:]):
        inner.register_forward_hook(lambda module, inputs, output: made.append(weakref.ref(output)))
    block.blocks[0].register_forward_pre_hook(
        lambda module, inputs: seen.append(sum(one() is not None for one in made))
    )
    with torch.no_grad():
        block(torch.randn(1, 32, 4, 4))
    assert len(made) == 8
    assert seen == [0]
