"""Where the time of a network goes, beside where its MACs are: by level of the hierarchy, or by module."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.style import PATTERNS, Look, figure
from mgic.figures.words import number, plain, si
from mgic.records import NetworkProfile, PartName, TimedPart

BETWEEN = "between them"  # what is done outside of all parts: sums, reshaping
OUTSIDE = "outside of the blocks"
# In the order in which they lie in a bar.
PARTS: dict[PartName, str] = {
    "restrict": "restrict (R)",
    "relax": "relax (grouped block)",
    "coarse": "coarsest block",
    "prolong": "prolong (P)",
    "norm": "norm after P",
    "stem": OUTSIDE,
    "connector": OUTSIDE,
    "head": OUTSIDE,
    "block": "module",
    "other": BETWEEN,
}
MAX_MODULES = 24  # of a network without MGIC blocks; the others are summed up
ROOM, THICK = 1.0, 0.36  # a category, and each of its two bars


@dataclass(frozen=True)
class Share:
    """What one part of one category takes."""

    category: str
    part: PartName
    ms: float
    time: float  # of the whole
    macs: int
    macs_share: float


def shares(profile: NetworkProfile) -> list[Share]:
    """By level of all MGIC blocks together, and what is outside of them; a network without has its modules."""
    by: dict[tuple[str, PartName], list[TimedPart]] = {}
    levels = any(part.level is not None for part in profile.parts)
    known = list(dict.fromkeys(part.block for part in profile.parts))[:MAX_MODULES]
    for part in profile.parts:
        by.setdefault((_category(part, levels, known), part.part), []).append(part)
    found = [
        Share(
            category,
            part,
            sum(one.ms for one in own),
            sum(one.share for one in own),
            sum(one.macs for one in own),
            sum(one.macs_share for one in own),
        )
        for (category, part), own in by.items()
    ]
    if not levels:
        return found
    grids = sorted({part.level for part in profile.parts if part.level is not None})
    order = ["stem", *(f"level {level}" for level in grids), "connectors", "head", BETWEEN]
    return sorted(found, key=lambda one: order.index(one.category))


def _category(part: TimedPart, levels: bool, known: Sequence[str]) -> str:
    if levels:
        if part.level is not None:
            return f"level {part.level}"
        return {"connector": "connectors", "other": BETWEEN}.get(part.part, part.part)
    if part.part == "other":
        return BETWEEN
    return part.block if part.block in known else "further modules"


def draw_shares(given: Sequence[Share], title: str, colours: Look) -> go.Figure:
    """Two bars a category, cut into parts: the upper one is time, the lower and pale one is MACs."""
    categories = list(dict.fromkeys(one.category for one in given))
    made = figure(title, "Share of the whole (%)", "", colours, height=150 + 44 * max(4, len(categories)))
    parts = [part for part in PARTS if any(one.part == part for one in given)]
    names = list(dict.fromkeys(PARTS[part] for part in parts))
    for index, name in enumerate(names):
        own = [one for one in given if PARTS[one.part] == name]
        colour = colours.series[index % len(colours.series)]
        pattern = {"shape": PATTERNS[index % len(PATTERNS)], "fgcolor": colours.background, "solidity": 0.2}
        for macs in (False, True):
            made.add_bar(
                orientation="h",
                y=[-categories.index(one.category) * ROOM + (-THICK / 2 if macs else THICK / 2) for one in own],
                x=[100 * (one.macs_share if macs else one.time) for one in own],
                base=[100 * _before(given, one, parts, macs) for one in own],
                width=THICK,
                name=name,
                legendgroup=name,
                showlegend=not macs,
                marker={"color": colour, "pattern": {**pattern, "fillmode": "overlay"}, "line": {"width": 0}},
                opacity=0.5 if macs else 1.0,
                hovertext=[_hover(one) for one in own],
                hoverinfo="text",
            )
    made.update_layout(barmode="overlay", bargap=0)
    ticks = [-number * ROOM for number in range(len(categories))]
    made.update_yaxes(tickvals=ticks, ticktext=[plain(name) for name in categories], range=[ticks[-1] - 0.6, 0.6])
    made.update_xaxes(rangemode="tozero")
    return made


def _before(given: Sequence[Share], of: Share, parts: Sequence[PartName], macs: bool) -> float:
    """What lies left of a part in its bar."""
    left = parts[: parts.index(of.part)]
    mine = [one for one in given if one.category == of.category and one.part in left]
    return sum(one.macs_share if macs else one.time for one in mine)


def _hover(one: Share) -> str:
    return plain(f"{one.category}, {PARTS[one.part]}") + (
        f"<br>time {number(one.ms)} ms, {one.time:.1%}<br>{si(one.macs)} MACs, {one.macs_share:.1%}"
    )


def note(profile: NetworkProfile) -> str:
    """How it was timed and how far that can be trusted."""
    words = f"Upper bar: time, lower and pale: MACs. Medians over {profile.repeats} passes of a process of its own"
    words += f"; the parts add up to {number(profile.parts_ms)} ms, a pass whose parts are not timed takes "
    words += f"{number(profile.plain_ms)} ms ({profile.overhead:+.0%}). Grade of the shares {profile.grade}"
    return words + (f": {'; '.join(profile.reasons)}." if profile.reasons else ".")


def rows(given: Sequence[Share]) -> list[dict[str, Any]]:
    return [
        {"where": one.category, "part": one.part, "ms": one.ms, "time_share": one.time}
        | {"macs": one.macs, "macs_share": one.macs_share}
        for one in given
    ]
