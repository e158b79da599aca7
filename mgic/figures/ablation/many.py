"""More fields than a map has axes: each run a line over all of them, and how much of the spread each field explains."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mgic.figures.ablation.fields import Data, levels, unfit, varied
from mgic.figures.columns import Goal, goal_of, short_title, with_unit
from mgic.figures.samples import SEED, Sample, groups, is_number, samples
from mgic.figures.style import DARK, PATTERNS, Look, figure
from mgic.figures.words import plain, value
from mgic.records import ExperimentInfo, Value
from mgic.statistics import MIN_FOR_INTERVAL, explained
from mgic.statistics.importance import Columns

MOST_TICKS = 12
MOST_FITTED = 1000  # runs: more take seconds and say the same
RUNS_A_FIELD = 4  # fewer runs than that for a field, and the shares are not to be trusted


@dataclass(frozen=True)
class Axis:
    """A field of the config or a result: where each run stands on it.

    Args:
        name: Of the field.
        title: With its unit.
        places: Of each run: the number, or the rank of the value.
        ticks: Place and words of each value; empty where the axis has its own.
    """

    name: str
    title: str
    places: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...] = ()


def comparable(data: Data, metric: str) -> list[Sample]:
    """Samples with a number, that were trained to the end and learnt something, and have all the fields that vary."""
    found = [one for one in samples(data.runs) if is_number(one.values.get(metric)) and not unfit(one)]
    fields = _fields(data)
    return [one for one in found if all(name in one.config for name in fields)]


def _fields(data: Data) -> tuple[str, ...]:
    """Those that vary, but for fields that only some models have while most runs are of others."""
    runs = [run for run in data.runs if run.result]
    names = varied(runs)
    most = max((sum(name in run.config for run in runs) for name in names), default=0)
    return tuple(name for name in names if 2 * sum(name in run.config for run in runs) > most)


def varied_in(data: Data, given: Sequence[Sample]) -> tuple[str, ...]:
    """The fields in which these differ, the seed left out."""
    return tuple(name for name in _fields(data) if len({value(one.config[name]) for one in given}) > 1)


def parallel_axes(data: Data, metric: str, more: Sequence[str] = ()) -> list[Axis]:
    """The fields that vary, then the results, the one in question last."""
    given = comparable(data, metric)
    found = [_field_axis(data, name, given) for name in varied_in(data, given)]
    for name in [*more, metric]:
        if all(is_number(one.values.get(name)) for one in given):
            places = tuple(float(one.values[name]) for one in given)
            found.append(Axis(name, with_unit(data.info, name), places))
    return found


def _field_axis(data: Data, name: str, given: Sequence[Sample]) -> Axis:
    words = [value(one.config[name]) for one in given]
    every = [one for one in levels(data.runs, name) if value(one) in words]
    if len(every) > MOST_TICKS and all(is_number(one) for one in every):
        return Axis(name, with_unit(data.info, name), tuple(float(one.config[name]) for one in given))  # type: ignore[arg-type]
    rank = {value(one): float(place) for place, one in enumerate(every)}
    shown = every[:: 1 + len(every) // (2 * MOST_TICKS)]
    ticks = tuple((rank[value(one)], _short(value(one))) for one in shown)
    return Axis(name, with_unit(data.info, name), tuple(rank[word] for word in words), ticks)


def _short(word: str) -> str:
    return word if len(word) <= 18 else f"{word[:8]}…{word[-9:]}"


def draw_parallel(axes: Sequence[Axis], title: str, colours: Look) -> go.Figure:
    """A line a run, coloured by the last axis; a range that is dragged along an axis leaves the others faint."""
    made = figure(title, "", "", colours, height=420)
    dimensions = [
        {"label": plain(axis.title), "values": axis.places}
        | (
            {"tickvals": [at for at, _ in axis.ticks], "ticktext": [word for _, word in axis.ticks]}
            if axis.ticks
            else {}
        )
        for axis in axes
    ]
    made.add_parcoords(
        dimensions=dimensions,
        line={"color": axes[-1].places, "colorscale": _scale(colours), "showscale": False},
        labelangle=-18,  # side by side they do not fit on a narrow screen
        labelfont={"size": 12, "color": colours.text},
        tickfont={"size": 11, "color": colours.text},
        rangefont={"size": 1, "color": colours.background},  # the ends are ticks already
        unselected={"line": {"color": colours.faint, "opacity": 0.08}},
    )
    made.update_layout(margin={"l": 60, "r": 60, "t": 118, "b": 24}, title={"y": 0.97, "yanchor": "top"})
    return made


def _scale(colours: Look) -> list[str]:
    """The part of it that stands out from the background."""
    low, high = (0.25, 1.0) if colours == DARK else (0.0, 0.85)
    found: list[str] = sample_colorscale("Viridis", [low + (high - low) * step / 8 for step in range(9)])
    return found


@dataclass(frozen=True)
class Importance:
    """How much of the spread of a result each field explains; found when it is asked for, which takes a second.

    Args:
        columns: By field, the value of each run.
        values: The result of each run.
        goal: Which end of it is good.
    """

    columns: Columns
    values: tuple[float, ...]
    goal: Goal

    @property
    def shares(self) -> dict[str, float]:
        return explained(self.columns, self.values, self.goal)

    @property
    def caution(self) -> str:
        """Why the shares are not to be trusted; empty if they may be."""
        fields, runs = len(self.columns), len(self.values)
        few = runs < RUNS_A_FIELD * fields
        return f"{runs} runs for {fields} fields are too few to trust it" if few else ""


def importance(data: Data, metric: str) -> Importance | None:
    """Of all fields that vary, and of the seed beside them as a measure of chance; of many runs some, drawn at random.

    None where fewer than two fields vary or the result does not.
    """
    given = comparable(data, metric)
    names = [*varied_in(data, given)]
    if len(given) > MOST_FITTED:
        given = Random(0).sample(given, MOST_FITTED)
    values = tuple(float(one.values[metric]) for one in given)
    if len(names) < 2 or len(set(values)) < 2:
        return None
    names += [SEED] if len({value(one.config.get(SEED)) for one in given}) > 1 else []
    columns = tuple((name, _ranks(name, given)) for name in names)
    return Importance(columns, values, goal_of(data.info, metric) or "max")


def _ranks(name: str, given: Sequence[Sample]) -> tuple[int | str, ...]:
    """Numbers by their order, so that a tree may split between them; names as they are."""
    found = [one.config.get(name) for one in given]
    if name == SEED or not all(is_number(one) for one in found):
        return tuple(value(one) for one in found)
    order = {one: rank for rank, one in enumerate(sorted({one for one in found if is_number(one)}))}
    return tuple(order[one] for one in found if is_number(one))


def draw_importance(found: Importance, info: ExperimentInfo, title: str, colours: Look) -> go.Figure:
    shares = found.shares
    names = list(reversed(shares))
    height = 150 + 34 * len(names)
    made = figure(title, "share of the spread explained", "", colours, height=max(260, height))
    made.add_bar(
        orientation="h",
        y=[plain(short_title(info, name)) for name in names],
        x=[shares[name] for name in names],
        marker={
            "color": [colours.faint if name == SEED or found.caution else colours.series[0] for name in names],
            "pattern": {"shape": [PATTERNS[1] if name == SEED or found.caution else "" for name in names]},
        },
        text=[f"{shares[name]:.0%}" for name in names],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    made.update_xaxes(range=[0, 1.12 * max(shares.values())], tickformat=".0%")
    return made


def settings(data: Data, shown: Sequence[str]) -> list[dict[str, Any]]:
    """A row a config: the fields that vary, and of each result mean, half of the interval or of the range, and n."""
    fit = [one for one in samples(data.runs) if not unfit(one)]
    names = varied([run for run in data.runs if run.result])
    inputs = {name for run in data.runs for name in run.made_from}
    rows = []
    for group in groups(fit):
        row: dict[str, Any] = {
            short_title(data.info, name): _plain(group.config.get(name)) for name in names if name not in inputs
        }
        for name in shown:
            of = group.summary(name)
            if not of.n:
                row |= {with_unit(data.info, name): None}
                continue
            low, high = of.interval or (of.low, of.high)
            row |= {
                with_unit(data.info, name): of.mean,
                f"{short_title(data.info, name)} ±": (high - low) / 2 if of.n > 1 else None,
            }
        counts = [group.summary(name).n for name in shown]
        rows.append(row | {"n": max(counts, default=0), "± is": _bars(max(counts, default=0))})
    return rows


def _bars(n: int) -> str:
    return "95 % interval" if n >= MIN_FOR_INTERVAL else "half the range" if n == 2 else "one run"


def _plain(one: Value) -> Any:
    return one if one is None or is_number(one) else value(one)
