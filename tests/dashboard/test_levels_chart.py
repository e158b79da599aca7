"""What is drawn of a network's levels, against numbers worked out by hand."""

import pytest

from mgic.figures.cost_grid import axis, change, draw_grid, grid_info, reasons
from mgic.figures.cost_share import COARSEST, GROUPED, PROLONG, REST, RESTRICT, bars, draw_bars, sums
from mgic.figures.levels import MAX_CUTS, blocks_of, draw_hierarchy, kinds, rows
from mgic.figures.style import DARK, LIGHT
from mgic.records import Cost, Level, ModelCost, Point, Preview


def level(block: str, number: int, channels: int, group_size: int, last: bool = False) -> Level:
    """Pointwise blocks on a map of 10 pixels: R and P have channels/2 * group_size weights each."""
    transfer = 0 if last else channels // 2 * group_size
    return Level(
        block=block,
        level=number,
        channels=channels,
        group_size=group_size,
        groups=channels // group_size,
        restrict_params=transfer,
        restrict_macs=10 * transfer,
        prolong_params=transfer,
        prolong_macs=10 * transfer,
        block_params=channels * group_size,
        block_macs=10 * channels * group_size,
    )


def block(name: str, channels: int) -> tuple[Level, ...]:
    """Groups of 4, halved down to 8 channels."""
    widths = [channels >> halved for halved in range(10) if channels >> halved >= 8]
    return tuple(
        level(name, number, width, 8 if width == 8 else 4, last=width == 8) for number, width in enumerate(widths)
    )


def network() -> ModelCost:
    """Two blocks of 16 channels, one of 8, and 1000 weights elsewhere that are used 10 times."""
    levels = (*block("stages.0", 8), *block("stages.1", 16), *block("stages.2", 16))
    # 8: 64 weights. 16: R and P 32 each, fine 64, coarse 64: 192 weights.
    params = 64 + 2 * 192 + 1000
    return ModelCost(
        model="made",
        options={},
        input_size=(3, 5, 2),
        params=params,
        macs=10 * params,
        transfer_macs=10 * 128,
        transfer_params=128,
        group_sizes=(4,),
        levels=levels,
    )


def test_levels_are_gathered_by_block_in_the_order_of_the_network():
    found = blocks_of(network().levels)
    assert [(one.name, one.channels, one.widths) for one in found] == [
        ("stages.0", 8, "8"),
        ("stages.1", 16, "16 → 8"),
        ("stages.2", 16, "16 → 8"),
    ]
    assert (found[1].params, found[1].macs) == (192, 1920)


def test_equal_blocks_are_shown_once_the_widest_first():
    found = kinds(blocks_of(network().levels))
    assert {name: [one.name for one in equal] for name, equal in found.items()} == {
        "stages.1": ["stages.1", "stages.2"],
        "stages.0": ["stages.0"],
    }
    assert next(iter(found)) == "stages.1"


def test_blocks_of_equal_widths_and_other_cost_are_apart():
    first, second = block("a", 16), tuple(v.model_copy(update={"block_macs": 1}) for v in block("b", 16))
    assert len(kinds(blocks_of((*first, *second)))) == 2


def test_a_row_says_what_its_level_is_and_costs():
    fine, coarse = rows(blocks_of(block("a", 16))[0])
    assert (fine.groups, fine.coarsest, coarse.groups, coarse.coarsest) == (4, False, 1, True)
    assert "16 channels</b>, 4 groups of 4" in fine.title
    assert fine.about == "block 64 params, 640 MACs"
    assert fine.restrict == "<b>R</b> 32 params<br>320 MACs"
    assert fine.prolong == "<b>P</b> 32 params<br>320 MACs"
    assert "mixes all" in coarse.title
    assert (coarse.restrict, coarse.prolong) == ("", "")


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_a_level_is_drawn_a_bar_a_group_centred_under_the_wider_one(colours):
    made = draw_hierarchy(blocks_of(block("a", 16))[0], colours)
    fine, coarse = made.data
    assert (list(fine.base), list(fine.x)) == ([-8, -4, 0, 4], [4, 4, 4, 4])
    assert (list(coarse.base), list(coarse.x)) == ([-4], [8])
    assert list(fine.hovertext)[1] == "group 2 of 4: channels 4 to 7"
    arrows = [one for one in made.layout.annotations if one.showarrow]
    assert sorted(one.y < one.ay for one in arrows) == [False, True]  # P up and R down, once


def test_too_many_groups_are_one_hatched_bar():
    wide = level("a", 0, 4 * (MAX_CUTS + 1), 4)
    made = draw_hierarchy(blocks_of((wide, level("a", 1, 8, 8, last=True)))[0], LIGHT)
    assert len(made.data[0].x) == 1
    assert made.data[0].marker.pattern.shape == "|"
    assert f"{MAX_CUTS + 1} groups" in made.data[0].hovertext[0]


@pytest.mark.parametrize(("count", "unit"), [("params", 1), ("macs", 10)])
def test_the_bars_are_together_the_whole_network(count, unit):
    first, second, third, rest = bars(network(), count)
    assert first.parts == {GROUPED: 0, COARSEST: 64 * unit, RESTRICT: 0, PROLONG: 0}
    assert second.parts == {GROUPED: 64 * unit, COARSEST: 64 * unit, RESTRICT: 32 * unit, PROLONG: 32 * unit}
    assert third.total == 192 * unit
    assert rest.parts == {REST: 1000 * unit}
    together = sums([first, second, third, rest])
    assert together == {
        GROUPED: 128 * unit,
        COARSEST: 192 * unit,
        RESTRICT: 64 * unit,
        PROLONG: 64 * unit,
        REST: 1000 * unit,
    }
    assert sum(together.values()) == 1448 * unit


def test_the_bars_are_stacked_in_the_order_of_the_network():
    made = draw_bars(bars(network(), "macs"), "macs", LIGHT)
    assert made.layout.barmode == "stack"
    assert {trace.name: list(trace.y) for trace in made.data}["R"] == [0, 320, 320, 0]
    assert made.layout.xaxis.ticktext[-1] == "else"
    assert len({trace.marker.pattern.shape for trace in made.data}) == 5


def test_a_long_network_has_few_ticks_and_the_last_is_free():
    levels = tuple(one for number in range(54) for one in block(f"stages.{number}", 8))
    long = network().model_copy(update={"levels": levels, "params": 10**5, "macs": 10**6})
    ticks = draw_bars(bars(long, "macs"), "macs", LIGHT).layout.xaxis.tickvals
    assert len(ticks) <= 13
    assert ticks[-1] == 55
    assert ticks[-2] < 53


def point(x: int, y: int, macs: int | None = None, problem: str | None = None) -> Point:
    sizes = {"group_size": x, "coarsest_size": y}
    cost = Cost(params=2 * macs, macs=macs) if macs else None
    return Point(requested=sizes, config=sizes, cost=cost, problem=problem, pending=not macs and not problem)


def preview(*points: Point) -> Preview:
    pending, problems = sum(p.pending for p in points), sum(p.problem is not None for p in points)
    return Preview(points=points, total=len(points), pending=pending, problems=problems, duplicates=0)


def cells() -> Preview:
    return preview(point(8, 16, 1000), point(8, 8), point(4, 16, 750), point(4, 8, problem="channels=7 <b> no"))


def test_the_present_sizes_are_asked_first():
    assert axis((4, 8, 16), 8) == [8, 4, 16]
    assert axis((4, 8, 16), 24) == [24, 4, 8, 16]


def test_a_cell_has_its_change_against_the_present_one():
    info = grid_info(cells(), "macs", (8, 16))
    assert (info.xs, info.ys, info.chosen) == ([4, 8], [8, 16], (1, 1))
    (impossible, pending), (smaller, here) = info.cells
    assert (smaller.mean, here.mean) == (750, 1000)
    assert "-25 %" in smaller.text
    assert "here" in here.text
    assert (pending.mean, pending.missing) == (None, "…")
    assert (impossible.mean, impossible.missing) == (None, "✖")
    assert "channels=7 &lt;b&gt; no" in impossible.hover


def test_parameters_are_drawn_on_demand():
    assert grid_info(cells(), "params", (8, 16)).cells[1][0].mean == 1500


def test_without_the_present_cost_there_are_no_changes():
    info = grid_info(cells(), "macs", (4, 8))
    assert "%" not in info.cells[1][0].text
    assert info.chosen == (0, 0)


@pytest.mark.parametrize(("value", "said"), [(1500, "+50 %"), (750, "-25 %"), (1001, "±0 %"), (1000, "±0 %")])
def test_a_change_in_percent(value, said):
    assert change(value, 1000, here=False) == said


def test_reasons_are_named_once():
    twice = preview(point(4, 8, problem="a"), point(4, 16, problem="a"), point(8, 8, problem="b"))
    assert reasons(twice) == ["a", "b"]


def test_the_present_cell_is_outlined_even_where_it_cannot_be_built():
    made = draw_grid(grid_info(cells(), "macs", (4, 8)), "macs", DARK)
    (outline,) = [shape for shape in made.layout.shapes if shape.line.width == 5]
    assert (outline.x0, outline.y0) == (-0.48, -0.48)
    assert made.data[0].showscale is False
