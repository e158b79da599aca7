"""The levels of a block, against widths worked out by hand and against their definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.errors import BadConfig
from mgic.layers import effective_group_size, level_widths, plan_levels

RULES = st.sampled_from(["paper", "paper_min1", "released"])


@pytest.mark.parametrize(
    ("channels", "coarsest_size", "coarsening", "widths"),
    [
        (64, 8, "paper", (64, 32, 16, 8)),  # table 1: three restrictions
        (64, 8, "released", (64, 32, 16, 8, 4)),
        (64, 64, "paper", (64,)),
        (64, 64, "paper_min1", (64, 32)),
        (64, 64, "released", (64, 32)),
        (16, 64, "paper", (16,)),
        (16, 64, "released", (16, 8)),
        (112, 64, "paper", (112, 56)),  # where Algorithm 1's floor would do nothing
        (96, 20, "paper", (96, 48, 24, 12)),
        (1, 1, "paper", (1,)),
    ],
)
def test_widths_by_hand(channels, coarsest_size, coarsening, widths):
    assert level_widths(channels, coarsest_size, coarsening) == widths


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 600), RULES)
def test_a_rule_stops_where_it_says(halvings, odd, coarsest_size, coarsening):
    channels = odd << halvings
    stop = next(
        k
        for k in range(0 if coarsening == "paper" else 1, 20)
        if (channels / 2**k < coarsest_size if coarsening == "released" else channels / 2**k <= coarsest_size)
    )
    whole = [channels / 2**k for k in range(stop + 1)]
    if all(width == int(width) for width in whole):
        assert level_widths(channels, coarsest_size, coarsening) == tuple(whole)
    else:
        with pytest.raises(BadConfig, match=rf"channels={channels} .*coarsest_size={coarsest_size} ") as caught:
            level_widths(channels, coarsest_size, coarsening)
        assert caught.value.problems[0].pointer == "coarsest_size"


@pytest.mark.parametrize(("channels", "coarsest_size"), [(17, 8), (12, 2), (6, 1)])
def test_a_width_that_cannot_be_halved_is_refused(channels, coarsest_size):
    with pytest.raises(BadConfig, match=rf"channels={channels} .*coarsest_size={coarsest_size} "):
        level_widths(channels, coarsest_size)


@given(st.integers(1, 300), st.integers(1, 400))
def test_the_group_size_is_the_largest_that_fits(half, group_size):
    channels = 2 * half
    fits = [size for size in range(1, group_size + 1) if channels % size == 0 and half % (channels // size) == 0]
    if fits:
        assert effective_group_size(channels, half, group_size) == max(fits)
    else:
        assert group_size == 1, "2 always fits"
        with pytest.raises(BadConfig, match="group_size=1 "):
            effective_group_size(channels, half, group_size)


def test_levels_report_what_was_asked_and_what_came_of_it():
    levels = plan_levels(80, group_size=32, coarsest_size=20)
    assert [tuple(level) for level in levels] == [(0, 80, 20, 4), (1, 40, 20, 2), (2, 20, 20, 1)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("channels", (0, 8, 8, "paper")),
        ("group_size", (16, 0, 8, "paper")),
        ("coarsest_size", (16, 8, 0, "paper")),
        ("coarsening", (16, 8, 8, "papre")),
    ],
)
def test_a_value_out_of_bounds_is_named(name, values):
    with pytest.raises(BadConfig, match=name) as caught:
        plan_levels(*values)
    assert caught.value.problems[0].pointer == name
