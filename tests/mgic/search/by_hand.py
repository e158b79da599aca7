"""A search over a function that is known, with nothing run: what a sampler proposes, and what is told of it."""

from collections.abc import Callable, Iterable
from math import log10

from mgic.records import Config, Cost, Plan, Point, Range, Refused, Search, SweepRequest, Trial
from mgic.search.proposing import next_trials

AXES = {"kind": ["a", "b", "c"], "group_size": [4, 8, 16, 32, 64]}
SPACE = {"rate": Range(min=1e-5, max=1.0, log=True), "width": Range(min=8, max=256)}
BEST = {"kind": "a", "group_size": 16, "rate": 1e-2, "width": 64}


def loss(config: Config) -> float:
    """0 at `BEST`, more elsewhere."""
    return (
        (log10(config["rate"]) + 2) ** 2
        + 0.3 * (config["width"] / 64 - 1) ** 2
        + {"a": 0, "b": 0.5, "c": 1}[config["kind"]]
        + 0.2 * abs(config["group_size"] - 16) / 16
    )


def macs(config: Config) -> int:
    return int(config.get("width", 1) * config.get("group_size", 1))


def plan(request: SweepRequest) -> Plan:
    cell = {name: values[0] for name, values in request.axes.items()}
    point = Point(requested=cell, config=cell, cost=Cost(params=1, macs=macs(cell)))
    return Plan(experiment="cost", version=1, queue="cpu", grids=(), points=(point,))


def asking(sampler="tpe", trials=30, axes=None, space=None, **settings) -> SweepRequest:
    search = Search(
        sampler=sampler,
        trials=trials,
        metric="loss",
        goal="min",
        space=SPACE if space is None else space,
        **settings,
    )
    return SweepRequest(experiment="cost", axes=AXES if axes is None else axes, search=search)


def ended(point: Point, notes: dict, value: float | None) -> Trial:
    state = "failed" if value is None else "complete"
    return Trial(requested=point.requested, state=state, value=value, macs=macs(point.requested), notes=notes)


def search(
    request: SweepRequest, score: Callable[[Config], float | None] = loss, at_once: int = 1, plan=plan
) -> tuple[list[Trial], list[Refused], str]:
    """All trials to the end of the search, the cells that were refused, and why it ended early, if it did."""
    trials: list[Trial] = []
    refused: list[Refused] = []
    while len(trials) < request.search.trials:
        found = next_trials(request, trials, refused, at_once, plan)
        refused += found.refused
        trials += [
            ended(point, notes, score(point.requested))
            for point, notes in zip(found.plan.points, found.notes, strict=True)
        ]
        if found.exhausted:
            return trials, refused, found.exhausted
    return trials, refused, ""


def values(trials: Iterable[Trial]) -> list[float]:
    return [trial.value for trial in trials if trial.value is not None]
