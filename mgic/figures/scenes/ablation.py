"""An ablation: two fields of one sweep or several as a map, what each does, and whether a value suffices."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.ablation.answer import Axis, axes, within_words
from mgic.figures.ablation.choices import DIFFERENCE, MOST_MAPS, Chosen, all_switches, facets_of, part_of
from mgic.figures.ablation.effects import (
    draw_effects,
    draw_interaction,
    effect_rows,
    effects,
    interaction_lines,
    interaction_note,
    tested,
)
from mgic.figures.ablation.fields import Data, scalars
from mgic.figures.ablation.many import (
    comparable,
    draw_importance,
    draw_parallel,
    importance,
    parallel_axes,
    varied_in,
)
from mgic.figures.ablation.part import Part
from mgic.figures.ablation.reference import against, references
from mgic.figures.choice import choice_note
from mgic.figures.columns import axis_title, goal_of, short_title, with_unit
from mgic.figures.cost_axis import COST_COLUMN
from mgic.figures.heatmap import Heatmap, best_note
from mgic.figures.heatmap_drawing import draw_heatmap
from mgic.figures.plot import Plot, name_of
from mgic.figures.samples import SEED
from mgic.figures.scenes.asked import ids
from mgic.figures.switches import Switch
from mgic.figures.words import value
from mgic.statistics import method

PARAMETERS = ("sweep",)
MOST_SWEEPS = 20
FEW_FIELDS = 2  # more of them do not fit into a map


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?sweep=ID,ID`, all of one experiment."""
    sweeps = tuple(api.sweep(one) for one in dict.fromkeys(ids(asked, "sweep", MOST_SWEEPS)))
    names = list(dict.fromkeys(sweep.experiment for sweep in sweeps))
    if len(names) > 1:
        raise BadConfig(f"sweep: these are of {' and '.join(names)}; runs of one experiment can be compared")
    runs = [run for sweep in sweeps for run in api.sweep_runs(sweep.id)]
    return Data(api.experiment(names[0]), sweeps, tuple(runs), dict(asked))


def switches(data: Data) -> tuple[Switch, ...]:
    return all_switches(data)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    if "metric" not in values or values["x"] == values["y"]:
        return []
    chosen = Chosen(part_of(data, values), values)
    found = maps(chosen) if chosen.part.grid else []
    if chosen.part.grid:
        found += [plot for axis in axes(chosen.part) if len(axis.levels) > 1 for plot in [effect_plot(chosen, axis)]]
    if min(len(chosen.part.map.xs), len(chosen.part.map.ys)) > 1 and chosen.part.grid:
        found.append(interaction_plot(chosen.part))
    return found + many_plots(data, chosen.part.metric)


def maps(chosen: Chosen) -> list[Plot]:
    """One, or one for each value of a further field in the same colours."""
    parts = {title: part for title, part in facets_of(chosen).items() if part.grid}
    drawn = {title: _map(chosen, part) for title, part in list(parts.items())[:MOST_MAPS]}
    means = [cell.mean for one in drawn.values() for cell in one.found().values() if cell.mean is not None]
    if not means:
        return []
    reach = max(map(abs, means)) or 1.0
    difference = chosen.values["cells"] == DIFFERENCE
    limits = (-reach, reach) if difference else (min(means), max(means))
    more = len(parts) - len(drawn)
    return [
        _map_plot(chosen, parts[title], _within(one, limits), title, more if title == list(drawn)[-1] else 0)
        for title, one in drawn.items()
    ]


def _map(chosen: Chosen, part: Part) -> Heatmap:
    if chosen.values["cells"] != DIFFERENCE:
        return part.map
    known = references(part)
    wanted = chosen.values["reference"]
    return against(part, wanted if wanted in known else next(iter(known)))


def _within(info: Heatmap, limits: tuple[float, float]) -> Heatmap:
    return Heatmap(info.xs, info.ys, info.cells, info.chosen, info.goal, limits, info.diverging)


def _map_plot(chosen: Chosen, part: Part, info: Heatmap, facet: str, more: int) -> Plot:
    experiment, metric, shown = part.data.info, part.metric, part.title(part.metric)
    title = f"{shown} over {part.title(part.x)} and {part.title(part.y)}"
    title = f"{shown} against {_reference(chosen)}" if info.diverging else title
    title = f"{title}, {facet}" if facet else title
    names = axis_title(experiment, part.x), axis_title(experiment, part.y)
    bar = f"Difference in {shown}{part.unit and f' ({part.unit.strip()})'}" if info.diverging else None
    note = _map_note(chosen, part, info) + (f" {more} more maps are left out." if more else "")

    def rows() -> list[dict[str, Any]]:
        return [
            {part.x: x, part.y: y, metric: cell.mean, "half": cell.half, "n": cell.n, "missing": cell.missing}
            for y, row in zip(info.ys, info.cells, strict=True)
            for x, cell in zip(info.xs, row, strict=True)
        ]

    draw = partial(draw_heatmap, info, title, names, bar or with_unit(experiment, metric))
    name = name_of(f"map {facet}" if facet else "map")
    return Plot(name, title, draw, note, f"{metric} over {part.x} and {part.y}, a cell a pair", rows)


def _reference(chosen: Chosen) -> str:
    word, part = chosen.values["reference"], chosen.part
    x, _, y = word.partition("/")
    return f"{part.title(part.x)} = {x}, {part.title(part.y)} = {y}" if y and word not in ("", x) else word


def _map_note(chosen: Chosen, part: Part, info: Heatmap) -> str:
    counts = sorted({cell.n for cell in info.found().values() if cell.n})
    n = f"n = {counts[0]}" + (f" to {counts[-1]}" if counts and counts[-1] > counts[0] else "") if counts else "n = 0"
    left = "".join(f" {count} left out: {why}." for why, count in part.left_out().items())
    if info.diverging:
        best = best_note(part.map, part.title(part.by)) if part.map.best else ""
        outlined = "Solid line: the reference." if info.chosen else best
        return (
            f"Each cell: mean difference to {_reference(chosen)} of runs with the same seed, ± half of its own 95 %"
            f" t-interval ({n} pairs); bold where that leaves out 0. {outlined}{left}"
        )
    spread = "half of the 95 % t-interval" if counts and counts[-1] >= 3 else "half of the range over the seeds"
    spread += ", below 3 seeds of the range" if counts and counts[0] < 3 <= counts[-1] else ""
    best = (
        f" {best_note(info, part.title(part.by))}{choice_note(part.view, part.metric, part.by)}"
        if info.best is not None
        else ""
    )
    partly = " “4 of 5”: so many seeds of those asked for." if any(cell.lost for cell in info.found().values()) else ""
    return f"Each cell: mean of {part.title(part.metric)} ± {spread} ({n} seeds).{partly}{best}{left}"


def effect_plot(chosen: Chosen, axis: Axis) -> Plot:
    """Against the value in question where there is one, else against the last."""
    level = chosen.level(axis)
    base = level if level is not None else axis.levels[-1]
    found = effects(axis, base)
    answered = level is not None and axis.part.goal is not None
    margin = chosen.margin if answered else None
    side = 0.05 / chosen.looks
    title = f"Effect of {axis.title}, over all values of {axis.others}"
    band = f"Band: the margin of {within_words(axis.part, chosen.margin)}. " if answered else ""
    counts = [str(one.difference.n) for one in found if one.difference and one.level != base]
    other = axis.others
    caption = (
        f"Mean difference to {axis.title} = {value(base)}, of runs with the same seed and {other}; all values of the"
        f" latter that have both weigh the same, and small dashes are single ones. Thin bars: 95 % intervals, by"
        f" Student's t with one spread for all of them; thick: {100 - 200 * side:.3g} %. {band}n ="
        f" {', '.join(counts) or 0} pairs."
    )
    draw = partial(draw_effects, axis, base, found, margin, side, title)
    alt = f"Difference in {axis.part.metric} to {axis.title} = {value(base)}, a mark a value, with intervals"
    return Plot(name_of(f"effect {axis.field}"), title, draw, caption, alt, partial(effect_rows, axis, base, found))


def interaction_plot(part: Part) -> Plot:
    lines = interaction_lines(part)
    title = f"Interaction of {part.title(part.x)} and {part.title(part.y)}"
    note = interaction_note(tested(part.grid), part.title(part.x), part.title(part.y))

    def rows() -> list[dict[str, Any]]:
        info = part.map
        return [
            {part.y: value(info.ys[row]), part.x: value(info.xs[column]), part.metric: cell.mean, "n": cell.n}
            for (row, column), cell in sorted(info.found().items())
        ]

    draw = partial(draw_interaction, part, lines, title, with_unit(part.data.info, part.metric))
    alt = f"Means of {part.metric} over {part.x}, a line a value of {part.y}"
    return Plot("interaction", title, draw, note, alt, rows)


def many_plots(data: Data, metric: str) -> list[Plot]:
    """Where more fields vary than a map has axes."""
    given = comparable(data, metric)
    names = varied_in(data, given)
    if len(names) <= FEW_FIELDS:
        return []
    results = [run.result or {} for run in data.runs]
    cost = [COST_COLUMN] if metric != COST_COLUMN and len(set(scalars(results, COST_COLUMN))) > 1 else []
    axes_ = parallel_axes(data, metric, cost)
    shown = short_title(data.info, metric)
    title = f"All {len(names)} fields and {shown}"
    rest = len([run for run in data.runs if run.result]) - len(given)
    note = f"A line a run (n = {len(given)}), coloured by {shown}; drag along an axis to keep a range of it."
    note += f" Left out: {rest} that lack a field or were no measurement." if rest else ""

    def rows() -> list[dict[str, Any]]:
        return [
            {"run": one.run_id} | {name: value(one.config[name]) for name in names} | {metric: one.values[metric]}
            for one in given
        ]

    lines = Plot(
        "parallel", title, partial(draw_parallel, axes_, title), note, f"{metric} of each run by its fields", rows,
        wide=True,
    )  # fmt: skip
    found = importance(data, metric)
    if found is None:
        return [lines]
    caution = f" {found.caution[0].upper()}{found.caution[1:]}." if found.caution else ""
    words = f"By {method()}, from {len(found.values)} runs; {SEED}, hatched, is what chance explains.{caution}"
    head = f"What explains {shown}" + (f": {found.caution}" if found.caution else "")
    bars = Plot(
        "importance", head, partial(draw_importance, found, data.info, head), words,
        f"How much of {metric} each field explains",
        lambda: [{"field": name, "share": share} for name, share in found.shares.items()],
    )  # fmt: skip
    return [lines, bars]


def shown_results(data: Data, metric: str) -> list[str]:
    """Of a table of settings: the one in question, then those that have a good end."""
    from_schema = [name for name in data.info.result_schema.get("properties", {}) if goal_of(data.info, name)]
    results = [run.result or {} for run in data.runs]
    return [metric, *(name for name in from_schema if name != metric and scalars(results, name))][:6]
