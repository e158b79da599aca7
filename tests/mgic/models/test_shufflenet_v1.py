"""ShuffleNet v1: what it costs, that the shuffle mixes the groups, what its units do with their input."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.measure.cost import count_cost, model_cost
from mgic.models import create
from mgic.models.shufflenet_v1 import ChannelShuffle, ShuffleUnit
from tests.cases import thorough

IMAGE = (3, 224, 224)


def cost(**options) -> tuple[float, float]:
    counted = model_cost("shufflenet_v1", options, IMAGE)
    return counted.params / 1e6, counted.macs / 1e6


@pytest.mark.parametrize(
    ("groups", "printed_m"),
    [(1, 143), (2, 140), (3, 137), (4, 133), (8, 137)],  # the last line of the paper's table 1
)
def test_the_complexity_of_table_1(groups, printed_m):
    assert cost(groups=groups)[1] == pytest.approx(printed_m, abs=1.5)


@pytest.mark.parametrize(
    ("width_mult", "groups", "params_m", "macs_m"),
    [  # the authors' own figures for their released networks
        (0.5, 3, 0.7, 38),
        (0.5, 8, 1.0, 40),
        (1.0, 3, 1.9, 138),
        (1.0, 8, 2.4, 138),
        (1.5, 3, 3.4, 292),
        (1.5, 8, 4.3, 290),
        (2.0, 3, 5.4, 524),
        (2.0, 8, 6.5, 522),
    ],
)
def test_the_cost_of_the_released_networks(width_mult, groups, params_m, macs_m):
    params, macs = cost(width_mult=width_mult, groups=groups)
    assert params == pytest.approx(params_m, abs=0.051)
    assert macs == pytest.approx(macs_m, abs=1)


def closed_form_macs(stem: int, width: int, groups: int) -> int:
    """After section 3.2: h w (2 c m / g + 9 m) for a unit that adds, c channels, bottleneck m."""
    total = 112**2 * 27 * stem
    before = stem
    for stage, further in enumerate((3, 7, 3)):
        c, m, area = width << stage, width << stage >> 2, (28 >> stage) ** 2
        first = 4 * area * before * m // (groups if stage else 1) + area * (9 * m + m * (c - before) // groups)
        total += first + further * area * (2 * c * m // groups + 9 * m)
        before = c
    return total + before * 1000


@pytest.mark.parametrize(
    ("width_mult", "groups", "stem", "width", "params_m", "macs_m"),
    [(0.5, 8, 16, 192, 1.011, 40.5), (1.0, 3, 24, 240, 1.866, 137.5)],
)
def test_both_rows_of_table_8(width_mult, groups, stem, width, params_m, macs_m):
    counted = model_cost("shufflenet_v1", {"width_mult": width_mult, "groups": groups}, IMAGE)
    assert counted.macs == closed_form_macs(stem, width, groups)
    assert (round(counted.params / 1e6, 3), round(counted.macs / 1e6, 1)) == (params_m, macs_m)


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_the_shuffle_is_a_permutation_that_deals_every_group_to_all_groups(groups):
    size = 12 // groups
    x = torch.arange(12.0).reshape(1, 12, 1, 1).expand(2, 12, 3, 5)
    y = ChannelShuffle(groups)(x)
    order = y[0, :, 0, 0].long().tolist()
    assert sorted(order) == list(range(12))
    assert torch.equal(y, x[:, order])
    for new in range(groups):
        came_from = {channel // size for channel in order[new * size : (new + 1) * size]}
        assert len(came_from) == min(groups, size)
    if groups == 3:
        assert order == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


def test_within_a_unit_a_channel_hears_of_all_groups():
    """Without the shuffle its gradient would reach the first third of the input only."""
    torch.manual_seed(0)
    unit = ShuffleUnit(36, 36, groups=3, stride=1, first_groups=3).eval()
    x = torch.rand(1, 36, 4, 4, requires_grad=True)
    unit.layers(x)[0, 0].sum().backward()
    heard = {channel // 12 for channel in range(36) if x.grad[0, channel].any()}
    assert heard == {0, 1, 2}


def silenced(unit: ShuffleUnit) -> ShuffleUnit:
    """With the branch answering zero, what is left is what the unit does with its input."""
    nn.init.zeros_(unit.layers[-1].weight)
    return unit.eval()


def test_a_unit_adds_its_input_or_puts_its_average_first():
    x = torch.rand(2, 24, 6, 6)
    assert torch.equal(silenced(ShuffleUnit(24, 24, 2, stride=1, first_groups=2))(x), x)
    y = silenced(ShuffleUnit(24, 40, 2, stride=2, first_groups=2))(x)
    assert y.shape == (2, 40, 3, 3)
    assert torch.allclose(y[:, :24, 1, 1], x[:, :, 1:4, 1:4].mean(dim=(2, 3)))
    assert not y[:, 24:].any()


def test_stages_have_a_quarter_in_the_bottleneck_and_the_first_convolution_no_groups():
    network = create("shufflenet_v1", groups=8, width_mult=0.5)
    units = list(network.units)
    assert [unit.stride for unit in units] == [2, 1, 1, 1, 2, *[1] * 7, 2, 1, 1, 1]
    assert [unit.layers[0].out_channels for unit in units] == [48] * 4 + [96] * 8 + [192] * 4
    assert [unit.layers[0].groups for unit in units] == [1] + [8] * 15
    assert {unit.layers[6].groups for unit in units} == {8}
    assert network.stem[0].out_channels == 16


@pytest.mark.parametrize("width_mult", [0.05, 0.35, 8.0, *thorough(0.25, 1.1)])
@pytest.mark.parametrize("groups", [1, 3, 8, *thorough(2, 4)])
def test_every_width_can_be_built(width_mult, groups):
    with torch.device("meta"):
        network = create("shufflenet_v1", width_mult=width_mult, groups=groups, in_channels=1, num_classes=7)
    width = network.units[0].layers[0].out_channels * 4
    exact = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}[groups] * width_mult
    assert exact - 1e-6 <= width < exact + 4 * groups
    assert count_cost(network, (1, 64, 64)).params > 0


def test_the_resolution_falls_by_32():
    network = create("shufflenet_v1", in_channels=1, num_classes=7).eval()
    x = torch.randn(2, 1, 64, 96)
    assert network.stem(x).shape == (2, 24, 16, 24)
    assert network.units(network.stem(x)).shape == (2, 960, 2, 3)
    assert network(x).shape == (2, 7)


@pytest.mark.parametrize("groups", [5, 6, 7])
def test_groups_without_a_column_in_table_1_are_refused(groups):
    with pytest.raises(BadConfig, match=rf"groups={groups} is none of \(1, 2, 3, 4, 8\)") as caught:
        create("shufflenet_v1", groups=groups)
    assert caught.value.problems[0].pointer == "groups"


@pytest.mark.parametrize("options", [{"groups": 0}, {"groups": 9}, {"groups": True}, {"width_mult": 0.0}])
def test_options_out_of_bounds_are_refused(options):
    with pytest.raises(BadConfig, match=next(iter(options))):
        create("shufflenet_v1", **options)
