"""From a request for a sweep to what the store keeps, by way of the catalogue."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

from backend.catalogue import Catalogue
from backend.errors import KeyMismatch
from backend.inputs import Named, following, named_runs
from backend.online import Online, queue_on
from backend.settings import Settings
from backend.store import InputGone, NewInput, NewRun, NewSearch, NewSweep, Store, config_key
from mgic.errors import BadConfig, Conflict, Problem, TooExpensive, Unavailable
from mgic.records import Config, InputRun, Plan, PluginCode, Point, Preview, Sweep, SweepRequest, abilities_of

SLICE_S = 3.0  # a large sweep keeps the catalogue to itself no longer than this
COUNT_S = 5.0  # and an answer no longer than this: clients are impatient, and ask again
FIRST_TRIALS = 5  # of a search are shown before it begins
PREVIEW_S = 1.0  # an answer comes at least so often; what is not counted by then is pending


def preview(request: SweepRequest, store: Store, catalogue: Catalogue, settings: Settings) -> Preview:
    """What the sweep would be, and the one that follows it. Queues nothing.

    Raises:
        BadConfig, SweepTooLarge: The request names no sweep.
    """
    if request.search is not None:
        return _first_trials(request, store, catalogue, settings)
    named = named_runs(request, store, catalogue)
    plan = catalogue.plan(named.request, PREVIEW_S, False, named.runs)
    first = _previewed(plan, store, catalogue, settings)
    if request.then is None:
        return first
    runs = {uuid4(): InputRun(experiment=plan.experiment, config=point.config) for point in plan.points}
    with _within("#/then"):
        second = following(request, uuid4(), runs, store, catalogue)
        plan = catalogue.plan(second.request, PREVIEW_S, False, second.runs)
        then = _previewed(plan, store, catalogue, settings)
    numbers = {str(run_id): f"#{number}" for number, run_id in enumerate(runs)}
    then = then.model_copy(update={"points": tuple(_renamed(point, numbers) for point in then.points)})
    return first.model_copy(update={"then": then, "pending": first.pending + then.pending})


def _first_trials(request: SweepRequest, store: Store, catalogue: Catalogue, settings: Settings) -> Preview:
    """Those of a search that follow from its seed alone, and how long all of them may take."""
    checked = catalogue.check_search(request).request
    search = checked.search
    assert search is not None
    found = catalogue.next_trials(checked, (), (), FIRST_TRIALS, PREVIEW_S)
    if not found.plan.points and found.exhausted:
        raise BadConfig(found.exhausted, (Problem("#/search", "exhausted", found.exhausted),))
    shown = _previewed(found.plan, store, catalogue, settings)
    of_one = shown.seconds / len(shown.points) if shown.seconds is not None else None
    planned = len(shown.points) if found.exhausted else search.trials
    return shown.model_copy(update={"total": planned, "seconds": of_one and of_one * planned})


def _renamed(point: Point, names: Mapping[str, str]) -> Point:
    """With these names in the place of ids that nothing will have."""

    def read(config: Config) -> Config:
        return {field: names.get(value, value) if isinstance(value, str) else value for field, value in config.items()}

    return point.model_copy(update={"requested": read(point.requested), "config": read(point.config)})


def _previewed(plan: Plan, store: Store, catalogue: Catalogue, settings: Settings) -> Preview:
    online = Online(store, catalogue, settings)
    device = online.device(plan.queue)
    keys = [config_key(plan.experiment, plan.version, _on(point.config, device), point.files) for point in plan.points]
    known = store.succeeded({key: point.code for key, point in zip(keys, plan.points, strict=True)})
    info = catalogue.experiment(plan.experiment)
    faults = online.problems(info, *_wanted(plan))
    rates = store.seconds_per_mac(plan.experiment)
    points = tuple(
        point.model_copy(
            update={
                "duplicate_of": known.get(key),
                "seconds": _seconds(point, rates),
                "problem": point.problem or (fault[0].detail if fault else None),
            }
        )
        for point, key, fault in zip(plan.points, keys, faults, strict=True)
    )
    runnable = [point for point in points if point.problem is None]
    predicted = [point.seconds for point in runnable if point.seconds is not None]
    return Preview(
        points=points,
        total=len(points),
        pending=sum(point.pending for point in points),
        problems=sum(point.problem is not None for point in points),
        duplicates=sum(point.duplicate_of is not None for point in points),
        seconds=sum(predicted) if predicted and len(predicted) == len(runnable) else None,
    )


def submit(
    request: SweepRequest,
    idempotency_key: str | None,
    store: Store,
    catalogue: Catalogue,
    settings: Settings,
    owner: str | None = None,
) -> Sweep:
    """Store the sweep, queued, with the one that follows it. With a key that was used for this same request: the
    sweep it made then.

    Raises:
        BadConfig, SweepTooLarge, TooExpensive: Nothing is queued.
        KeyMismatch: The key was used for another request.
        QuotaExceeded: Too much is queued already.
    """
    later = {name for name in ("then", "tags", "search") if not getattr(request, name)}  # a body is as it was before
    body = request.model_dump(mode="json", exclude=later)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    try:
        if idempotency_key and (earlier := store.sweep_of_key(idempotency_key, digest)):
            return earlier
        if request.search is None:
            new = _new_sweep(named_runs(request, store, catalogue), store, catalogue, settings)
        else:
            new = _new_search(request, store, catalogue, settings)
        new = replace(new, id=uuid4(), idempotency_key=idempotency_key, payload_hash=digest, owner=owner)
        if request.then is not None:
            new = _with_then(new, request, store, catalogue, settings)
        _refuse_costly(new, settings.max_sweep_macs)
        return store.add_sweep(new)
    except InputGone as error:
        raise BadConfig(str(error), (Problem("#", "input_failed", str(error)),)) from error
    except Conflict as error:
        raise KeyMismatch(str(error)) from error


def _with_then(
    new: NewSweep, request: SweepRequest, store: Store, catalogue: Catalogue, settings: Settings
) -> NewSweep:
    """Ids are given to the first sweep's runs now, so that those of the second can name them."""
    assert new.id is not None
    runs = {uuid4(): run for run in new.runs}
    first = {run_id: InputRun(experiment=new.experiment, config=run.config) for run_id, run in runs.items()}
    with _within("#/then"):
        then = _new_sweep(following(request, new.id, first, store, catalogue), store, catalogue, settings)
    then = replace(then, tags=request.tags, owner=new.owner)
    return replace(new, runs=[replace(run, id=run_id) for run_id, run in runs.items()], then=then)


def _new_sweep(named: Named, store: Store, catalogue: Catalogue, settings: Settings) -> NewSweep:
    """Raises `BadConfig`, also where data or a worker is missing."""
    plan = _whole_plan(named, catalogue)
    online = Online(store, catalogue, settings)
    _refuse(online.problems(catalogue.experiment(plan.experiment), *_wanted(plan)))
    device = online.device(plan.queue)
    request = named.request
    return NewSweep(
        experiment=plan.experiment,
        version=plan.version,
        grids=named.grids or plan.grids,
        runs=[new_run(plan, point, device, named) for point in plan.points],
        name=request.name,
        recipe=request.recipe,
        priority=request.priority,
        reuse=request.reuse,
        tags=request.tags,
    )


def _new_search(request: SweepRequest, store: Store, catalogue: Catalogue, settings: Settings) -> NewSweep:
    """Without runs: the scout asks for them. Raises as `_new_sweep`."""
    checked = catalogue.check_search(request)
    wanted, search = checked.request, checked.request.search
    assert search is not None
    info, axes = catalogue.experiment(wanted.experiment), wanted.axes or {}
    defaults = {name: [field.get("default")] for name, field in info.config_schema.get("properties", {}).items()}
    asked = defaults | axes
    given = [
        {"device": device, name: value}
        for device in asked.get("device", ["cpu"])
        for name in ("device", "dataset", *abilities_of(info.config_schema))
        for value in (asked.get(name, ()) if name != "device" else [device])
    ]
    _refuse(Online(store, catalogue, settings).problems(info, given))
    return NewSweep(
        experiment=info.name,
        version=info.version,
        grids=(axes,),
        runs=(),
        name=request.name,
        recipe=request.recipe,
        priority=request.priority,
        search=NewSearch(search, checked.curve, request.reuse),
        tags=request.tags,
    )


def _wanted(plan: Plan) -> tuple[list[Config], list[tuple[PluginCode, ...]]]:
    return [point.config for point in plan.points], [point.code for point in plan.points]


def _refuse(faults: Iterable[Iterable[Problem]]) -> None:
    """Raises `BadConfig` where no worker that is online could do what is asked for."""
    every = dict.fromkeys(fault for of_one in faults for fault in of_one)
    problems = tuple(fault._replace(pointer=f"#/axes/{fault.pointer}" if fault.pointer else "#") for fault in every)
    if problems:
        raise BadConfig("; ".join(problem.detail for problem in problems), problems)


def _refuse_costly(new: NewSweep, most: float) -> None:
    """Raises `TooExpensive` where all runs together, with those that follow, would compute more than a sweep may."""
    every = [*new.runs, *(new.then.runs if new.then else ())]
    macs = sum(run.work_macs or 0.0 for run in every)
    if macs > most:
        words = f"its {len(every)} runs come to {macs:.3g} multiply-accumulates; a sweep may have {most:.3g} here"
        raise TooExpensive(words, (Problem("#", "too_expensive", words),), {"sweep_macs": macs, "limit": most})


@contextmanager
def _within(place: str) -> Iterator[None]:
    """What is wrong in here is wrong below `place`."""
    try:
        yield
    except BadConfig as error:
        error.problems = tuple(
            problem._replace(pointer=place + problem.pointer.removeprefix("#")) for problem in error.problems
        )
        raise


def _whole_plan(named: Named, catalogue: Catalogue) -> Plan:
    """Every cell counted, slice by slice: others' questions are answered in between.

    Raises:
        Unavailable: It takes too long; what was counted is remembered, and the next call goes on from there.
    """
    deadline = time.monotonic() + COUNT_S
    while True:
        plan = catalogue.plan(named.request, SLICE_S, True, named.runs)
        pending = sum(point.pending for point in plan.points)
        if not pending:
            return plan
        if time.monotonic() > deadline:
            raise Unavailable(f"{pending} of {len(plan.points)} cells are still to be counted; send it again")


def new_run(plan: Plan, point: Point, auto: str, named: Named, trial: Mapping[str, object] | None = None) -> NewRun:
    """A point as the store takes it."""
    config = _on(point.config, auto)
    device = str(config.get("device", "cpu"))
    inputs = {name: str(config[name]) for name in named.files if config.get(name)}
    return NewRun(
        requested=point.requested,
        config=config,
        config_key=config_key(plan.experiment, plan.version, config, point.files),
        queue=queue_on(device, plan.queue),
        device=device,
        work_macs=point.work_macs,
        code=point.code,
        inputs={name: NewInput(UUID(run), named.files[name]) for name, run in inputs.items()},
        trial=trial,
    )


def _on(config: Config, device: str) -> Config:
    """`auto` becomes what there is, now, so that a run says what it was run on."""
    return config | {"device": device} if config.get("device") == "auto" else config


def _seconds(point: Point, rates: dict[tuple[str | None, str | None], float]) -> float | None:
    """Predicted from runs of the same model and data set; without any, from all of the experiment."""
    model, dataset = point.config.get("model"), point.config.get("dataset")
    rate = rates.get((model, dataset), rates.get((None, None)))  # type: ignore[arg-type]
    return None if rate is None or point.work_macs is None else rate * point.work_macs
