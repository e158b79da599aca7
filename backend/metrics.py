"""What Prometheus is told: how the queue, the workers and the disks stand, and how long answers take.

docker/monitoring/ has alerts and a board that stand on these names.
"""

from collections.abc import Iterator
from typing import get_args

import psutil

from backend.artifacts import Artifacts
from backend.catalogue import Catalogue
from backend.disk import free_bytes, shortages
from backend.exposition import Family, Histogram, text
from backend.janitor import Janitor
from backend.reaper import Reaper
from backend.store import DATABASE_ERRORS, Store, Vitals
from mgic import __version__
from mgic.records import Queue, RunStatus

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # a long poll takes up to 30 s
QUEUES = get_args(Queue)


class Metrics:
    """Of one process of the API.

    Args:
        store: How the queue stands.
        catalogue: Whether it answers.
        reaper: Whether it reaches the broker.
        janitor: Whether it reaches the place of the artifacts.
        artifacts: On which disk they lie.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, reaper: Reaper, janitor: Janitor, artifacts: Artifacts
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._reaper = reaper
        self._janitor = janitor
        self._artifacts = artifacts
        self._process = psutil.Process()
        self._answers = Histogram(
            "mgic_http_seconds", "Seconds to the first byte of an answer", ("method", "route", "status"), SECONDS
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """An answer of that status has begun after so long."""
        self._answers.observe((method, route, str(status)), seconds)

    def text(self) -> str:
        """All of it. Takes a moment: the database is asked."""
        return text([*self._families(), self._answers])

    def _families(self) -> Iterator[Family]:
        yield _gauge("mgic_info", "1, with the version of the program", {(__version__,): 1}, "version")
        yield from _of_process(self._process)
        free = free_bytes(self._store.engine, self._artifacts)
        yield _gauge(
            "mgic_disk_free_bytes",
            "Room on a disk of this machine",
            {(place,): left for place, left in free.items()},
            "place",
        )
        refused = shortages(self._store.engine, self._artifacts)
        yield _gauge(
            "mgic_disk_writable",
            "Whether anything can be written there: 0 where a disk is full, read-only, or has a quota that is met",
            {(place,): place not in refused for place in free},
            "place",
        )
        try:
            vitals = self._store.vitals()
        except DATABASE_ERRORS:
            vitals = None
        parts = {
            "database": vitals is not None,
            "broker": self._reaper.broker_reached,
            "artifacts": self._janitor.place_reached,
            "catalogue": self._catalogue.loaded,
        }
        yield _gauge("mgic_part_up", "Whether a part answers", {(part,): up for part, up in parts.items()}, "part")
        if vitals is not None:
            yield from _of_store(vitals)


def _of_store(vitals: Vitals) -> Iterator[Family]:
    none: dict[tuple[str, ...], float] = {(str(status), queue): 0 for status in RunStatus for queue in QUEUES}
    yield _gauge("mgic_runs", "Runs in the store", none | vitals.runs, "status", "queue")
    yield _gauge(
        "mgic_queue_oldest_seconds",
        "Since the oldest run that a worker could claim was submitted",
        {(queue,): vitals.waiting.get(queue, 0) for queue in QUEUES},
        "queue",
    )
    yield _gauge(
        "mgic_claim_oldest_seconds",
        "Since that run in work was claimed that was claimed first",
        {(queue,): vitals.in_work.get(queue, 0) for queue in QUEUES},
        "queue",
    )
    yield _gauge(
        "mgic_lease_overdue_seconds",
        "Since the lease of a run in work is over, which the reaper has not taken back",
        {(): vitals.overdue},
    )
    yield _gauge(
        "mgic_untold_sweeps",
        "Sweeps that have ended, of which somebody could not be told so far",
        {(): vitals.untold},
    )
    yield _gauge(
        "mgic_worker_heartbeat_seconds", "Since a worker was last heard of", vitals.heartbeats, "worker", "queue"
    )


def _of_process(process: psutil.Process) -> Iterator[Family]:
    """By the names that all programs have for it."""
    with process.oneshot():
        spent, memory, files = process.cpu_times(), process.memory_info().rss, process.num_fds()
    cpu: dict[tuple[str, ...], float] = {(): spent.user + spent.system}
    yield Family("process_cpu_seconds_total", "counter", "CPU time of the API's process, seconds", (), cpu)
    yield _gauge("process_resident_memory_bytes", "Memory of the API's process", {(): memory})
    yield _gauge("process_open_fds", "Descriptors that the API's process has open", {(): files})


def _gauge(name: str, words: str, samples: dict[tuple[str, ...], float], *labels: str) -> Family:
    return Family(name, "gauge", words, labels, samples)
