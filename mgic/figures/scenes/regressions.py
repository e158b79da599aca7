"""Comparisons: the blocks of one, or the history of a metric over those of one name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

from mgic.client import Client
from mgic.figures.plot import Plot
from mgic.figures.regressions import blocks, history
from mgic.figures.regressions.words import TITLES, conditions_words
from mgic.figures.scenes.asked import ids
from mgic.figures.switches import Switch, read
from mgic.gate import worst_of
from mgic.records import Comparison, ComparisonBrief, GateMetric, GateVerdict, MetricPoint

PARAMETERS = ("comparison", "older")
OFFERED = 200  # the newest comparisons, whose names, branches and testbeds can be chosen
MOST = 200  # points of a history
ANY = "any"
VERDICTS: tuple[GateVerdict, ...] = get_args(GateVerdict)
METRICS: tuple[GateMetric, ...] = get_args(GateMetric)


@dataclass(frozen=True)
class Data:
    """`one` is the comparison that the address names; without it the rest is there.

    Args:
        one: With its samples.
        listed: The newest of all, by which the switches know what there is.
        latest: The newest of the chosen name and branch, without samples; None where there is none.
        points: Of the metric that is chosen.
        values: What the switches were read as.
        more: Whether there are earlier points.
    """

    one: Comparison | None
    listed: tuple[ComparisonBrief, ...] = ()
    latest: Comparison | None = None
    points: tuple[MetricPoint, ...] = ()
    values: Mapping[str, str] | None = None
    more: bool = False


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?comparison=ID`, or of `?name=&branch=&model=&metric=&testbed=`; what is left out is that of the newest."""
    if asked.get("comparison"):
        (one,) = ids(asked, "comparison")
        return Data(api.comparison(one))
    listed = list(api.comparisons(limit=OFFERED).items)
    for name in ("name", "branch"):  # what is older than those that are offered is found if it is asked for
        text = asked.get(name, ANY)
        if text not in (ANY, "") and all(getattr(one, name) != text for one in listed):
            listed += api.comparisons(limit=1, **{name: text}).items
    values, _ = read(list_switches(Data(None, tuple(listed))), asked)
    of = [one for one in listed if _fits(one, values)]
    if not of:
        return Data(None, tuple(listed), values=values)
    filters = {"name": of[0].name, "branch": values["branch"] if values["branch"] != ANY else None}
    data = Data(None, tuple(listed), api.comparison(of[0].id, samples=False), values=values)
    for _ in range(2):  # the metrics that can be chosen are those of the model
        chosen, _ = read(history_switches(data), asked)
        data = Data(None, data.listed, data.latest, values=values | chosen)
    if not chosen:
        return data
    filters["testbed"] = chosen["testbed"] if chosen["testbed"] != ANY else None
    metric = next(one for one in METRICS if one == chosen["metric"])
    page = api.metric_history(chosen["model"], metric, MOST, **filters)
    return Data(None, data.listed, data.latest, page.items, data.values, page.next_cursor is not None)


def _fits(one: ComparisonBrief, values: Mapping[str, str]) -> bool:
    return all(values[name] in (ANY, getattr(one, name)) for name in ("name", "branch"))


def switches(data: Data) -> tuple[Switch, ...]:
    return block_switches(data.one) if data.one else (*list_switches(data), *history_switches(data))


def block_switches(one: Comparison) -> tuple[Switch, ...]:
    metrics = blocks.sampled_metrics(one)
    if not metrics:
        return ()
    worst = worst_of([row for row in one.rows if row.metric in metrics])
    default = worst.metric if worst and worst.metric and worst.verdict != "pass" else metrics[0]
    return (Switch("metric", "Blocks of", {name: _plain_title(name) for name in metrics}, default),)


def list_switches(data: Data) -> tuple[Switch, ...]:
    """Which comparisons are listed; name and branch hold for the history too."""
    names, branches = ({one: one for one in _known(data.listed, field)} for field in ("name", "branch"))
    return (
        Switch("name", "Name", {ANY: ANY} | names, ANY),
        Switch("branch", "Branch", {ANY: ANY} | branches, ANY),
        Switch("verdict", "Verdict", {ANY: ANY} | {one: one for one in VERDICTS}, ANY),
    )


def history_switches(data: Data) -> tuple[Switch, ...]:
    """Of the newest comparison of the name: its models, what was told of each, and the hosts that measured."""
    rows = [row for row in data.latest.rows if row.metric is not None] if data.latest else []
    if not rows or data.latest is None:
        return ()
    worst = worst_of(rows)
    first = worst.model if worst and worst.verdict != "pass" else rows[0].model
    models = {row.model: row.model for row in rows}
    model = (data.values or {}).get("model", first)
    metrics: dict[str, str] = {
        row.metric: _plain_title(row.metric) for row in rows if row.model == model and row.metric
    }
    timed = next((name for name in metrics if name not in history.EXACT), next(iter(metrics), ""))
    testbeds = {one: one for one in _known([one for one in data.listed if one.name == data.latest.name], "testbed")}
    own = data.latest.conditions.hostname if data.latest.conditions else ANY
    metric = (data.values or {}).get("metric", timed)
    exact = metric in history.EXACT or metric == "top1"  # the same on all hosts
    return (
        Switch("model", "Model", models, first),
        Switch("metric", "Metric", metrics, timed),
        Switch("testbed", "Testbed", {ANY: ANY} | testbeds, ANY if exact or own not in testbeds else own),
    )


def _known(listed: Sequence[ComparisonBrief], field: str) -> list[str]:
    return list(dict.fromkeys(text for one in listed if (text := getattr(one, field))))


def _plain_title(metric: GateMetric) -> str:
    return TITLES[metric].partition(" (")[0].removesuffix(" of a pass")


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    if data.one is not None:
        return _of_blocks(data.one, values)
    return _of_history(data, values) if data.points else []


def _of_blocks(one: Comparison, values: Mapping[str, str]) -> list[Plot]:
    metrics = [name for name in blocks.sampled_metrics(one) if name == values.get("metric")]
    given = blocks.strips(one, metrics[0]) if metrics else []
    if not given:
        return []
    metric, shown = metrics[0], given[: blocks.MOST]
    title = f"{_plain_title(metric)}, block by block"
    note = "Each mark is a block, in which the sides take turns. Squares: the base against itself, which is 0 but for "
    note += "noise. "
    note += f"The first {blocks.MOST} of {len(given)} models. " if len(given) > len(shown) else ""
    return [
        Plot(
            f"blocks-{metric.replace('_', '-')}",
            title,
            partial(blocks.draw_blocks, shown, metric, title),
            note + (f"Conditions: {conditions_words(one.conditions)}" if one.conditions else ""),
            "Change of the head against the base in each block, with the control, the interval and the limit, by model",
            lambda: blocks.rows(given, metric),
            wide=True,
        )
    ]


def _of_history(data: Data, values: Mapping[str, str]) -> list[Plot]:
    metric = next(one for one in METRICS if one == values["metric"])
    given = history.history_of(metric, data.points)
    if not given.marks:
        return []
    name = data.latest.name if data.latest else None
    what = _plain_title(metric)
    of = f"{what} of {values['model']}" + (f", {name}" if name else "")
    measured = metric not in history.EXACT and metric != "top1"
    bars = "Bars: the 95 % interval of the change, of its own base. " if measured else ""
    newest = f"The newest {MOST} comparisons. " if data.more else f"n = {len(given.marks)} comparisons. "
    return [
        Plot(
            "history",
            of,
            partial(history.draw_values, given, of),
            f"The head's value in each comparison. {bars}{newest}{_changes_note(given)}",
            f"{of} over comparisons",
            lambda: history.rows(given),
        ),
        Plot(
            "history-of-changes",
            f"{what}, head against base",
            partial(history.draw_changes, given, f"{what}, head against base"),
            f"What each comparison said of {of}, with the limit that held then. {bars}{newest}",
            f"Change of {of} from base to head over comparisons, with the limit",
            lambda: history.rows(given),
        ),
    ]


def _changes_note(given: history.History) -> str:
    if given.why_no_changes:
        return f"{given.why_no_changes}."
    if given.metric in history.EXACT:
        return f"Counted exactly: {len(given.changes) or 'no'} change{'' if len(given.changes) == 1 else 's'}."
    found = ", ".join(f"{one.percent:+.1f} % on {given.marks[one.at].at:%Y-%m-%d}" for one in given.changes)
    return f"Change points by PELT (Killick et al. 2012): {found or 'none'}."
