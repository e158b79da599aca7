"""In which order the samples of blocks are taken, and what a pass in them costs besides."""

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from mgic.measure.blocks import ORDERS, Code, Parents, arms_of, turn_order

NETWORK = """
from torch import nn

def net(num_classes: int = 10, in_channels: int = 3, img_size: int = 64) -> nn.Module:
    layers = [nn.Conv2d(in_channels, 32, 3), *(nn.Conv2d(32, 32, 3, padding=1) for _ in range(8))]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, num_classes))
"""


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


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's count of page faults is read of /proc")
def test_a_timed_pass_gets_no_memory_anew_from_the_kernel(tmp_path):
    """Whether it does is luck of a process, and was 15 % of the time of a pass: more than what a gate looks for."""
    (tmp_path / "outside.py").write_text(NETWORK)
    code = Code(tmp_path, tmp_path, (".",), ("outside",), sys.executable)
    setup = {
        **{"model": "outside:net", "options": {}, "input_size": [3, 64, 64], "engine": "eager", "device": "cpu"},
        **{"threads": 1, "batch_size": 1, "precision": "float32", "memory_format": "contiguous", "seed": 0},
        **{"samples": 1, "seconds": 0.0, "warm_up_seconds": 0.05},
    }
    with Parents({"base": code}, tmp_path / "log") as made:
        worker, _ = made.open("base", {"task": "build", "setup": setup, "core": None})
        (parent,) = [one for one in psutil.Process().children() if "mgic.measure.forking" in one.cmdline()]
        (child,) = parent.children()

        def faults() -> int:
            return int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[7])

        worker.ask({"task": "take", "passes": 5})
        before = faults()
        worker.ask({"task": "take", "passes": 20})
        assert (
            faults() - before < 20 * 8 * 32
        )  # a page in four of what the layers' results take: 8 of half a MiB a pass
        assert worker.ask({"task": "timing"})["peak_bytes"] > 2 * 32 * 64 * 64 * 4
