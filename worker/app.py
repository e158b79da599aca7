"""The Celery application of the workers, with its one task: serve the queue until nothing is eligible.

`python -P -m worker -Q cpu -c 2`, with MGIC_QUEUE=cpu and MGIC_SLOTS=2.
"""

import ctypes
import logging
import os
from functools import cache
from multiprocessing.sharedctypes import RawValue
from pathlib import Path
from typing import Any

from billiard import current_process
from celery.signals import setup_logging, worker_process_init, worker_shutting_down
from kombu.entity import Queue

from backend import logs
from backend.artifacts import Artifacts
from backend.queue import RUN_TASK, Bell, celery_app
from backend.settings import read_settings
from backend.store import DATABASE_ERRORS, Claim, Lease, Store
from mgic.plugins import asked, words_for
from mgic.process import die_with_parent
from worker.beacon import Beacon, at_work, slot_of
from worker.child import Child
from worker.supervise import supervise

log = logging.getLogger(__name__)

settings = read_settings()
celery = celery_app(settings.broker_url)
celery.conf.update(
    task_queues=[Queue(settings.queue)],  # type: ignore[no-untyped-call]
    task_default_queue=settings.queue,
)
celery.steps["worker"].add(Beacon)

me = slot_of(settings)  # before the fork: a slot has the name of its worker
outside = words_for(asked(settings.modules))
going_down = RawValue(ctypes.c_bool, False)  # shared with the slots, set by the worker that forked them


@setup_logging.connect  # type: ignore[untyped-decorator]
def _configure_logs(loglevel: int, **_: Any) -> None:
    """Instead of Celery's; of what runs do it is told whatever the level of all else."""
    logs.configure(settings.log_format, loglevel)
    logging.getLogger("worker").setLevel(min(loglevel, logging.INFO))


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _shut_down(**_: Any) -> None:
    """The slots give their attempts back, and then there is nothing left to wait for."""
    going_down.value = True


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _slot_process(**_: Any) -> None:
    """A slot dies with its worker."""
    die_with_parent(parent=os.getppid())()


def stopping() -> bool:
    """Whether this worker was told to stop."""
    return bool(going_down.value)


@cache
def store() -> Store:
    """One a process, opened after the fork."""
    return Store.open(settings.database, Lease(settings.lease_s, settings.max_attempts))


@cache
def artifacts() -> Artifacts:
    return Artifacts(settings.artifacts)


@cache
def bell() -> Bell:
    return Bell(settings.broker_url)


@cache
def child() -> Child:
    """One a slot, for one run after another; of the timing queue one for each run, which is then nobody's copy."""
    alone = me.queue == "timing"
    return Child(settings.data_dir, settings.scratch, settings.run_threads, _visible(), outside=outside, alone=alone)


@celery.task(name=RUN_TASK)  # type: ignore[untyped-decorator]
def work() -> None:
    """Claim and execute until nothing is eligible. Safe to deliver twice: the second finds nothing to claim."""
    with at_work():
        _work()


def _work() -> None:
    alone = me.queue == "timing"  # its host is free for others between two runs
    claim = _claimed()
    while claim is not None:
        with logs.of_run(claim.run_id):
            then = None if alone else me
            done = supervise(claim, child(), store(), artifacts(), settings, stopping, then)
        if alone or not done.usable:
            child().end(settings.grace_s)
            child().dismiss()
            child.cache_clear()
        if done.ending is not None and done.ending.rings:
            bell().ring(done.ending.rings)
        claim = (done.ending and done.ending.next) or _claimed()


def _claimed() -> Claim | None:
    if stopping():
        return None
    try:
        return store().claim(me)
    except DATABASE_ERRORS as error:  # the reaper rings again when it is back
        log.warning("nothing can be claimed, the database does not answer: %s", error)
        return None


def _visible() -> str | None:
    """CUDA_VISIBLE_DEVICES of this slot's child: nothing for the CPU; its own GPU where slots have one each."""
    if settings.worker_device != "cuda":
        return ""
    if settings.slots == 1:
        return None
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = given.split(",") if given else [str(n) for n in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]
    return devices[getattr(current_process(), "index", 0) % len(devices)] if devices else None
