"""How many single measurements of a run spread: a box a run, drawn from the quantiles in its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import plotly.graph_objects as go

from mgic.figures.samples import SEED, Group, Sample, differing, groups, in_order, is_number, label, seed_words
from mgic.figures.style import Look, figure, mark_of
from mgic.figures.ticks import set_log, set_names
from mgic.figures.view import name_of, without
from mgic.figures.words import number, plain, value
from mgic.records import View


@dataclass(frozen=True)
class Box:
    """Five quantiles of one run; without the outer two it has no whiskers."""

    x: str
    q1: float
    median: float
    q3: float
    ends: tuple[float, float] | None
    hover: str = ""


def box_info(view: View, given: Sequence[Sample]) -> dict[str, list[Box]]:
    """By series; rows without a median or a quartile are left out.

    Runs of one config under several seeds are a series each: quantiles of several runs have no mean.
    """
    found = [group for group in groups(given) if any(_box(view, one) for one in group.samples)]
    rest = differing([without(group.config, {view.x, view.series}) for group in found])
    fields = differing([group.config for group in found])
    series: dict[str, list[Box]] = {}
    for group in found:
        for sample in group.samples:
            box = _box(view, sample)
            if box is None:
                continue
            name = name_of(view, Group(group.config, (sample,)), rest)
            if len(group.samples) > 1:
                name = f"{name}, {SEED}={seed_words(sample.config)}"
            hover = _hover(view, sample, box, label(group.config, fields))
            series.setdefault(name, []).append(replace(box, hover=hover))
    return in_order(series)


def draw_boxes(view: View, info: dict[str, list[Box]], titles: tuple[str, str], colours: Look) -> go.Figure:
    """A symbol at each median tells the series apart without its colour."""
    made = figure(view.title, titles[0], titles[1], colours, height=420 + 10 * min(20, len(info)))
    for index, (name, boxes) in enumerate(info.items()):
        colour, symbol = mark_of(index, colours)
        xs = [box.x for box in boxes]
        made.add_box(
            x=xs,
            q1=[box.q1 for box in boxes],
            median=[box.median for box in boxes],
            q3=[box.q3 for box in boxes],
            lowerfence=[box.ends[0] if box.ends else box.q1 for box in boxes],
            upperfence=[box.ends[1] if box.ends else box.q3 for box in boxes],
            name=plain(name),
            offsetgroup=name,
            legendgroup=name,
            showlegend=False,
            line={"color": colour, "width": 2},
            whiskerwidth=0.4,
            hoverinfo="skip",
        )
        made.add_scatter(
            x=xs,
            y=[box.median for box in boxes],
            name=plain(name),
            offsetgroup=name,
            legendgroup=name,
            showlegend=len(info) > 1,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            hovertext=[box.hover for box in boxes],
            hoverinfo="text",
        )
    made.update_layout(boxmode="group", scattermode="group", boxgap=0.5, scattergap=0.5)
    set_names(made, [box.x for boxes in info.values() for box in boxes])
    if view.log_y:
        every = [box for boxes in info.values() for box in boxes]
        set_log(made, "y", [end for box in every for end in (box.q1, box.q3, *(box.ends or ()))])
    return made


def box_note(view: View, info: dict[str, list[Box]], words: dict[str, str]) -> str:
    """What the parts of the boxes are; `words` say what each column is."""
    text = f"Each box is one run: from {view.q1} to {view.q3}, with a line and a symbol at {view.y}."
    bare = [box for boxes in info.values() for box in boxes if box.ends is None]
    if view.low is None or view.high is None:
        return text
    if len(bare) < sum(map(len, info.values())):
        text += f" Whiskers: {view.low} to {view.high}."
    if bare:
        which = "None has" if len(bare) == sum(map(len, info.values())) else f"{len(bare)} have no"
        text += f" {which} whiskers, for {view.low} or {view.high} is empty. {view.high}: {words.get(view.high, '')}."
    return text


def _box(view: View, sample: Sample) -> Box | None:
    x = sample.values.get(view.x)
    q1, median, q3 = (_number(sample, name) for name in (view.q1, view.y, view.q3))
    if x is None or q1 is None or median is None or q3 is None:
        return None
    low, high = _number(sample, view.low), _number(sample, view.high)
    return Box(value(x), q1, median, q3, None if low is None or high is None else (low, high))


def _number(sample: Sample, column: str | None) -> float | None:
    found = sample.values.get(column) if column else None
    return float(found) if is_number(found) else None


def _hover(view: View, sample: Sample, box: Box, name: str) -> str:
    named = [(view.q1, box.q1), (view.y, box.median), (view.q3, box.q3)]
    if box.ends:
        named = [(view.low, box.ends[0]), *named, (view.high, box.ends[1])]
    numbers = ", ".join(f"{column} {number(one)}" for column, one in named)
    lines = [name, f"{view.x} {box.x}", numbers, f"run {sample.run_id[:8]}"]
    return "<br>".join(plain(line) for line in lines if line)
