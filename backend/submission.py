"""From a request for a sweep to what the store keeps, by way of the catalogue."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from backend.catalogue import Catalogue
from backend.errors import KeyMismatch
from backend.settings import Settings
from backend.store import NewRun, NewSweep, Store
from mgic.errors import BadCheckpoint, BadConfig, Conflict, Problem, Unavailable
from mgic.experiment import WEIGHTS
from mgic.records import Config, Plan, Point, Preview, Queue, Sweep, SweepRequest, Worker

SLICE_S = 3.0  # a large sweep keeps the catalogue to itself no longer than this
COUNT_S = 5.0  # and an answer no longer than this: clients are impatient, and ask again
PREVIEW_S = 1.0  # an answer comes at least so often; what is not counted by then is pending


def preview(request: SweepRequest, store: Store, catalogue: Catalogue, settings: Settings) -> Preview:
    """What the sweep would be. Queues nothing.

    Raises:
        BadConfig, SweepTooLarge: The request names no sweep.
    """
    plan = catalogue.plan(request, PREVIEW_S)
    device = _auto_device(plan.queue, store, settings)
    hashes, bad_weights = _weights(plan, catalogue)
    keys = [_key(plan.experiment, plan.version, _on(point.config, device), hashes) for point in plan.points]
    known = store.succeeded({key: point.code for key, point in zip(keys, plan.points, strict=True)})
    missing = _missing_data(plan, catalogue)
    no_gpu = _no_gpu(plan, store, settings)
    rates = store.seconds_per_mac(plan.experiment)
    points = tuple(
        point.model_copy(
            update={
                "duplicate_of": known.get(key),
                "seconds": _seconds(point, rates),
                "problem": point.problem
                or missing.get(str(point.config.get("dataset")))
                or bad_weights.get(str(point.config.get(WEIGHTS)))
                or (no_gpu if _asks_for_gpu(point) else None),
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
    request: SweepRequest, idempotency_key: str | None, store: Store, catalogue: Catalogue, settings: Settings
) -> Sweep:
    """Store the sweep, queued. With a key that was used for this same request: the sweep it made then.

    Raises:
        BadConfig, SweepTooLarge, TooExpensive: Nothing is queued.
        KeyMismatch: The key was used for another request.
        QuotaExceeded: Too much is queued already.
    """
    digest = _digest(request.model_dump(mode="json"))
    try:
        if idempotency_key and (earlier := store.sweep_of_key(idempotency_key, digest)):
            return earlier
        plan = _whole_plan(request, catalogue)
        problems = [
            Problem("#/axes/dataset", "dataset_missing", words) for words in _missing_data(plan, catalogue).values()
        ]
        hashes, bad_weights = _weights(plan, catalogue)
        if (words := _no_gpu(plan, store, settings)) and any(map(_asks_for_gpu, plan.points)):
            problems.append(Problem("#/axes/device", "no_worker", words))
        if bad_weights:
            bad = [Problem(f"#/axes/{WEIGHTS}", "bad_checkpoint", words) for words in bad_weights.values()]
            raise BadCheckpoint("; ".join(bad_weights.values()), (*problems, *bad))
        if problems:
            raise BadConfig("; ".join(problem.detail for problem in problems), tuple(problems))
        device = _auto_device(plan.queue, store, settings)
        return store.add_sweep(
            NewSweep(
                experiment=plan.experiment,
                version=plan.version,
                grids=plan.grids,
                runs=[_run(plan.experiment, plan.version, plan.queue, point, device, hashes) for point in plan.points],
                name=request.name,
                recipe=request.recipe,
                priority=request.priority,
                idempotency_key=idempotency_key,
                payload_hash=digest,
                reuse=request.reuse,
            )
        )
    except Conflict as error:
        raise KeyMismatch(str(error)) from error


def _whole_plan(request: SweepRequest, catalogue: Catalogue) -> Plan:
    """Every cell counted, slice by slice: others' questions are answered in between.

    Raises:
        Unavailable: It takes too long; what was counted is remembered, and the next call goes on from there.
    """
    deadline = time.monotonic() + COUNT_S
    while True:
        plan = catalogue.plan(request, SLICE_S, True)
        pending = sum(point.pending for point in plan.points)
        if not pending:
            return plan
        if time.monotonic() > deadline:
            raise Unavailable(f"{pending} of {len(plan.points)} cells are still to be counted; send it again")


def _missing_data(plan: Plan, catalogue: Catalogue) -> dict[str, str]:
    """For each data set of the sweep that is not on this server, how to get it: better said now than by every run."""
    wanted = {point.config.get("dataset") for point in plan.points} - {None}
    if not wanted:
        return {}
    return {
        info.name: f"the data set {info.name} is not on this server: {info.how_to_get}"
        for info in catalogue.datasets()
        if info.name in wanted and not info.present
    }


def _weights(plan: Plan, catalogue: Catalogue) -> tuple[dict[str, str], dict[str, str]]:
    """The hash of each file of weights that the sweep names, and what is wrong with those that cannot be read."""
    return catalogue.weights(sorted({str(name) for point in plan.points if (name := point.config.get(WEIGHTS))}))


def _run(experiment: str, version: int, queue: Queue, point: Point, auto: str, hashes: Mapping[str, str]) -> NewRun:
    config = _on(point.config, auto)
    device = str(config.get("device", "cpu"))
    return NewRun(
        requested=point.requested,
        config=config,
        config_key=_key(experiment, version, config, hashes),
        queue=_gpu_queue(queue) if device == "cuda" else queue,
        device=device,
        work_macs=point.work_macs,
        code=point.code,
    )


def _on(config: Config, device: str) -> Config:
    """`auto` becomes what there is, now, so that a run says what it was run on."""
    return config | {"device": device} if config.get("device") == "auto" else config


def _auto_device(queue: Queue, store: Store, settings: Settings) -> str:
    """A GPU if a worker that could take the run has one."""
    return "cuda" if _with_gpu(queue, _alive(store, settings)) else "cpu"


def _no_gpu(plan: Plan, store: Store, settings: Settings) -> str | None:
    """Why a run that asks for a GPU would wait for ever; None where it would not, and while no worker is online."""
    alive = _alive(store, settings)
    if not alive or _with_gpu(plan.queue, alive):
        return None
    queue = _gpu_queue(plan.queue)
    return (
        f"device=cuda: no worker of the queue {queue} that is online has a GPU; start one, or take device=auto or cpu"
    )


def _asks_for_gpu(point: Point) -> bool:
    return point.config.get("device") == "cuda"


def _alive(store: Store, settings: Settings) -> list[Worker]:
    return [worker for worker in store.workers(settings.lease_s) if worker.alive]


def _with_gpu(queue: Queue, workers: Iterable[Worker]) -> bool:
    wanted = _gpu_queue(queue)
    return any(worker.queue == wanted and worker.device == "cuda" for worker in workers)


def _gpu_queue(queue: Queue) -> Queue:
    return "gpu" if queue == "cpu" else queue


def _key(experiment: str, version: int, config: Config, hashes: Mapping[str, str]) -> str:
    """What results are the same by: a file of weights by what is in it, since its name may be given to another."""
    weights = hashes.get(str(config.get(WEIGHTS)))
    return _digest([experiment, version, config, *([weights] if weights else [])])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _seconds(point: Point, rates: dict[tuple[str | None, str | None], float]) -> float | None:
    """Predicted from runs of the same model and data set; without any, from all of the experiment."""
    model, dataset = point.config.get("model"), point.config.get("dataset")
    rate = rates.get((model, dataset), rates.get((None, None)))  # type: ignore[arg-type]
    return None if rate is None or point.work_macs is None else rate * point.work_macs
