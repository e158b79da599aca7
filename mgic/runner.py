"""The worker's child process: `python -P -m mgic.runner FD` reads jobs from its standard input and runs each in turn.

It imports all that runs may need, and then never computes anything itself: each job is run by a copy of it, a fork,
which begins at once and takes nothing over from the job before. Only a job that wants a process of its own, or comes
where a fork would be unsafe, is run by the child itself. It leaves when it has had nothing to do for a while.

What follows on its command line says which plug-ins to import first. What there is to tell of each job goes to its
parent on descriptor FD, in the messages of `mgic.protocol`. What experiments print goes to stdout and stderr as usual.
"""

import gc
import hashlib
import mimetypes
import multiprocessing
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

import numpy as np
import torch

from mgic import plugins
from mgic.errors import BadConfig, Cancelled
from mgic.execution import run
from mgic.experiment import WEIGHTS, input_file
from mgic.origin import ci_links, source
from mgic.process import die_with_parent
from mgic.protocol import (
    Begun,
    Checkpoint,
    Curve,
    Finished,
    Job,
    Left,
    Log,
    Message,
    Outdated,
    Progress,
    Resumed,
    encode,
)
from mgic.records import Artifact, RunStatus
from mgic.registry import load_own

_wanted = threading.Semaphore(0)  # counts what SIGUSR1 asked for
_stopped = threading.Event()  # SIGTERM came
_enough = threading.Event()  # SIGUSR2 came

REPORT_EVERY_S = 0.25
IDLE_S = 60.0
MAX_NAME = 200


class ChannelContext:
    """A run's window on the world inside the child: everything becomes a line to the parent.

    Args:
        channel: Where the lines go.
        device: "cpu" or "cuda".
        data_dir: Where data sets lie.
        folder: Where artifacts are written.
        checkpoints: A folder that the next attempt at the run is given too.
        inputs: By the names of fields, the folder of what the run that it names has left.
    """

    def __init__(
        self,
        channel: TextIO,
        device: str,
        data_dir: Path,
        folder: Path,
        checkpoints: Path,
        inputs: Mapping[str, Path] | None = None,
    ) -> None:
        self.device = device
        self.data_dir = data_dir
        self.checkpoints = checkpoints
        self._channel = channel
        self._folder = folder
        self._inputs = {WEIGHTS: data_dir / WEIGHTS, **(inputs or {})}
        self._names: list[str] = []
        self._last = float("-inf")
        self._phase = ""

    def report(self, progress: float, phase: str = "") -> None:
        if _stopped.is_set():  # and what `_stop` raised was caught by a library on its way
            raise Cancelled
        now = time.monotonic()
        if now - self._last < REPORT_EVERY_S and progress < 1 and phase == self._phase:
            return
        self._last, self._phase = now, phase
        self.tell(Progress(min(max(progress, 0.0), 1.0), phase))

    def curve(self, name: str, step: int, value: float) -> None:
        self.tell(Curve(name, step, value if isfinite(value) else None))

    def log(self, line: str) -> None:
        self.tell(Log(line))

    def artifact(self, name: str) -> Path:
        path = self._folder / name
        if len(name) > MAX_NAME or not name.isprintable():
            raise BadConfig(f"an artifact's name has at most {MAX_NAME} printable characters, unlike {name[:80]!r}")
        if path.resolve() == self._folder.resolve() or any(part in ("", ".", "..") for part in name.split("/")):
            raise BadConfig(f"an artifact's name is a plain relative path, unlike {name!r}")
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise BadConfig(f"artifact {name!r} would lie outside the run's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._names.append(name)
        return path

    def input(self, field: str, name: str) -> Path:
        return input_file(self._inputs, field, name)

    def saved(self, name: str) -> None:
        self.tell(Checkpoint(name))

    def resumed(self, step: int) -> None:
        self.tell(Resumed(step))

    def checkpoint_wanted(self) -> bool:
        return _wanted.acquire(blocking=False)

    def stop_wanted(self) -> bool:
        return _enough.is_set()

    def artifacts(self) -> list[Artifact]:
        """Those that were really written, with size and hash."""
        found = []
        for name in dict.fromkeys(self._names):
            path = self._folder / name
            if path.is_file():
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                found.append(Artifact(name=name, media_type=kind, size=path.stat().st_size, sha256=digest))
        return found

    def tell(self, message: Message) -> None:
        _tell(self._channel, message)


def _tell(channel: TextIO, message: Message) -> None:
    """At once."""
    channel.write(encode(message))
    channel.flush()


def _jobs() -> Iterator[Job]:
    """As they come, until standard input ends or there was none for a while."""
    while select.select([sys.stdin], [], [], IDLE_S)[0] and (line := sys.stdin.readline()):
        yield Job.decode(line)


def _serve(channel: TextIO, jobs: Iterable[Job]) -> None:
    """Until the jobs end, or one that this process has run itself does not succeed: the next deserves a fresh one.

    So does one for which the code of a plug-in has changed, unless this process was started for it.
    """
    loaded = computed = False
    for job in jobs:
        if not job.fresh and plugins.changed():
            _tell(channel, Outdated())
            return
        if not job.alone and not loaded:
            _preload()
            loaded = True
        if not job.alone and not computed and _can_fork():
            _run_in_a_fork(channel, job)
            continue
        computed = True
        if not _run(channel, job):
            return


def _preload() -> None:
    """All of the lab, and what a training imports besides: torch's optimizers do so at their first step."""
    gc.disable()  # nothing of this becomes garbage
    for name in ("torch._dynamo", "torchvision", "scipy.special"):
        import_module(name)
    load_own()
    source()  # of the code that is loaded by now, whatever becomes of its files
    gc.collect()
    gc.freeze()  # or the collector would write to every page that the forks share
    gc.enable()
    if not (pid := os.fork()):  # before a fork the linear algebra of numpy and scipy ends its threads, for good
        os._exit(0)
    os.waitpid(pid, 0)


def _can_fork() -> bool:
    """Whether this process has a single thread, and no GPU: others' threads, as a plug-in may start some, are not in a
    copy, and the locks that they hold there nobody will open."""
    return len(os.listdir("/proc/self/task")) == 1 and not torch.cuda.is_initialized()  # type: ignore[no-untyped-call]


def _run_in_a_fork(channel: TextIO, job: Job) -> None:
    """Wait for its end, and tell of it."""
    mortal = die_with_parent()
    sys.stdout.flush()  # or each copy would say again what was said when plug-ins were imported
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        mortal()
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # further jobs are for the other
        random.seed()  # or all runs that draw without a seed would draw the same
        np.random.seed()
        _run(channel, job)
        _leave()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with suppress(ProcessLookupError):  # while its number is still its own
        os.killpg(pid, signal.SIGKILL)  # whoever it has left behind
    _, status = os.waitpid(pid, 0)
    channel.write("\n")  # behind what it may have been cut off in the middle of
    _tell(channel, Left(os.waitstatus_to_exitcode(status)))


def _run(channel: TextIO, job: Job) -> bool:
    """Run it in this process; whether it succeeded."""
    _enough.clear()  # what was meant for the job before
    _tell(channel, Begun(os.getpid()))
    torch.set_num_threads(job.threads)
    inputs = {name: Path(folder) for name, folder in job.inputs.items()}
    places = Path(job.data_dir), Path(job.folder), Path(job.checkpoints), inputs
    context = ChannelContext(channel, job.device, *places)
    outcome = run(job.experiment, job.config, context, ci_links(os.environ))
    if _stopped.is_set() and outcome.status is RunStatus.FAILED:  # cut off, it may fail anyhow: by half an import, say
        outcome = outcome.model_copy(update={"status": RunStatus.CANCELLED, "failure": None})
    sys.stdout.flush()  # before the outcome: after it the parent listens for another run
    sys.stderr.flush()
    context.tell(Finished(outcome, context.artifacts()))
    return outcome.status is RunStatus.SUCCEEDED


def _stop(_signal: int, _frame: FrameType | None) -> None:
    _stopped.set()
    raise Cancelled


def _want(_signal: int, _frame: FrameType | None) -> None:
    _wanted.release()


def _end_early(_signal: int, _frame: FrameType | None) -> None:
    _enough.set()


def _leave() -> NoReturn:
    """End at once: to take torch and all modules down in order costs more than a second, and saves nothing.

    All was told and flushed, and what a run had put into temporary places went when it ended.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in multiprocessing.active_children():  # daemons, which the interpreter would have ended
        child.kill()
        child.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def main() -> NoReturn:
    """Serve jobs until standard input ends; SIGTERM cancels the job at hand, SIGUSR1 asks it for a checkpoint,
    SIGUSR2 has its training end early."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGUSR1, _want)
    signal.signal(signal.SIGUSR2, _end_early)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # between two jobs a cancel loses nothing
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as channel, suppress(Cancelled):
        plugins.load_tried(plugins.told(sys.argv[2:]))
        _serve(channel, _jobs())
    _leave()


if __name__ == "__main__":
    main()
