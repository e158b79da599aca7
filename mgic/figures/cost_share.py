"""Where the cost of a network sits: a bar a block, divided into R, P, grouped and coarsest levels; then the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import plotly.graph_objects as go

from mgic.figures.levels import Block, blocks_of
from mgic.figures.style import PATTERNS, Look, figure
from mgic.figures.words import plain, si
from mgic.records import ModelCost

Count = Literal["macs", "params"]
TITLES: dict[Count, str] = {"macs": "MACs per sample, batch 1", "params": "parameters"}
GROUPED, COARSEST, RESTRICT, PROLONG, REST = "grouped levels", "coarsest level", "R", "P", "everything else"
PARTS = (GROUPED, COARSEST, RESTRICT, PROLONG, REST)
MAX_TICKS = 12


@dataclass(frozen=True)
class Bar:
    """One block of the network, or what is in no level of any block."""

    name: str
    widths: str
    parts: dict[str, int]  # of PARTS, those it has

    @property
    def total(self) -> int:
        return sum(self.parts.values())


def bars(cost: ModelCost, count: Count) -> list[Bar]:
    """A bar a block, and a last one, so that all together are the total.

    The last one holds stem, connectors and head, and, of the parameters, the norms after P.
    """
    found = [_bar(block, count) for block in blocks_of(cost.levels)]
    total: int = getattr(cost, count)
    return [*found, Bar(REST, "", {REST: total - sum(bar.total for bar in found)})]


def sums(given: Sequence[Bar]) -> dict[str, int]:
    """The whole network by part, in the order of PARTS."""
    return {part: sum(bar.parts.get(part, 0) for bar in given) for part in PARTS}


def _bar(block: Block, count: Count) -> Bar:
    *fine, coarsest = block.levels
    parts = {
        GROUPED: sum(getattr(level, f"block_{count}") for level in fine),
        COARSEST: getattr(coarsest, f"block_{count}"),
        RESTRICT: sum(getattr(level, f"restrict_{count}") for level in block.levels),
        PROLONG: sum(getattr(level, f"prolong_{count}") for level in block.levels),
    }
    return Bar(block.name, block.widths, parts)


def draw_bars(given: Sequence[Bar], count: Count, colours: Look) -> go.Figure:
    """Stacked, in the order of the network."""
    total = sum(bar.total for bar in given)
    made = figure("Where the cost sits", "block of the network, in order", TITLES[count], colours)
    places = list(range(1, len(given) + 1))
    for index, part in enumerate(PARTS):
        values = [bar.parts.get(part, 0) for bar in given]
        pattern = {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.15}
        made.add_bar(
            x=places,
            y=values,
            name=part,
            marker={"color": colours.series[index], "pattern": pattern},
            hovertext=[_hover(bar, part, total) for bar in given],
            hoverinfo="text",
        )
    blocks = len(given) - 1
    step = max(1, ceil(blocks / MAX_TICKS))
    ticks = [place for place in range(1, blocks + 1, step) if place + step / 2 < len(given)]
    made.update_xaxes(tickvals=[*ticks, len(given)], ticktext=[*map(str, ticks), "else"], showgrid=False)
    made.update_yaxes(exponentformat="SI", rangemode="tozero")
    made.update_layout(barmode="stack", legend_traceorder="normal", bargap=0.15)
    return made


def _hover(bar: Bar, part: str, total: int) -> str:
    value = bar.parts.get(part, 0)
    share = f" ({value / total:.1%} of the network)" if total else ""
    of = f"<br>{plain(bar.name)}: {bar.widths} channels" if bar.widths else ""
    return f"<b>{part}</b> {si(value, 4)}{share}{of}"
