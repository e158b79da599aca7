"""In which order the samples of blocks are taken."""

from collections import Counter

from mgic.measure.blocks import ORDERS, arms_of


def test_over_four_blocks_each_arm_is_as_often_outside_as_inside_and_the_base_as_its_control():
    blocks = [arms_of(block) for block in range(4)]
    outside = Counter(arms[place] for arms in blocks for place in (0, 3))
    assert (outside["head"], outside["base"], outside["control"]) == (4, 2, 2)
    for place in range(4):
        assert Counter(arms[place] for arms in blocks) == {"head": 2, "base": 1, "control": 1}
    assert arms_of(4) == ORDERS[0]
