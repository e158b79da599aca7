"""An original network and the converted one beside each other: two bars a block, in the order of the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import plotly.graph_objects as go

from mgic.figures.cost_share import TITLES, Count
from mgic.figures.style import PATTERNS, Look, figure
from mgic.figures.words import plain, series, si
from mgic.records import ConversionReport, ConvertedBlock, LeftAlone, span

MAX_ROWS = 24  # more blocks that differ are summed up by stage
ROW = 44  # pixels
FIGURE = 1.6  # of the longest bar: the axis, with its figure in one column of a paper
ORIGINAL, CONVERTED, LEFT = "original", "in MGIC", "left as it was"

Part = ConvertedBlock | LeftAlone


@dataclass(frozen=True)
class Row:
    """Parts that stand one after the other, and what they cost together."""

    name: str
    count: int
    before: int
    after: int
    left: bool  # all of them
    about: str  # what they are, or why they were left

    @property
    def title(self) -> str:
        return f"{self.name}  ({self.count})" if self.count > 1 else self.name


def rows(report: ConversionReport, count: Count) -> list[Row]:
    """One for equal blocks in a row; where that makes too many, one a stage, or what else their names begin with."""
    parts: list[Part] = sorted((*report.converted, *report.left), key=lambda part: part.place)
    found = [list(equal) for _, equal in groupby(parts, _alike)]
    depth = max((part.name.count(".") for part in parts), default=0)
    while len(found) > MAX_ROWS and depth > 0:
        found = [list(equal) for _, equal in groupby(parts, lambda part: part.name.split(".")[:depth])]  # noqa: B023
        depth -= 1
    return [_row(equal, count) for equal in found]


def _alike(part: Part) -> Part:
    return part.model_copy(update={"name": "", "place": 0})


def _row(parts: Sequence[Part], count: Count) -> Row:
    first, last = parts[0], parts[-1]
    after = sum(getattr(part, count) for part in parts)
    before = sum(getattr(part, f"{count}_before", getattr(part, count)) for part in parts)
    left = all(isinstance(part, LeftAlone) for part in parts)
    return Row(
        span(first.name, last.name),
        len(parts),
        before,
        after,
        left,
        _about(first) if len(set(map(_alike, parts))) == 1 else "",
    )


def _about(part: Part) -> str:
    if isinstance(part, LeftAlone):
        return f"{part.kind}, left: {part.reason}"
    return (
        f"{part.kind}: {series(part.widths)} channels{', a single level: as it was' if len(part.widths) == 1 else ''}"
    )


def draw_conversion(given: Sequence[Row], count: Count, colours: Look) -> go.Figure:
    """The first block on top; the figures at the bars are what the blocks of a row cost together."""
    made = figure(
        "Where the cost sat, and where it sits now", TITLES[count], "", colours, height=130 + ROW * len(given)
    )
    titles = [plain(row.title) for row in given]
    kinds: tuple[tuple[str, list[tuple[int, Row]]], ...] = (
        (ORIGINAL, [(row.before, row) for row in given]),
        (CONVERTED, [(row.after, row) for row in given if not row.left]),
        (LEFT, [(row.after, row) for row in given if row.left]),
    )
    for index, (name, bars) in enumerate(kinds):
        colour = (colours.faint, colours.series[0], colours.series[1])[index]
        pattern = {"shape": PATTERNS[index], "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.15}
        made.add_bar(
            orientation="h",
            y=[plain(row.title) for _, row in bars],
            x=[value for value, _ in bars],
            name=name,
            offsetgroup=ORIGINAL if name == ORIGINAL else "now",
            marker={"color": colour, "pattern": pattern},
            text=[_figure(name, value, row) for value, row in bars],
            textposition="outside",
            cliponaxis=False,
            textfont={"size": 12, "color": colours.text},
            hovertext=[_hover(row) for _, row in bars],
            hoverinfo="text",
        )
    widest = max((max(row.before, row.after) for row in given), default=1)
    made.update_xaxes(exponentformat="SI", range=[0, FIGURE * widest])
    made.update_yaxes(categoryorder="array", categoryarray=titles, autorange="reversed", showgrid=False, ticks="")
    made.update_layout(barmode="group", bargap=0.25, bargroupgap=0.05, legend_traceorder="normal")
    return made


def _figure(name: str, value: int, row: Row) -> str:
    share = f" ({value / row.before:.0%})" if name == CONVERTED and row.before else ""
    return f"{si(value)}{share}"


def _hover(row: Row) -> str:
    lines = [f"<b>{plain(row.title)}</b>", plain(row.about), f"before {si(row.before, 4)}, now {si(row.after, 4)}"]
    return "<br>".join(line for line in lines if line)
