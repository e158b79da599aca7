"""The hierarchy of one MGIC block: a row of channels a level, cut into groups, with R down and P up between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.style import Look, figure
from mgic.figures.words import series, si
from mgic.records import Level

MAX_CUTS = 64  # groups drawn one by one; more are hatched
ROW = 150  # pixels a level
THICK = 0.26  # of a bar; a level is 1 high
HALF = THICK / 2
EDGE = 0.05
HEAD = 0.36  # from the middle of a bar to the upper end of the words above it


@dataclass(frozen=True)
class Block:
    """One MGIC block of a network."""

    name: str
    levels: tuple[Level, ...]  # finest first

    @property
    def channels(self) -> int:
        return self.levels[0].channels

    @property
    def params(self) -> int:
        return sum(v.restrict_params + v.prolong_params + v.block_params for v in self.levels)

    @property
    def macs(self) -> int:
        return sum(v.restrict_macs + v.prolong_macs + v.block_macs for v in self.levels)

    def rows(self) -> list[dict[str, Any]]:
        """Its levels, in numbers."""
        return [level.model_dump(mode="json") for level in self.levels]

    @property
    def widths(self) -> str:
        return series([level.channels for level in self.levels])


@dataclass(frozen=True)
class Row:
    """One level as it is drawn; the words of R and P are of the way to the next coarser level."""

    title: str
    about: str
    channels: int
    groups: int
    coarsest: bool
    restrict: str = ""
    prolong: str = ""


def blocks_of(levels: Sequence[Level]) -> list[Block]:
    """In the order of the network."""
    found: dict[str, list[Level]] = {}
    for level in levels:
        found.setdefault(level.block, []).append(level)
    return [Block(name, tuple(sorted(own, key=lambda one: one.level))) for name, own in found.items()]


def kinds(blocks: Sequence[Block]) -> dict[str, list[Block]]:
    """Equal blocks together, under the name of the first; the widest come first."""
    alike: dict[tuple[Level, ...], list[Block]] = {}
    for block in blocks:
        alike.setdefault(tuple(v.model_copy(update={"block": ""}) for v in block.levels), []).append(block)
    widest_first = sorted(alike.values(), key=lambda equal: -equal[0].channels)
    return {equal[0].name: equal for equal in widest_first}


def rows(block: Block) -> list[Row]:
    """Finest first; the coarsest has no R and no P."""
    return [_row(level, level.level == block.levels[-1].level) for level in block.levels]


def _row(level: Level, coarsest: bool) -> Row:
    one = level.groups == 1
    size = f"{level.groups} groups of {level.group_size}" if not one else "one group"
    return Row(
        title=f"<b>level {level.level}: {level.channels} channels</b>, {'mixes all' if coarsest else size}",
        about=f"block {_cost(level.block_params, level.block_macs, ', ')}",
        channels=level.channels,
        groups=level.groups,
        coarsest=coarsest,
        restrict="" if coarsest else f"<b>R</b> {_cost(level.restrict_params, level.restrict_macs, '<br>')}",
        prolong="" if coarsest else f"<b>P</b> {_cost(level.prolong_params, level.prolong_macs, '<br>')}",
    )


def draw_hierarchy(block: Block, colours: Look) -> go.Figure:
    """As wide as its channels, centred, the finest on top; hover tells the channels of a group."""
    drawn = rows(block)
    widest = max(row.channels for row in drawn)
    title = f"{block.widths} channels" if len(drawn) > 1 else f"{block.widths} channels, a single level"
    made = figure(title, "", "", colours, height=int(64 + ROW * (len(drawn) - 1 + THICK + EDGE + HEAD)))
    for place, row in enumerate(drawn):
        _add_row(made, row, -place, colours)
        words = f"{row.title}<br>{row.about}"
        made.add_annotation(x=0, y=HALF - place, text=words, showarrow=False, yanchor="bottom", font_size=13)
        if not row.coarsest:
            _add_arrow(made, row.restrict, -place, widest, colours.series[2], down=True)
            _add_arrow(made, row.prolong, -place, widest, colours.series[3], down=False)
    made.update_xaxes(visible=False, range=[-0.52 * widest, 0.52 * widest], fixedrange=True)
    made.update_yaxes(visible=False, range=[1 - len(drawn) - HALF - EDGE, HALF + HEAD], fixedrange=True)
    made.update_layout(barmode="overlay", showlegend=False, hovermode="closest")
    return made


def _add_row(made: go.Figure, row: Row, y: float, colours: Look) -> None:
    """A bar a group; one hatched bar where the groups are too many to be told apart."""
    cuts = row.groups if row.groups <= MAX_CUTS else 1
    size = row.channels // cuts
    starts = [index * size for index in range(cuts)]
    shape = "/" if row.coarsest else "|" if cuts < row.groups else ""
    pattern = {"shape": shape, "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.2, "size": 6}
    group = "group {} of {}: channels {} to {}"
    all_of_it = f"{row.groups} group{'s' if row.groups > 1 else ''}: channels 0 to {row.channels - 1}"
    made.add_bar(
        orientation="h",
        base=[start - row.channels / 2 for start in starts],
        x=[size] * cuts,
        y=[y] * cuts,
        width=THICK,
        marker={
            "color": colours.series[1 if row.coarsest else 0],
            "pattern": pattern,
            "line": {"color": colours.background, "width": 2 if cuts <= 32 else 1},
        },
        hovertext=[group.format(n + 1, cuts, at, at + size - 1) for n, at in enumerate(starts)]
        if cuts > 1
        else [all_of_it],
        hoverinfo="text",
    )


def _add_arrow(made: go.Figure, words: str, y: float, widest: int, colour: str, down: bool) -> None:
    """R left of the middle, P right of it, each with its cost beside it."""
    side = -1 if down else 1
    upper, lower = y - HALF - 0.04, y - 1 + HALF + HEAD + 0.02
    head, tail = (lower, upper) if down else (upper, lower)
    x = side * 0.03 * widest
    made.add_annotation(
        x=x, y=head, ax=x, ay=tail, xref="x", yref="y", axref="x", ayref="y", text="", showarrow=True,
        arrowhead=2, arrowsize=1.1, arrowwidth=3, arrowcolor=colour,
    )  # fmt: skip
    anchor = "right" if down else "left"
    made.add_annotation(
        x=x, y=(upper + lower) / 2, text=words, showarrow=False, xanchor=anchor, xshift=14 * side, align=anchor,
        font_size=13,
    )  # fmt: skip


def _cost(params: int, macs: int, between: str) -> str:
    return f"{si(params)} params{between}{si(macs)} MACs"
