"""Latency runs: realised speed-up, where the time goes, how passes spread, and the control beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures import control, passes, realised, whereabouts
from mgic.figures.plot import Plot, name_of
from mgic.figures.scenes.asked import ids
from mgic.figures.scenes.models import known_defaults
from mgic.figures.specs import Defaults
from mgic.figures.switches import Switch
from mgic.figures.timing import CLOCKS, Case, apart, names_of, read_passes, shared
from mgic.figures.validity import control_of, graded, titled
from mgic.records import Profile, Run, RunStatus, Sweep

PARAMETERS = ("run", "sweep")
TIMING = "latency"
MOST, OFFERED = 12, 50
ECDF, ROUNDS = "all", "rounds"


@dataclass(frozen=True)
class Data:
    offered: tuple[Sweep, ...]  # of timed networks
    chosen: tuple[str, ...]  # sweeps
    cases: tuple[Case, ...]
    left_out: int  # runs beyond the most that are shown


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?run=ID,ID` or `?sweep=ID,ID`; without either the newest sweep of timed networks."""
    offered = tuple(one for one in api.sweeps(limit=OFFERED).items if one.experiment == TIMING)
    chosen: tuple[str, ...] = ()
    if asked.get("run"):
        runs = [api.run(one) for one in ids(asked, "run", MOST)]
    else:
        newest = [str(one.id) for one in offered if one.counts.get(RunStatus.SUCCEEDED)][:1]
        chosen = tuple(ids(asked, "sweep", MOST) if asked.get("sweep") else newest)
        runs = [run for one in chosen for run in api.sweep_runs(one)]
    for run in runs:
        if run.experiment != TIMING:
            raise BadConfig(f"run {run.id} is one of {run.experiment}: this page is of {TIMING}")
    ended = [run for run in runs if run.status is RunStatus.SUCCEEDED and (run.result or {}).get("rows")]
    defaults = known_defaults(api, ended[:MOST])
    return Data(offered, chosen, tuple(_case(api, run, defaults) for run in ended[:MOST]), max(0, len(ended) - MOST))


def _case(api: Client, run: Run, defaults: Defaults) -> Case:
    """With what the run has left of files; one of an earlier version has fewer."""
    there = {one.name for one in api.artifacts(run.id)}
    samples = read_passes(api.artifact(run.id, "samples.csv").decode()) if "samples.csv" in there else {}
    where = Profile.model_validate_json(api.artifact(run.id, "profile.json")) if "profile.json" in there else None
    return Case(run, samples, where, defaults)


def switches(data: Data) -> tuple[Switch, ...]:
    found = []
    if any(case.grade("cpu") for case in data.cases):
        found.append(Switch("clock", "Time", CLOCKS, "wall"))
    profiled = _profiled(data)
    if len(profiled) > 1:
        names = {word: title for word, (title, _, _) in profiled.items()}
        found.append(Switch("network", "Where the time goes in", names, _first_hierarchy(data)))
    if any(case.passes for case in data.cases):
        shapes = {ECDF: "all passes", ROUNDS: "by process"}
        found.append(Switch("passes", "Passes", shapes, ECDF, help="A process is a round of one network"))
    return tuple(found)


def _profiled(data: Data) -> dict[str, tuple[str, Case, int]]:
    """By the word of the address: what is shown of a network that was timed by its parts, its run, its place."""
    found: dict[str, tuple[str, Case, int]] = {}
    several = len([case for case in data.cases if case.profile]) > 1
    names = names_of(data.cases)
    for case, words in zip(data.cases, apart(data.cases), strict=True):
        for place, network in enumerate(case.profile.networks if case.profile else ()):
            title = names.get(network.model, network.model)
            title += (
                f" (place {network.place})" if title in {one for one, _, _ in found.values()} and not several else ""
            )
            title += f", {words}" if several else ""
            found[name_of(title)] = (title, case, place)
    return found


def _first_hierarchy(data: Data) -> str:
    """The first network that has levels, or the first."""
    profiled = _profiled(data)
    for word, (_, case, place) in profiled.items():
        if case.profile and any(part.level is not None for part in case.profile.networks[place].parts):
            return word
    return next(iter(profiled))


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    clock = values.get("clock", "wall")
    if not data.cases:
        return []
    found = [_realised(data.cases, clock), _whereabouts(data, values), _control(data.cases)]
    found += [_passes(case, clock, values.get("passes", ECDF)) for case in data.cases]
    return [plot for plot in found if plot is not None]


def _realised(cases: Sequence[Case], clock: str) -> Plot | None:
    given = realised.gains(cases, clock)
    if not any(not one.control for one in given):
        return None
    title = titled("Realised speed-up", CLOCKS[clock], shared(cases))
    first = ", ".join(dict.fromkeys(str(case.first["model"]) for case in cases))
    grade = _worst(cases, clock)
    note = f"Each mark is a network against the first one of its run, {first}; bars: 95 % t-interval over the rounds. "
    note += "On the line a network is as much faster as it computes less; below it, part of that is lost. "
    return Plot(
        "realised-speed-up",
        "Realised speed-up",
        graded(partial(realised.draw_gains, given, title, CLOCKS[clock]), grade),
        note + _controls(cases),
        "Speed-up against the ratio of multiply-accumulates, with the line of slope 1",
        lambda: realised.rows(given),
        grade,
    )


def _controls(cases: Sequence[Case]) -> str:
    told = [(words, control_of(case.run)) for case, words in zip(cases, apart(cases), strict=True)]
    known = "; ".join(f"{words}: {ratio}" if len(told) > 1 else ratio for words, ratio in told if ratio)
    return (
        f"Control, the first network timed twice: its two times have the ratio {known}."
        if known
        else "No control was measured."
    )


def _whereabouts(data: Data, values: Mapping[str, str]) -> Plot | None:
    profiled = _profiled(data)
    if not profiled:
        return None
    title, case, place = profiled.get(values.get("network", ""), profiled[_first_hierarchy(data)])
    assert case.profile is not None  # as `_profiled` says
    network = case.profile.networks[place]
    given = whereabouts.shares(network)
    grades = [grade for grade in (network.grade, case.grade("wall")) if grade]
    heading = titled(f"Where the time goes in {title}", *(one for name, one in case.conditions.items() if name != "n"))
    heading += f", n = {network.repeats}"
    return Plot(
        "where-the-time-goes",
        "Where the time goes",
        graded(partial(whereabouts.draw_shares, given, heading), max(grades)),
        whereabouts.note(network),
        f"Shares of time and of multiply-accumulates of {title}",
        lambda: whereabouts.rows(given),
        max(grades),
    )


def _control(cases: Sequence[Case]) -> Plot | None:
    given = control.rows(cases)
    if not given:
        return None
    return Plot(
        "control",
        "Control",
        graded(partial(control.draw_control, given, titled("Control: a network against itself", shared(cases))), None),
        "1 but for noise; bars: 95 % t-interval over the rounds. Bands: how far it reaches at most at A, B and C.",
        "The ratio of two times of the same network, by run and clock",
        lambda: given,
    )


def _passes(case: Case, clock: str, shape: str) -> Plot | None:
    given = passes.rounds_of(case, clock)
    if not given:
        return None
    title = titled("How long passes take", *case.conditions.values())
    draw = passes.draw_rounds if shape == ROUNDS else passes.draw_ecdf
    n = sum(len(one.every) for one in given)
    end, lost = passes.beyond(given)
    if shape == ROUNDS:
        note = (
            f"A box is one process: a quarter to three quarters of its passes, whiskers 5 to 95 %; {n} passes in all."
        )
    else:
        note = f"Bold: all passes of a network. Thin: one process each. Dotted: the control. {n} passes in all"
        note += f", {lost} of them beyond {end:.3g} ms, where the axis ends." if lost else "."
    return Plot(
        f"passes-{str(case.run.id)[:8]}",
        "How long passes take",
        graded(partial(draw, given, title, CLOCKS[clock]), case.grade(clock)),
        note,
        "Distribution of the times of single passes, by network",
        lambda: passes.rows(given),
        case.grade(clock),
    )


def _worst(cases: Sequence[Case], clock: str) -> str | None:
    return max((grade for case in cases if (grade := case.grade(clock))), default=None)
