"""From a request for a sweep to what the store keeps, by way of the catalogue."""

import hashlib
import json
import time
from typing import Any

from backend.catalogue import Catalogue
from backend.errors import KeyMismatch, QuotaExceeded
from backend.settings import Settings
from backend.store import NewRun, NewSweep, Store
from mgic.errors import BadConfig, Conflict, Problem, Unavailable
from mgic.records import Config, Plan, Point, Preview, Queue, Sweep, SweepRequest

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
    keys = [_key(plan.experiment, plan.version, _on(point.config, device)) for point in plan.points]
    known = store.succeeded(keys)
    missing = _missing_data(plan, catalogue)
    rates = store.seconds_per_mac(plan.experiment)
    points = tuple(
        point.model_copy(
            update={
                "duplicate_of": known.get(key),
                "seconds": _seconds(point, rates),
                "problem": point.problem or missing.get(str(point.config.get("dataset"))),
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
        missing = _missing_data(plan, catalogue)
        if missing:
            problems = tuple(Problem("#/axes/dataset", "dataset_missing", words) for words in missing.values())
            raise BadConfig("; ".join(missing.values()), problems)
        waiting = sum(store.queued().values())
        if waiting + len(plan.points) > settings.max_queued:
            raise QuotaExceeded(f"{waiting} runs are queued; this server keeps at most {settings.max_queued}")
        device = _auto_device(plan.queue, store, settings)
        return store.add_sweep(
            NewSweep(
                experiment=plan.experiment,
                version=plan.version,
                grids=plan.grids,
                runs=[_run(plan.experiment, plan.version, plan.queue, point, device) for point in plan.points],
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


def _run(experiment: str, version: int, queue: Queue, point: Point, auto: str) -> NewRun:
    config = _on(point.config, auto)
    device = str(config.get("device", "cpu"))
    return NewRun(
        requested=point.requested,
        config=config,
        config_key=_key(experiment, version, config),
        queue="gpu" if queue == "cpu" and device == "cuda" else queue,
        device=device,
        work_macs=point.work_macs,
    )


def _on(config: Config, device: str) -> Config:
    """`auto` becomes what there is, now, so that a run says what it was run on."""
    return config | {"device": device} if config.get("device") == "auto" else config


def _auto_device(queue: Queue, store: Store, settings: Settings) -> str:
    """A GPU if a worker that could take the run has one."""
    wanted = "gpu" if queue == "cpu" else queue
    alive = [worker for worker in store.workers(settings.lease_s) if worker.alive and worker.queue == wanted]
    return "cuda" if any(worker.device == "cuda" for worker in alive) else "cpu"


def _key(experiment: str, version: int, config: Config) -> str:
    return _digest([experiment, version, config])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _seconds(point: Point, rates: dict[tuple[str | None, str | None], float]) -> float | None:
    """Predicted from runs of the same model and data set; without any, from all of the experiment."""
    model, dataset = point.config.get("model"), point.config.get("dataset")
    rate = rates.get((model, dataset), rates.get((None, None)))  # type: ignore[arg-type]
    return None if rate is None or point.work_macs is None else rate * point.work_macs
