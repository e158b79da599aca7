"""In which order the samples of blocks are taken."""

from collections import Counter
from itertools import pairwise

from mgic.measure.blocks import ORDERS, arms_of, turn_order


def test_over_four_blocks_each_arm_is_as_often_outside_as_inside_and_the_base_as_its_control():
    blocks = [arms_of(block) for block in range(4)]
    outside = Counter(arms[place] for arms in blocks for place in (0, 3))
    assert (outside["head"], outside["base"], outside["control"]) == (4, 2, 2)
    for place in range(4):
        assert Counter(arms[place] for arms in blocks) == {"head": 2, "base": 1, "control": 1}
    assert arms_of(4) == ORDERS[0]


def test_in_four_rounds_each_has_each_turn_and_follows_each_other_and_never_itself():
    rounds = [turn_order(number) for number in range(8)]
    for position in range(4):
        assert {order[position] for order in rounds[:4]} == {0, 1, 2, 3}
    turns = [place for order in rounds for place in order]
    assert all(one != next_one for one, next_one in pairwise(turns))
    inside = Counter(pair for order in rounds[:4] for pair in pairwise(order))
    assert set(inside.values()) == {1}
    assert len(inside) == 12
