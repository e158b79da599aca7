"""Accuracy against what it costs, over any sweeps: MACs, parameters, time and memory of the same network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.budgets import COSTS, LIMITS, TIMES, UNITS, boxes, read_budgets
from mgic.figures.choice import choice, choice_note, guesses_note
from mgic.figures.columns import Goal, goal_of, short_title, unit_of, with_unit
from mgic.figures.cost_axis import cost_title
from mgic.figures.front import Budget, Point, best_within, weighed
from mgic.figures.joined import Joined, Time, Timed, join, timed
from mgic.figures.plot import Plot, name_of
from mgic.figures.sample_size import size_words
from mgic.figures.samples import Group, groups, is_number, reach, samples, spread_note, told
from mgic.figures.scenes.asked import ids
from mgic.figures.scenes.models import known_defaults
from mgic.figures.specs import Defaults, of_training, parts_of, short_names
from mgic.figures.switches import Switch
from mgic.figures.tradeoff import Axes, Printed, Tradeoff, arranged, draw_tradeoff, told_of
from mgic.figures.tradeoff import rows as rows_of
from mgic.figures.validity import graded
from mgic.figures.words import number, plain, si
from mgic.records import DatasetInfo, ExperimentInfo, Run, RunStatus, Standing, Sweep, stopped_early

PARAMETERS = ("sweep",)
TIMING = "latency"  # the experiment that times networks
MOST_SWEEPS, OFFERED, NEWEST_TIMED = 50, 30, 3
AXES = {
    "params": "Trainable parameters",
    "wall": "Wall time of a pass (ms)",
    "cpu": "CPU time of a pass (ms)",
    "memory": "Peak memory (MB)",
}


@dataclass(frozen=True)
class Data:
    offered: tuple[Sweep, ...]  # that could be shown
    chosen: tuple[str, ...]  # their ids
    runs: tuple[Run, ...]  # of trainings
    infos: Mapping[str, ExperimentInfo]
    times: tuple[Timed, ...]
    defaults: Defaults
    datasets: Mapping[str, DatasetInfo]
    printed: tuple[Standing, ...]

    @cached_property
    def scores(self) -> dict[str, str]:
        """Results with a good end that some run has, by name, each with its title."""
        found = {}
        for run in self.runs:
            info = self.infos[run.experiment]
            for name, one in (run.result or {}).items():
                if is_number(one) and goal_of(info, name) and name not in (*COSTS, "transfer_macs"):
                    found[name] = short_title(info, name)
        return found

    @cached_property
    def sets(self) -> list[str]:
        return sorted({str(run.config["dataset"]) for run in self.runs if "dataset" in run.config})

    @cached_property
    def conditions(self) -> list[str]:
        """The newest first."""
        return list(dict.fromkeys(one.conditions for one in reversed(self.times)))


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?sweep=`, ids with commas between them; without it the newest trainings and the newest timed networks."""
    infos = {info.name: info for info in api.experiments()}
    offered = [one for one in api.sweeps(limit=OFFERED).items if shows(infos.get(one.experiment))]
    chosen = ids(asked, "sweep", MOST_SWEEPS) if asked.get("sweep") else _newest(offered)
    known = {str(one.id): one for one in offered}
    sweeps = [known.get(one) or api.sweep(one) for one in chosen]
    for sweep in sweeps:
        if not shows(infos.get(sweep.experiment)):
            raise BadConfig(
                f"sweep: {sweep.name} is of {sweep.experiment}, which has no score against a cost and no time"
            )
    runs = [run for sweep in sweeps for run in api.sweep_runs(sweep.id)]
    trained = tuple(run for run in runs if run.experiment != TIMING)
    latencies = [run for run in runs if run.experiment == TIMING]
    defaults = known_defaults(api, [*trained, *latencies])
    return Data(
        tuple({str(one.id): one for one in [*offered, *sweeps]}.values()),
        tuple(chosen),
        trained,
        infos,
        tuple(timed(latencies, defaults)),
        defaults,
        {one.name: one for one in api.datasets()},
        tuple(api.references()),
    )


def shows(info: ExperimentInfo | None) -> bool:
    """Whether its runs have a score against a cost, or time networks."""
    return info is not None and (info.name == TIMING or {"macs", "params"} <= info.result_schema["properties"].keys())


def _newest(offered: Sequence[Sweep]) -> list[str]:
    trained = [one for one in offered if one.experiment != TIMING and one.counts.get(RunStatus.SUCCEEDED)]
    times = [one for one in offered if one.experiment == TIMING and one.counts.get(RunStatus.SUCCEEDED)]
    scored = [one for one in trained if one.experiment == "classification"] or trained
    return [str(one.id) for one in [*scored[:1], *times[:NEWEST_TIMED]]]


def switches(data: Data) -> tuple[Switch, ...]:
    if not data.runs:
        return ()
    costs = {name: title for name, title in COSTS.items() if name not in TIMES or data.times}
    found = [Switch("x", "Against", costs, "macs", side_by_side=True)]
    first = "top1" if "top1" in data.scores else next(iter(data.scores), "")
    if len(data.scores) > 1:
        found.append(Switch("y", "Score", data.scores, first))
    if len(data.sets) > 1:
        found.append(Switch("dataset", "Data set", {name: name for name in data.sets}, data.sets[0]))
    if len(data.conditions) > 1:
        under = {name_of(words): words for words in data.conditions}
        found.append(Switch("under", "Timed on", under, next(iter(under))))
    found += boxes(timed=bool(data.times))
    if data.printed:
        found.append(Switch("paper", "Printed in the paper", {"no": "hidden", "yes": "shown"}, "no"))
    return tuple(found)


@dataclass(frozen=True)
class Score:
    """What is drawn, and by what the front is chosen."""

    metric: str
    by: str
    unit: str
    goal: Goal | None
    short: str  # its title
    title: str  # with its unit


@dataclass(frozen=True)
class Drawn:
    """What the switches choose of the data."""

    info: Tradeoff
    axes: Axes
    score: Score
    budgets: tuple[Budget, ...]
    notes: tuple[str, ...]
    timed: tuple[Timed, ...]  # whose times are drawn, or held against a budget
    x: str
    faults: tuple[str, ...]  # of budgets that are no amounts: these limit nothing

    @property
    def grade(self) -> str | None:
        """The worst of the times that are drawn."""
        if self.x not in ("wall", "cpu"):
            return None
        return max((grade for one in self.timed if (grade := one.grades[self.x == "cpu"])), default=None)

    @property
    def answer(self) -> str:
        """The best within the budgets, in a sentence."""
        short = self.score.short[:1].lower() + self.score.short[1:]
        return best_within(self.info.points, self.score.goal, self.budgets, short, self.score.unit)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    """Raises `BadConfig` for a budget that is no amount."""
    found = drawn(data, values)
    if found is not None and found.faults:
        raise BadConfig("; ".join(found.faults))
    return plots_of(found)


def plots_of(found: Drawn | None) -> list[Plot]:
    """One, or none where nothing can be drawn."""
    if found is None or not found.info.series:
        return []
    x = found.x
    return [
        Plot(
            name_of(f"{found.score.metric} against {x}"),
            found.axes.title,
            graded(partial(draw_tradeoff, found.info, found.axes), found.grade),
            " ".join(filter(None, [found.answer, *found.notes])),
            f"{found.score.short} against {COSTS[x]}, a mark a network",
            lambda: rows_of(found.info, x, found.score.metric),
            found.grade,
            wide=True,
        )
    ]


def drawn(data: Data, values: Mapping[str, str]) -> Drawn | None:
    """None where no run has the score."""
    metric, x = values.get("y") or _first(data), values.get("x", "macs")
    chosen = [run for run in data.runs if _of_set(run, data, values)]
    stopped = [run for run in chosen if stopped_early(run.result)]
    measured = samples([run for run in chosen if run not in stopped])
    given = [group for group in groups(measured) if group.numbers(metric) and "model" in group.config]
    if not given:
        return None
    info = data.infos[next(run.experiment for run in chosen if metric in (run.result or {}))]
    view = next((view for view in info.views if view.y == metric and view.kind == "scatter"), None)
    score = _score(info, metric, choice(view, metric, measured) if view else metric)
    under = next((one for one in data.conditions if name_of(one) == values.get("under")), *data.conditions[:1] or [""])
    joined = join(given, [one for one in data.times if one.conditions == under], data.datasets, data.defaults)
    budgets, faults = read_budgets(values)
    by_time = any(budget.name == LIMITS[cost] for budget in budgets for cost in TIMES)
    points = weighed(_points(given, joined, data.defaults, x, score), score.goal, budgets)
    printed = _printed(data, chosen, x, metric) if values.get("paper") == "yes" else ()
    tradeoff = arranged(points, _model, score.goal, budgets=budgets, printed=printed)
    notes = (
        spread_note(given, metric),
        choice_note(view, metric, score.by).strip() if view and tradeoff.frontier else "",
        _cost_note(x, under),
        joined.words if x in TIMES or by_time else "",
        f"Left out: {len(stopped)} runs that stopped early." if stopped else "",
        guesses_note(measured).strip(),
        ""
        if values.get("paper") != "yes" or printed
        else "The paper prints no row of this data set with both numbers.",
    )
    of = [joined.times.get(_place(point)) for point in points] if x in ("wall", "cpu") or by_time else []
    used = tuple(one for one in of if one is not None)
    return Drawn(tradeoff, _axes(data, values, score, under, budgets), score, budgets, notes, used, x, faults)


def _score(info: ExperimentInfo, metric: str, by: str) -> Score:
    unit, goal = unit_of(info, metric), goal_of(info, metric)
    return Score(metric, by, unit, goal, short_title(info, metric), with_unit(info, metric))


def _of_set(run: Run, data: Data, values: Mapping[str, str]) -> bool:
    return len(data.sets) < 2 or run.config.get("dataset") == values.get("dataset", data.sets[0])


def _axes(data: Data, values: Mapping[str, str], score: Score, under: str, budgets: Sequence[Budget]) -> Axes:
    x = values.get("x", "macs")
    on = f" on {values.get('dataset', data.sets[0])}" if data.sets else ""
    title = f"{score.short} against {COSTS[x]}{on}" + (f", {under}" if x in TIMES else "")
    limit = next((budget.most for budget in budgets if budget.name == LIMITS[x]), None)
    sizes = {name: one.shape for name, one in data.datasets.items()}
    at = size_words((run.config for run in data.runs if _of_set(run, data, values)), sizes)
    return Axes(title, cost_title(x, at) if x == "macs" else AXES[x], score.title, limit=limit)


def _first(data: Data) -> str:
    return "top1" if "top1" in data.scores else next(iter(data.scores), "")


def _model(point: Point) -> str:
    return parts_of(point.name)[0]


def _place(point: Point) -> int:
    """Among the groups."""
    return int(point.key)


def _points(given: Sequence[Group], joined: Joined, defaults: Defaults, x: str, score: Score) -> list[Point]:
    """Of the groups whose cost is known; a point's key is the place of its group."""
    metric, unit = score.metric, score.unit
    specs = [of_training(group.config, defaults) for group in given]
    short = short_names(list(dict.fromkeys(specs)), defaults)
    found = []
    for place, (group, spec) in enumerate(zip(given, specs, strict=True)):
        cost = _cost(group, joined.times.get(place), x)
        if cost is None:
            continue
        below, above = reach(group, metric, None)
        lines = [f"<b>{plain(spec)}</b>", f"{si(cost.ms, 4)} {UNITS[x]} {COSTS[x]}", plain(told(group, metric, unit))]
        found.append(
            Point(
                x=cost.ms,
                y=group.summary(metric).mean,
                below=below,
                above=above,
                singles=tuple(group.numbers(metric)),
                hover="<br>".join([*lines, *told_of(group)]),
                label=short[spec],
                key=str(place),
                name=spec,
                worth=tuple(group.numbers(score.by)),
                left=cost.ms - cost.low if cost.low is not None else 0.0,
                right=cost.high - cost.ms if cost.high is not None else 0.0,
                error=cost.error,
                budgets=_spent(group, joined.times.get(place)),
                runs=tuple(dict.fromkeys(sample.run_id for sample in group.samples)),
            )
        )
    return found


def _cost(group: Group, of: Timed | None, x: str) -> Time | None:
    """What is drawn against, with its interval where it was measured in rounds."""
    if x in ("macs", "params"):
        known = group.value(x)
        return Time(float(known), None, None, 1) if is_number(known) and known > 0 else None
    if of is None:
        return None
    if x == "memory":
        return None if not of.memory_mb else Time(of.memory_mb, None, None, 1)
    return of.wall if x == "wall" else of.cpu


def _spent(group: Group, of: Timed | None) -> dict[str, float]:
    """What is known of it, by the name of its budget."""
    return {LIMITS[x]: cost.ms for x in COSTS if (cost := _cost(group, of, x)) is not None}


def _printed(data: Data, chosen: Sequence[Run], x: str, metric: str) -> tuple[Printed, ...]:
    """The paper's rows of the same data set that print both numbers."""
    if x not in ("macs", "params"):
        return ()
    sets = {run.config.get("dataset") for run in chosen}
    return tuple(
        Printed(float(cost), float(score), f"{_whose(row)}: {number(float(score))} at {si(cost)}")
        for row in data.printed
        if row.scale.get("dataset") in sets
        and (cost := row.macs if x == "macs" else row.params) is not None
        and (score := row.metrics.get(metric)) is not None  # type: ignore[call-overload]
    )


def _whose(row: Standing) -> str:
    quoted = f", quoted from {row.quoted_from}" if row.quoted_from else ""
    return f"{row.label}, table {row.table}{quoted}"


def _cost_note(x: str, conditions: str) -> str:
    if x not in TIMES:
        return ""
    bars = " Bars across: 95 % t-interval over the rounds." if x != "memory" else ""
    return f"{COSTS[x].capitalize()} of the same network by its spec, measured on {conditions}.{bars}"
