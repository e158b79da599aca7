"""Which widths and groups the levels of an MGIC block have: integers only, no tensors.

Level 0 is the width of the block, each further level half of the one before. All
levels but the coarsest are grouped; the coarsest mixes all of its channels.
"""

from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from mgic.errors import BadConfig, Problem

Coarsening = Literal["paper", "paper_min1", "released"]


class GridLevel(NamedTuple):
    """One level of a hierarchy: `groups` groups of `group_size` channels each."""

    level: int
    channels: int
    group_size: int
    groups: int


def halvings(channels: int, coarsest_size: int, coarsening: Coarsening) -> int:
    """How often a rule halves `channels`; whether that is possible is not asked.

    Args:
        channels: Width of level 0.
        coarsest_size: The paper's s_c.
        coarsening: "paper" is section 2.1, the fewest halvings to at most s_c, perhaps
            none. "paper_min1" does at least one. "released" is the authors' published
            code: at least one, and on until the width is below s_c.
    """
    if coarsening == "released":
        count = 1
        while channels >= coarsest_size << count:
            count += 1
        return count
    count = 0 if coarsening == "paper" else 1
    while channels > coarsest_size << count:
        count += 1
    return count


def level_widths(channels: int, coarsest_size: int, coarsening: Coarsening = "paper") -> tuple[int, ...]:
    """Widths of the levels, finest first.

    Raises:
        BadConfig: A size below 1, a rule nobody knows, or a width that is not divisible
            by two as often as the rule asks.
    """
    for name, value in (("channels", channels), ("coarsest_size", coarsest_size)):
        _at_least_one(name, value)
    if coarsening not in get_args(Coarsening):
        raise _bad("coarsening", "literal_error", f"coarsening={coarsening!r} is none of {get_args(Coarsening)}")
    count = halvings(channels, coarsest_size, coarsening)
    if channels % (1 << count):
        raise _bad(
            "coarsest_size",
            "not_halvable",
            f"channels={channels} cannot be halved {'once' if count == 1 else f'{count} times'}, "
            f"as coarsest_size={coarsest_size} with coarsening={coarsening!r} asks",
        )
    return tuple(channels >> level for level in range(count + 1))


def effective_group_size(channels: int, coarser: int, group_size: int) -> int:
    """The largest size up to `group_size` that divides `channels` into groups whose number divides `coarser`.

    Raises:
        BadConfig: There is none; with `coarser` half of `channels` that is `group_size` = 1.
    """
    for size in range(min(group_size, channels), 0, -1):
        if channels % size == 0 and coarser % (channels // size) == 0:
            return size
    raise _bad(
        "group_size",
        "group_too_small",
        f"group_size={group_size} leaves no group of the {channels} channels that {coarser} coarser channels can share",
    )


def plan_levels(
    channels: int, group_size: int, coarsest_size: int, coarsening: Coarsening = "paper"
) -> tuple[GridLevel, ...]:
    """The levels of a block, finest first; the last one is a single group.

    Args:
        channels: Width of level 0.
        group_size: The paper's s_g. Where it does not divide a level, the next smaller size that does is taken.
        coarsest_size: The paper's s_c.
        coarsening: See `halvings`.

    Raises:
        BadConfig: As `level_widths` and `effective_group_size`.
    """
    _at_least_one("group_size", group_size)
    widths = level_widths(channels, coarsest_size, coarsening)
    levels = []
    for level, (fine, coarse) in enumerate(pairwise(widths)):
        size = effective_group_size(fine, coarse, group_size)
        levels.append(GridLevel(level, fine, size, fine // size))
    return (*levels, GridLevel(len(levels), widths[-1], widths[-1], 1))


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise _bad(name, "greater_than_equal", f"{name}={value} should be at least 1")


def _bad(name: str, code: str, detail: str) -> BadConfig:
    return BadConfig(detail, (Problem(name, code, detail),))
