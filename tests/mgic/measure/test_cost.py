"""Parameters and multiply-accumulates, against closed forms that know nothing of modules.

The figures of ResNet-56 and of three MGIC-ResNet-56 rows are those found for the paper's
table 13 with the authors' coarsening.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mgic.errors import BadConfig, UnknownName
from mgic.layers import BasicBlock, MGICBlock, Transfer2d
from mgic.measure.cost import count_cost, model_cost
from mgic.models import create


def widths(channels: int, coarsest_size: int, coarsening: str) -> list[int]:
    found, k = [channels], 0
    while True:
        width = channels / 2**k
        if coarsening == "paper" and width <= coarsest_size:
            return found
        if coarsening == "paper_min1" and k >= 1 and width <= coarsest_size:
            return found
        if coarsening == "released" and k >= 1 and width < coarsest_size:
            return found
        k += 1
        found.append(channels // 2**k)


def closed_form(channels: int, group_size: int, coarsest_size: int, coarsening: str) -> tuple[int, int, int]:
    """Parameters, multiply-accumulates a pixel, and those of R and P, of a block of two 3x3 convolutions."""
    *grouped, coarsest = widths(channels, coarsest_size, coarsening)
    conv = 2 * 9 * coarsest * coarsest
    norm = 2 * 2 * coarsest
    transfer = 0
    for c in grouped:
        s = max(s for s in range(1, min(group_size, c) + 1) if c % s == 0 and (c // 2) % (c // s) == 0)
        conv += 2 * 9 * c * s
        norm += 2 * 2 * c + 2 * c  # of the block, and after P
        transfer += (c // 2) * s + c * (s // 2)  # R and P
    return conv + norm + transfer, conv + transfer, transfer


def closed_resnet56(group_size: int, coarsest_size: int, coarsening: str) -> tuple[int, int]:
    params = 9 * 3 * 16 + 2 * 16  # stem
    macs = 9 * 3 * 16 * 32**2
    for width, side in ((16, 32), (32, 16), (64, 8)):
        if width > 16:  # depthwise connector and its norm
            params += 9 * width + 2 * width
            macs += 9 * width * side**2
        block_params, block_macs, _ = closed_form(width, group_size, coarsest_size, coarsening)
        params += 9 * block_params
        macs += 9 * block_macs * side**2
    return params + 64 * 10 + 10, macs + 64 * 10


@pytest.mark.parametrize(
    ("coarsest_size", "group_size", "params_k", "macs_m"),
    [(64, 16, 534, 110.9), (32, 16, 499, 108.5), (16, 16, 525, 112.5), (16, 8, None, None)],
)
def test_mgic_resnet56_as_the_authors_coarsen(coarsest_size, group_size, params_k, macs_m):
    options = {"coarsest_size": coarsest_size, "group_size": group_size, "coarsening": "released"}
    cost = model_cost("mgic_resnet56", options, (3, 32, 32))
    assert (cost.params, cost.macs) == closed_resnet56(group_size, coarsest_size, "released")
    assert cost.group_sizes == (group_size,)
    if params_k is not None:
        assert round(cost.params / 1e3) == params_k
        assert round(cost.macs / 1e6, 1) == macs_m


def test_resnet56_is_he_s():
    cost = model_cost("resnet56", {}, (3, 32, 32))
    assert cost.params == 853_018
    assert round(cost.macs / 1e6, 1) == 125.5
    assert (cost.transfer_params, cost.transfer_macs, cost.levels, cost.group_sizes) == (0, 0, (), ())


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 3),
    st.integers(1, 6),
    st.integers(2, 24),
    st.sampled_from(["paper", "paper_min1", "released"]),
    st.integers(1, 5),
)
def test_hooks_agree_with_the_closed_form(halvings, odd, group_size, coarsening, side):
    channels = 2 * odd << halvings
    with torch.device("meta"):
        block = MGICBlock(channels, BasicBlock, group_size, 2 * odd, coarsening)
    cost = count_cost(block, (channels, side, side))
    params, macs, transfer = closed_form(channels, group_size, 2 * odd, coarsening)
    assert (cost.params, cost.macs) == (params, macs * side**2)
    assert (cost.transfer_params, cost.transfer_macs) == (transfer, transfer * side**2)
    assert cost.params == sum(p.numel() for p in block.parameters())
    assert cost.macs == sum(row.restrict_macs + row.prolong_macs + row.block_macs for row in cost.levels)
    assert cost.transfer_params == sum(row.restrict_params + row.prolong_params for row in cost.levels)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3), st.sampled_from([2, 4, 8]), st.sampled_from([8, 16]))
def test_doubling_the_width_adds_one_level(halvings, group_size, coarsest_size):
    channels = coarsest_size << halvings
    with torch.device("meta"):
        narrow = count_cost(MGICBlock(channels, BasicBlock, group_size, coarsest_size), (channels, 4, 4))
        wide = count_cost(MGICBlock(2 * channels, BasicBlock, group_size, coarsest_size), (2 * channels, 4, 4))
    # Two convolutions of 9 s, R and P of s / 2 each: 19 s a channel, whatever the width.
    assert wide.macs - narrow.macs == 19 * group_size * 2 * channels * 4 * 4
    assert wide.params - narrow.params == (19 * group_size + 3 * 2) * 2 * channels


def test_levels_say_where_the_cost_sits():
    cost = count_cost(nn.Sequential(nn.Identity(), MGICBlock(16, BasicBlock, 4, 8)), (16, 3, 3))
    fine, coarse = cost.levels
    assert (fine.block, fine.level, fine.channels, fine.group_size, fine.groups) == ("1", 0, 16, 4, 4)
    assert (fine.restrict_params, fine.prolong_params) == (8 * 4, 16 * 2)
    assert (fine.restrict_macs, fine.prolong_macs) == (9 * 8 * 4, 9 * 16 * 2)
    assert (fine.block_params, fine.block_macs) == (2 * (9 * 16 * 4 + 2 * 16), 9 * 2 * 9 * 16 * 4)
    assert (coarse.level, coarse.channels, coarse.group_size, coarse.groups) == (1, 8, 8, 1)
    assert (coarse.restrict_params, coarse.restrict_macs, coarse.prolong_params, coarse.prolong_macs) == (0, 0, 0, 0)
    assert (coarse.block_params, coarse.block_macs) == (2 * (9 * 8 * 8 + 2 * 8), 9 * 2 * 9 * 8 * 8)


@pytest.mark.parametrize(
    ("layer", "input_size", "macs"),
    [
        (nn.Conv1d(6, 4, 5, padding=2, groups=2), (6, 10), 10 * 4 * 3 * 5),
        (nn.Conv2d(6, 8, 3, stride=2, groups=2), (6, 9, 7), 4 * 3 * 8 * 3 * 9),
        (nn.Conv3d(2, 3, 2), (2, 4, 4, 4), 27 * 3 * 2 * 8),
        (nn.ConvTranspose1d(3, 5, 4, stride=2), (3, 7), 7 * 3 * 5 * 4),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (4, 5, 6), 30 * 4 * 3 * 9),
        (nn.Linear(7, 5), (7,), 35),
        (nn.Linear(7, 5), (4, 7), 4 * 35),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2)), (3, 4, 4), 0),
    ],
)
def test_each_kind_of_layer_by_hand(layer, input_size, macs):
    assert count_cost(layer, input_size).macs == macs


@pytest.mark.parametrize("name", ["resnet20", "mgic_resnet20"])
def test_a_real_pass_through_torch_s_own_counter_agrees(name):
    model = create(name, in_channels=1).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.randn(1, 1, 8, 8))
    assert count_cost(model, (1, 8, 8)).macs == counter.get_total_flops() / 2


def test_a_module_called_twice_counts_twice_in_macs_and_once_in_parameters():
    layer = nn.Conv2d(4, 4, 1, bias=False)
    weight = layer.weight
    cost = count_cost(nn.Sequential(layer, nn.ReLU(), layer), (4, 5, 5))
    assert (cost.params, cost.macs) == (16, 2 * 16 * 25)
    assert layer.weight is weight


class Offset(nn.Module):
    """Holds tensors in all three ways there are, and makes one on the fly."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.tied = layer.weight
        self.register_buffer("shift", torch.ones(3))
        self.plain = torch.ones(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.tied + self.shift + self.plain + torch.arange(3)


def test_tensors_of_every_kind_are_put_back():
    layer = nn.Linear(3, 3, bias=False)
    model = nn.Sequential(layer, Offset(layer))
    before = (layer.weight, model[1].tied, model[1].shift, model[1].plain)
    assert count_cost(model, (3,)).params == 9
    after = (layer.weight, model[1].tied, model[1].shift, model[1].plain)
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_only_what_is_trained_counts_as_a_parameter():
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    assert count_cost(model, (4,)).params == 8


def test_lone_transfer_operators_are_reported_as_such():
    model = nn.Sequential(Transfer2d(16, 8, 4), Transfer2d(8, 16, 4))
    cost = count_cost(model, (16, 2, 2))
    assert (cost.transfer_params, cost.transfer_macs) == (64, 4 * 64)


def snapshot(model: nn.Module) -> tuple:
    return (
        [module.training for module in model.modules()],
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
        [(len(module._forward_hooks), len(module._forward_pre_hooks)) for module in model.modules()],
        [id(tensor) for tensor in (*model.parameters(), *model.buffers())],
    )


@pytest.mark.parametrize("input_size", [(3, 8, 8), (4, 8, 8)], ids=["fits", "raises"])
def test_the_model_is_left_as_found(input_size):
    model = create("mgic_resnet20").train()
    model.stem.eval()
    handle = model.stem.register_forward_hook(lambda *_: None)
    modes, state, hooks, tensors = snapshot(model)
    if input_size[0] == 3:
        count_cost(model, input_size)
    else:
        with pytest.raises(BadConfig):
            count_cost(model, input_size)
    after = snapshot(model)
    assert (after[0], after[2], after[3]) == (modes, hooks, tensors)
    assert state.keys() == after[1].keys()
    assert all(torch.equal(state[name], after[1][name]) for name in state)
    handle.remove()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_dtype_and_device_do_not_matter(dtype):
    expected = model_cost("mgic_resnet20", {}, (3, 8, 8))
    model = create("mgic_resnet20").to(dtype)
    for candidate in (model, model.to("meta")):
        cost = count_cost(candidate, (3, 8, 8))
        assert (cost.params, cost.macs, cost.levels) == (expected.params, expected.macs, expected.levels)


def test_an_image_no_memory_could_hold_is_counted():
    model = create("mgic_resnet20")
    small, huge = count_cost(model, (3, 32, 32)), count_cost(model, (3, 2**17, 2**17))
    head = 64 * 10
    assert huge.macs - head == (small.macs - head) * 2**24


def test_a_norm_that_needs_a_batch_does_not_mind_a_single_pixel():
    assert count_cost(create("mgic_resnet20").train(), (3, 1, 1)).params > 0


@pytest.mark.parametrize("input_size", [(1, 32, 32), (3, 32), (3,), (), (3, 0, 32), (3, -1, 32)])
def test_an_input_that_does_not_fit_is_named(input_size):
    words = "x".join(map(str, input_size)) if min(input_size, default=0) > 0 else "input_size="
    with pytest.raises(BadConfig, match=words) as caught:
        count_cost(create("resnet20"), input_size)
    assert caught.value.problems[0].pointer == "input_size"


def test_the_same_model_is_counted_once_however_it_is_asked_for():
    first = model_cost("mgic_resnet20", {}, (3, 32, 32))
    assert model_cost("mgic_resnet20", {"width": 16, "group_size": 8}, (3, 32, 32)) is first
    other = model_cost("mgic_resnet20", {"width": 16, "group_size": 4}, (3, 32, 32))
    assert other.macs < first.macs
    assert other.options["group_size"] == 4
    assert other.options["coarsest_size"] == 16


def test_group_sizes_are_the_effective_ones():
    # 80 and 40 in groups of 8, 20 of 4, 10 of 2; the 5 at the bottom are not grouped.
    cost = model_cost("mgic_resnet20", {"width": 20, "group_size": 8, "coarsest_size": 5}, (3, 8, 8))
    assert cost.group_sizes == (8, 4, 2)


def test_a_model_that_cannot_be_built_is_refused():
    with pytest.raises(BadConfig, match="width"):
        model_cost("mgic_resnet20", {"width": 0}, (3, 32, 32))
    with pytest.raises(BadConfig, match="channels=17"):
        model_cost("mgic_resnet20", {"width": 17}, (3, 32, 32))
    with pytest.raises(UnknownName, match="'mgic_resnet2'; did you mean"):
        model_cost("mgic_resnet2", {}, (3, 32, 32))
