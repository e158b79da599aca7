"""By how much head and base differ in each block, beside how much the base differs from itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import fmean
from typing import Any

import plotly.graph_objects as go

from mgic.figures.regressions.words import TITLES, limit_percent
from mgic.figures.style import SYMBOLS, Look, figure
from mgic.figures.validity import titled
from mgic.figures.words import plain
from mgic.records import Arm, Comparison, MetricVerdict, Sampled, Stage, TimedMetric
from mgic.records.comparison import VALUE_OF

MOST = 12  # models
ROOM, HEAD, CONTROL, SPREAD = 1.0, 0.19, -0.25, 0.11  # of a model, and where its lanes lie in it
PIXELS = 86  # a model
STAGES: Mapping[Stage, tuple[str, str]] = {
    "first": ("circle", "a block"),
    "confirming": ("diamond", "a confirming block"),
}


@dataclass(frozen=True)
class Block:
    """Of one model: per cent of the base. `control` is None where the base was measured once."""

    stage: Stage
    number: int
    effect: float
    control: float | None


@dataclass(frozen=True)
class Strip:
    """The blocks of one model, with its row."""

    row: MetricVerdict
    blocks: tuple[Block, ...]
    limit: float | None  # per cent, with its sign


def sampled_metrics(found: Comparison) -> list[TimedMetric]:
    """Those that have a row and samples."""
    known = {row.metric for row in found.rows}
    return [
        metric
        for metric, field in VALUE_OF.items()
        if metric in known and any(getattr(one, field) is not None for one in found.samples)
    ]


def strips(found: Comparison, metric: TimedMetric) -> list[Strip]:
    """A strip a model that has blocks, in the order of the rows."""
    of_model: dict[str, list[Sampled]] = {}
    for one in found.samples:
        of_model.setdefault(one.model, []).append(one)
    made = [
        Strip(row, tuple(_blocks(of_model.get(row.model, ()), metric)), limit_percent(row))
        for row in found.rows
        if row.metric == metric
    ]
    return [one for one in made if one.blocks]


def _blocks(samples: Iterable[Sampled], metric: TimedMetric) -> Iterable[Block]:
    """A throughput is the inverse of a time, so that its logarithm has the other sign."""
    sign = -1 if metric == "throughput" else 1
    arms: dict[tuple[Stage, int], dict[Arm, list[float]]] = {}
    for one in samples:
        value = getattr(one, VALUE_OF[metric])
        if value is not None and value > 0:
            arms.setdefault((one.stage, one.block), {}).setdefault(one.arm, []).append(sign * log(value))
    for (stage, number), by_arm in arms.items():
        mean = {arm: fmean(values) for arm, values in by_arm.items()}
        bases = [mean[arm] for arm in ("base", "control") if arm in mean]
        if "head" in mean and bases:
            control = _percent(mean["control"] - mean["base"]) if len(bases) == 2 else None
            yield Block(stage, number, _percent(mean["head"] - fmean(bases)), control)


def _percent(logarithm: float) -> float:
    return 100 * (exp(logarithm) - 1)


def draw_blocks(given: Sequence[Strip], metric: TimedMetric, title: str, colours: Look) -> go.Figure:
    """Two lanes a model: the head against the base with its interval and limit, and the base against itself."""
    made = figure(
        titled(title), f"{TITLES[metric].partition(' (')[0]}: change (%)", "", colours, height=190 + PIXELS * len(given)
    )
    made.add_vline(x=0, line={"color": colours.faint, "width": 1})
    head, control = colours.series[0], colours.series[1]
    for stage, (symbol, words) in STAGES.items():
        points = [(at, block) for at, strip in enumerate(given) for block in strip.blocks if block.stage == stage]
        _add_dots(
            made, f"head against base, {words}", [(at, one, one.effect) for at, one in points], HEAD, head, symbol
        )
    points = [(at, one) for at, strip in enumerate(given) for one in strip.blocks]
    _add_dots(
        made,
        "control: base against itself",
        [(at, one, one.control) for at, one in points if one.control is not None],
        CONTROL,
        control,
        f"{SYMBOLS[1]}-open",
    )
    _add_intervals(made, given, colours)
    _add_limits(made, given, colours)
    made.update_xaxes(range=_ends(given))
    made.update_yaxes(
        tickvals=[-at * ROOM for at in range(len(given))],
        ticktext=[plain(_broken(strip.row.model)).replace("\n", "<br>") for strip in given],
        range=[-(len(given) - 1) * ROOM - 0.6, 0.6],
        showgrid=False,
    )
    return made


def _ends(given: Sequence[Strip]) -> list[float]:
    """Of the axis: all that is drawn, and some room."""
    values = [one for strip in given for block in strip.blocks for one in (block.effect, block.control)]
    values += [one for strip in given for one in (strip.limit, strip.row.low_percent, strip.row.high_percent)]
    known = [0.0, *(one for one in values if one is not None)]
    room = (max(known) - min(known)) / 20 or 1.0
    return [min(known) - room, max(known) + room]


def _add_dots(
    made: go.Figure, name: str, points: Sequence[tuple[int, Block, float]], lane: float, colour: str, symbol: str
) -> None:
    if not points:
        return
    made.add_scatter(
        x=[value for _, _, value in points],
        y=[-at * ROOM + lane + SPREAD * _beside(one.number) for at, one, _ in points],
        mode="markers",
        name=name,
        marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.85},
        hovertext=[f"block {one.number + 1}, {one.stage}: {value:+.2f} %" for _, one, value in points],
        hoverinfo="text",
    )


def _beside(number: int) -> float:
    """-1 to 1, so that blocks of one value lie beside each other: the same at every drawing."""
    return ((number * 0.618) % 1) * 2 - 1


def _add_intervals(made: go.Figure, given: Sequence[Strip], colours: Look) -> None:
    known = [
        (at, one.row, one.row.low_percent, one.row.high_percent)
        for at, one in enumerate(given)
        if one.row.low_percent is not None and one.row.high_percent is not None
    ]
    if not known:
        return
    middles = [
        row.change_percent if row.change_percent is not None else (low + high) / 2 for _, row, low, high in known
    ]
    made.add_scatter(
        x=middles,
        y=[-at * ROOM + HEAD for at, *_ in known],
        mode="markers",
        name="change, with its 95 % interval",
        marker={"color": colours.text, "symbol": "line-ns-open", "size": 18, "line": {"width": 2.5}},
        error_x={
            "type": "data",
            "array": [high - middle for (_, _, _, high), middle in zip(known, middles, strict=True)],
            "arrayminus": [middle - low for (_, _, low, _), middle in zip(known, middles, strict=True)],
            "color": colours.text,
            "thickness": 2.5,
            "width": 6,
        },
        hovertext=[plain(f"{row.model}: {low:+.2f} to {high:+.2f} %, {row.verdict}") for _, row, low, high in known],
        hoverinfo="text",
    )


def _add_limits(made: go.Figure, given: Sequence[Strip], colours: Look) -> None:
    known = [(at, one.limit, one.row.limit) for at, one in enumerate(given) if one.limit is not None]
    if not known:
        return
    made.add_scatter(
        x=[x for _, limit, _ in known for x in (limit, limit, None)],
        y=[y for at, _, _ in known for y in (-at * ROOM - 0.45, -at * ROOM + 0.45, None)],
        mode="lines",
        name="limit",
        line={"color": colours.text, "dash": "dash", "width": 2},
        hovertext=[plain(f"limit {text}") for _, _, text in known for _ in range(3)],
        hoverinfo="text",
    )


def _broken(name: str) -> str:
    """A long spec in two lines."""
    return name.replace("(", "\n(", 1) if len(name) > 18 else name


def rows(given: Sequence[Strip], metric: TimedMetric) -> list[dict[str, Any]]:
    return [
        {"model": strip.row.model, "metric": metric, "stage": one.stage, "block": one.number}
        | {"change_percent": one.effect, "control_percent": one.control}
        for strip in given
        for one in strip.blocks
    ]
