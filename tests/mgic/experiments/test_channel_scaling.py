"""The claims of the experiment, against numbers worked out by hand."""

import pytest

from mgic.errors import BadConfig
from mgic.experiments.channel_scaling import WARM_UP, Config, channel_scaling, estimate
from tests.silent import SilentContext


@pytest.fixture
def macs(tmp_path):
    return lambda **config: channel_scaling(Config(**config), SilentContext(tmp_path)).macs


def test_two_full_convolutions_match_the_formula(macs):
    assert macs(block="full", channels=64, side=32) == 2 * 9 * 64**2 * 32**2


def test_grouped_convolutions_match_the_formula(macs):
    assert macs(block="grouped", channels=64, group_size=8, side=32) == 2 * 9 * 64 * 8 * 32**2


def test_separable_convolutions_match_the_formula(macs):
    assert macs(block="depthwise_separable", channels=64, side=32) == 2 * (9 + 64) * 64 * 32**2


def test_a_hierarchy_of_two_levels_matches_the_count_by_hand(macs):
    # 16 channels in 2 groups of 8, and 8 ungrouped; R and P 16 x 8 weights in 2 groups
    pixel = 2 * 9 * 16 * 8 + 2 * 9 * 8 * 8 + 2 * 16 * 8 // 2
    assert macs(block="mgic", channels=16, group_size=8, coarsest_size=8, side=4) == pixel * 16


def test_double_width_costs_four_times_in_full_and_about_twice_with_mgic(macs):
    assert macs(block="full", channels=2048) == 4 * macs(block="full", channels=1024)
    assert macs(block="mgic", channels=2048) / macs(block="mgic", channels=1024) == pytest.approx(2, abs=0.01)


def test_mgic_stays_under_twice_the_finest_level(macs):
    finest = (2 * 9 * 8 + 8) * 1024 * 32**2  # group_size=8; R and P have 4 weights a channel each
    assert finest < macs(block="mgic", channels=1024, group_size=8, coarsest_size=8) < 2 * finest


def test_macs_per_channel_is_flat_for_mgic(tmp_path):
    found = [
        channel_scaling(Config(channels=channels), SilentContext(tmp_path)).macs_per_channel for channels in (512, 4096)
    ]
    assert found[1] == pytest.approx(found[0], rel=0.02)


@pytest.mark.parametrize(
    "config", [{"block": "grouped", "channels": 60}, {"block": "mgic", "channels": 60, "coarsest_size": 4}]
)
def test_a_width_that_does_not_divide_is_refused(macs, config):
    with pytest.raises(BadConfig, match="60"):
        macs(**config)


def test_latency_is_left_out_unless_asked_for(tmp_path):
    result = channel_scaling(Config(channels=16, side=4), SilentContext(tmp_path))
    assert (result.latency_ms, result.n) == (None, 0)


def test_latency_is_the_median_of_the_passes_after_the_warm_up(tmp_path):
    context = SilentContext(tmp_path)
    result = channel_scaling(Config(channels=16, side=4, measure_latency=True, repeats=5), context)
    assert result.n == 5
    assert result.latency_ms is not None
    assert result.latency_ms > 0
    assert "measuring" in context.phases


def test_the_estimate_counts_the_passes_that_are_timed():
    config = Config(channels=16, side=4, measure_latency=True, repeats=7)
    assert estimate(config).work_macs == estimate(config).cost.macs * (WARM_UP + 7)
    assert estimate(Config(channels=16)).work_macs == 0
    assert estimate(Config(block="full")).group_sizes == ()
    assert estimate(Config(block="grouped")).group_sizes == (8,)
