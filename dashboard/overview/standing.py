"""What the service does just now, from what the API says of its workers, its queues and its newest sweeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mgic.figures.words import seconds
from mgic.records import Run, RunStatus, Sweep, System, Worker


@dataclass(frozen=True)
class Lane:
    """A queue: who serves it, what they do, what waits."""

    queue: str
    workers: int  # that are alive
    slots: int
    running: int
    waiting: int
    runs: tuple[Run, ...]  # of those that are running, the newest few


@dataclass(frozen=True)
class Standing:
    lanes: tuple[Lane, ...]
    unfinished: tuple[Sweep, ...]
    ended: tuple[Sweep, ...]  # with a result, newest first


def standing(workers: Iterable[Worker], system: System, running: Sequence[Run], sweeps: Sequence[Sweep]) -> Standing:
    """A queue without a worker is told of only where something waits for it."""
    alive = [worker for worker in workers if worker.alive]
    queues = dict.fromkeys([*(worker.queue for worker in alive), *system.queued, *system.running])
    lanes = [_lane(str(queue), alive, system, running) for queue in sorted(queues)]
    return Standing(
        tuple(one for one in lanes if one.workers or one.waiting or one.running),
        tuple(one for one in sweeps if not one.finished),
        tuple(one for one in sweeps if one.finished and one.counts.get(RunStatus.SUCCEEDED)),
    )


def left(sweep: Sweep) -> str:
    """`3 of 20 runs ended · about 4 min left`."""
    ended = sum(sweep.counts.get(status, 0) for status in RunStatus if status.terminal)
    rest = f" · about {seconds(sweep.eta_seconds)} left" if sweep.eta_seconds is not None else ""
    return f"{ended} of {sweep.total} runs ended{rest}"


def _lane(queue: str, alive: Sequence[Worker], system: System, running: Sequence[Run]) -> Lane:
    mine = [worker for worker in alive if worker.queue == queue]
    return Lane(
        queue,
        len(mine),
        sum(worker.slots for worker in mine),
        system.running.get(queue, 0),
        system.queued.get(queue, 0),
        tuple(run for run in running if run.queue == queue)[:3],
    )
