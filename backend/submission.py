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
from backend.settings import Settings
from backend.store import InputGone, NewInput, NewRun, NewSearch, NewSweep, Store, config_key
from mgic.errors import BadConfig, Conflict, Problem, TooExpensive, Unavailable
from mgic.records import Config, InputRun, Plan, Point, Preview, Queue, Sweep, SweepRequest, Worker

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
    device = auto_device(plan.queue, store, settings)
    keys = [config_key(plan.experiment, plan.version, _on(point.config, device), point.files) for point in plan.points]
    known = store.succeeded({key: point.code for key, point in zip(keys, plan.points, strict=True)})
    missing = _missing_data([point.config for point in plan.points], catalogue)
    no_gpu = _no_gpu(plan.queue, store, settings)
    rates = store.seconds_per_mac(plan.experiment)
    points = tuple(
        point.model_copy(
            update={
                "duplicate_of": known.get(key),
                "seconds": _seconds(point, rates),
                "problem": point.problem
                or missing.get(str(point.config.get("dataset")))
                or (no_gpu if _asks_for_gpu(point.config) else None),
            }
        )
        for point, key in zip(plan.points, keys, strict=True)
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
    _refuse_missing([point.config for point in plan.points], plan.queue, store, catalogue, settings)
    device = auto_device(plan.queue, store, settings)
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
    given = [{name: value} for name in ("dataset", "device") for value in (defaults | axes).get(name, ())]
    _refuse_missing(given, info.queue, store, catalogue, settings)
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


def _refuse_missing(
    configs: Iterable[Config], queue: Queue, store: Store, catalogue: Catalogue, settings: Settings
) -> None:
    """Raises `BadConfig` where data or a worker with a GPU is not there."""
    configs = list(configs)
    missing = _missing_data(configs, catalogue)
    problems = [Problem("#/axes/dataset", "dataset_missing", words) for words in missing.values()]
    if (words := _no_gpu(queue, store, settings)) and any(map(_asks_for_gpu, configs)):
        problems.append(Problem("#/axes/device", "no_worker", words))
    if problems:
        raise BadConfig("; ".join(problem.detail for problem in problems), tuple(problems))


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


def _missing_data(configs: Iterable[Config], catalogue: Catalogue) -> dict[str, str]:
    """For each data set of these that is not on this server, how to get it: better said now than by every run."""
    wanted = {name for config in configs if isinstance(name := config.get("dataset"), str)}
    if not wanted:
        return {}
    return {
        info.name: f"the data set {info.name} is not on this server: {info.how_to_get}"
        for info in catalogue.datasets(sorted(wanted))
        if not info.present
    }


def new_run(plan: Plan, point: Point, auto: str, named: Named, trial: Mapping[str, object] | None = None) -> NewRun:
    """A point as the store takes it."""
    config = _on(point.config, auto)
    device = str(config.get("device", "cpu"))
    inputs = {name: str(config[name]) for name in named.files if config.get(name)}
    return NewRun(
        requested=point.requested,
        config=config,
        config_key=config_key(plan.experiment, plan.version, config, point.files),
        queue=_gpu_queue(plan.queue) if device == "cuda" else plan.queue,
        device=device,
        work_macs=point.work_macs,
        code=point.code,
        inputs={name: NewInput(UUID(run), named.files[name]) for name, run in inputs.items()},
        trial=trial,
    )


def _on(config: Config, device: str) -> Config:
    """`auto` becomes what there is, now, so that a run says what it was run on."""
    return config | {"device": device} if config.get("device") == "auto" else config


def auto_device(queue: Queue, store: Store, settings: Settings) -> str:
    """A GPU if a worker that could take the run has one."""
    return "cuda" if _with_gpu(queue, _alive(store, settings)) else "cpu"


def slots_online(queue: Queue, store: Store, settings: Settings) -> int:
    """How many runs of an experiment of this queue can go on at the same time; 1 while no worker is online."""
    alive = _alive(store, settings)
    wanted = _gpu_queue(queue) if _with_gpu(queue, alive) else queue
    return sum(worker.slots for worker in alive if worker.queue == wanted) or 1


def _no_gpu(queue: Queue, store: Store, settings: Settings) -> str | None:
    """Why a run that asks for a GPU would wait for ever; None where it would not, and while no worker is online."""
    alive = _alive(store, settings)
    if not alive or _with_gpu(queue, alive):
        return None
    which = f"worker of the queue {_gpu_queue(queue)}"
    return f"device=cuda: no {which} that is online has a GPU; start one, or take device=auto or cpu"


def _asks_for_gpu(config: Config) -> bool:
    return config.get("device") == "cuda"


def _alive(store: Store, settings: Settings) -> list[Worker]:
    return [worker for worker in store.workers(settings.lease_s) if worker.alive]


def _with_gpu(queue: Queue, workers: Iterable[Worker]) -> bool:
    wanted = _gpu_queue(queue)
    return any(worker.queue == wanted and worker.device == "cuda" for worker in workers)


def _gpu_queue(queue: Queue) -> Queue:
    return "gpu" if queue == "cpu" else queue


def _seconds(point: Point, rates: dict[tuple[str | None, str | None], float]) -> float | None:
    """Predicted from runs of the same model and data set; without any, from all of the experiment."""
    model, dataset = point.config.get("model"), point.config.get("dataset")
    rate = rates.get((model, dataset), rates.get((None, None)))  # type: ignore[arg-type]
    return None if rate is None or point.work_macs is None else rate * point.work_macs
