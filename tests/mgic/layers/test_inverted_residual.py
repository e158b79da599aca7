"""The MobileNetV3 block: its groups after appendix B.2, its cost, its hierarchy."""

import pytest
import torch
from torch import nn

from mgic.errors import BadConfig
from mgic.layers import InvertedResidual, common_divisor, mgic_inverted_residual, multiple
from mgic.measure.cost import count_cost


def convolutions(module: nn.Module) -> list[tuple[int, int, int]]:
    return [(c.in_channels, c.out_channels, c.groups) for c in module.modules() if isinstance(c, nn.Conv2d)]


def test_the_plain_block_widens_convolves_and_narrows_ungrouped():
    block = InvertedResidual(24, hidden=72, kernel_size=5)
    assert convolutions(block) == [(24, 72, 1), (72, 72, 72), (72, 24, 1)]
    assert count_cost(block, (24, 10, 10)).macs == 100 * (24 * 72 + 25 * 72 + 72 * 24)


def test_nothing_is_widened_where_hidden_is_the_input():
    assert convolutions(InvertedResidual(16, hidden=16)) == [(16, 16, 16), (16, 16, 1)]


def test_groups_keep_their_number_of_inputs_on_the_way_back():
    # 80 channels in 2 groups of 40; 240 hidden ones are 6 groups of 40, but 6 does not divide 80: 5 does.
    assert convolutions(InvertedResidual(80, 2, hidden=240)) == [(80, 240, 2), (240, 240, 240), (240, 80, 5)]


def test_one_group_is_not_the_plain_block():
    assert convolutions(InvertedResidual(48, 1, hidden=288))[-1] == (288, 48, 6)
    assert convolutions(InvertedResidual(48, hidden=288))[-1] == (288, 48, 1)


@pytest.mark.parametrize(("channels_in", "stride", "added"), [(8, 1, True), (8, 2, False), (4, 1, False)])
def test_the_input_is_added_where_the_shape_stays(channels_in, stride, added):
    torch.manual_seed(0)
    block = InvertedResidual(8, hidden=16, channels_in=channels_in, stride=stride).eval()
    nn.init.zeros_(block.project[0].weight)
    x = torch.randn(2, channels_in, 6, 6)
    with torch.no_grad():
        y = block(x)
    assert y.shape == (2, 8, 6 // stride, 6 // stride)
    assert torch.equal(y, x) if added else not y.any()


def test_the_group_size_divides_width_and_expansion_as_the_papers_example_says():
    # Appendix B.2: the fifth layer has #exp = 120 and c_out = 40, so 64 becomes 40.
    assert common_divisor(40, 120, at_most=64) == 40
    block = mgic_inverted_residual(40, 64, 20, hidden=120)
    assert [(level.channels, level.group_size) for level in block.levels] == [(40, 40), (20, 20)]


def test_hidden_channels_halve_with_the_channels_and_only_the_coarsest_level_is_ungrouped():
    block = mgic_inverted_residual(160, 64, 64, hidden=960, squeeze=True)
    assert [level.channels for level in block.levels] == [160, 80, 40]
    found = [[c for c in convolutions(level) if c[0] != c[2]] for level in block.blocks]
    # s = 40: 4 and 2 groups; 960 / 40 = 24 groups do not divide 160, 20 do; 480 / 40 = 12 do not divide 80, 10 do.
    assert found[0] == [(160, 960, 4), (960, 240, 1), (240, 960, 1), (960, 160, 20)]
    assert found[1] == [(80, 480, 2), (480, 80, 10)]
    assert found[2] == [(40, 240, 1), (240, 40, 1)]


def test_squeeze_and_excite_stands_on_the_finest_level_or_on_all():
    def squeezed(levels: str) -> list[bool]:
        block = mgic_inverted_residual(32, 8, 8, hidden=64, squeeze=True, squeeze_levels=levels)
        return [any(isinstance(m, nn.AdaptiveAvgPool2d) for m in level.modules()) for level in block.blocks]

    assert squeezed("finest") == [True, False, False]
    assert squeezed("all") == [True, True, True]


def test_a_group_size_of_zero_is_refused():
    with pytest.raises(BadConfig, match="group_size=0"):
        mgic_inverted_residual(32, 0, 8, hidden=64)


@pytest.mark.parametrize(("value", "near"), [(1, 8), (11.9, 16), (12, 16), (18, 24), (20, 24), (35, 32), (36, 40)])
def test_widths_become_multiples_and_lose_at_most_a_tenth(value, near):
    assert multiple(value, 8) == near
