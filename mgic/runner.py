"""Run one config of one experiment; the worker's child process and the command line both come here.

`python -m mgic.runner FD` is that child: it reads jobs, one JSON object a line, from its
standard input, runs one after another, and tells its parent of each what there is to tell
as JSON lines on descriptor FD. What experiments print goes to stdout and stderr as usual.
"""

import errno
import hashlib
import json
import mimetypes
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

import torch
from pydantic import ValidationError

from mgic import __version__
from mgic.errors import BadConfig, Cancelled, DataMissing, Diverged, MgicError, UnknownName
from mgic.experiment import EXPERIMENTS, Context
from mgic.records import Artifact, Config, Failure, Outcome, Reason, RunStatus, check_keys

_wanted = threading.Semaphore(0)  # counts what SIGUSR1 asked for
_stopped = threading.Event()  # SIGTERM came

REPORT_EVERY_S = 0.25
MAX_NAME = 200


def run(name: str, config: Config, context: Context) -> Outcome:
    """Run it to its end, whatever that is: an error becomes a `Failure`, not an exception.

    The device is the context's; a config that says `auto` is resolved to it.
    """
    start = time.time()
    clock = time.perf_counter()
    result: dict[str, Any] | None = None
    failure: Failure | None = None
    resolved = dict(config)
    info: dict[str, Any] = {}
    try:
        experiment = EXPERIMENTS[name]
        if resolved.get("device") == "auto":
            resolved["device"] = context.device
        parsed = experiment.config.model_validate(resolved)
        resolved = parsed.model_dump(mode="json")
        info = {"experiment": name, "experiment_version": experiment.info.version}
        found = experiment.run(parsed, context).model_dump(mode="json")
        check_keys(experiment.info.tables.values(), found)
        result = _finite(found)
        status = RunStatus.SUCCEEDED
    except Exception as error:  # noqa: BLE001 - the boundary: a failed point must not stop its sweep
        if _is_cancel(error):
            status = RunStatus.CANCELLED
        else:
            status = RunStatus.FAILED
            trace = "" if isinstance(error, MgicError) else traceback.format_exc()
            failure = Failure(reason=reason_of(error), message=_message(error), traceback=trace)
    return Outcome(
        status=status,
        config=resolved,
        result=result,
        failure=failure,
        environment=info | environment(context.device) | {"started": start, "ended": time.time()},
        seconds=time.perf_counter() - clock,
    )


def _is_cancel(error: BaseException | None) -> bool:
    """Whether it is `Cancelled`, or what a library made of that on its way up."""
    while error is not None and not isinstance(error, Cancelled):
        error = error.__cause__ or error.__context__
    return error is not None


def _finite(value: Any) -> Any:
    """The same with None for what is no finite number: JSON and SQL have no NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def reason_of(error: BaseException) -> Reason:
    """The one word for why a run failed."""
    if isinstance(error, Diverged):
        return Reason.DIVERGED
    if isinstance(error, BadConfig | UnknownName | DataMissing | ValidationError):
        return Reason.INVALID
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return Reason.OOM
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Reason.DISK_FULL
    return Reason.INTERNAL


def _message(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
    return str(error) or type(error).__name__


def environment(device: str) -> dict[str, Any]:
    """What a reader needs to know to compare this run with another, or to repeat it."""
    cuda = device.startswith("cuda")
    return {
        "mgic": __version__,
        **_source(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),
        "numpy": version("numpy"),
        "platform": platform.platform(),
        "device": _gpu() if cuda else _processor(),
        "cuda": torch.version.cuda if cuda else None,
        "threads": torch.get_num_threads(),
    }


def _gpu() -> str:
    """Asked after a run too, which may have failed because the GPU did."""
    try:
        return torch.cuda.get_device_name()
    except (RuntimeError, AssertionError) as error:
        return f"unknown: {error}".splitlines()[0][:200]


@cache
def _source() -> dict[str, Any]:
    """The commit this code is at, and whether it was changed since; unknown outside a checkout."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changes = subprocess.run([*git, "status", "--porcelain"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return {"commit": "unknown", "dirty": None}
    return {"commit": commit.stdout.strip(), "dirty": bool(changes.stdout)}


@cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


class ChannelContext:
    """A run's window on the world inside the child: everything becomes a line to the parent.

    Args:
        channel: Where the lines go.
        device: "cpu" or "cuda".
        data_dir: Where data sets lie.
        folder: Where artifacts are written.
        checkpoints: A folder that the next attempt at the run is given too.
    """

    def __init__(self, channel: TextIO, device: str, data_dir: Path, folder: Path, checkpoints: Path) -> None:
        self.device = device
        self.data_dir = data_dir
        self.checkpoints = checkpoints
        self._channel = channel
        self._folder = folder
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
        self.tell("progress", progress=min(max(progress, 0.0), 1.0), phase=phase)

    def curve(self, name: str, step: int, value: float) -> None:
        self.tell("curve", name=name, step=step, value=value if isfinite(value) else None)

    def log(self, line: str) -> None:
        self.tell("log", line=line)

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

    def saved(self, name: str) -> None:
        self.tell("checkpoint", name=name)

    def resumed(self, step: int) -> None:
        self.tell("resumed", step=step)

    def checkpoint_wanted(self) -> bool:
        return _wanted.acquire(blocking=False)

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

    def tell(self, kind: str, **fields: Any) -> None:
        """One line; the parent reads it as `worker.channel` says."""
        self._channel.write(json.dumps({"kind": kind, **fields}) + "\n")
        self._channel.flush()


def _serve(channel: TextIO, jobs: Iterator[str]) -> None:
    """Until the jobs end, or one does not succeed: the next one deserves a fresh process."""
    for line in jobs:
        job = json.loads(line)
        torch.set_num_threads(job["threads"])
        folders = (Path(job[name]) for name in ("data_dir", "folder", "checkpoints"))
        context = ChannelContext(channel, job["device"], *folders)
        outcome = run(job["experiment"], job["config"], context)
        sys.stdout.flush()  # before the outcome: after it the parent listens for another run
        sys.stderr.flush()
        artifacts = [artifact.model_dump(mode="json") for artifact in context.artifacts()]
        context.tell("outcome", outcome=outcome.model_dump(mode="json"), artifacts=artifacts)
        if outcome.status is not RunStatus.SUCCEEDED:
            return


def _stop(_signal: int, _frame: FrameType | None) -> None:
    _stopped.set()
    raise Cancelled


def _want(_signal: int, _frame: FrameType | None) -> None:
    _wanted.release()


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
    """Serve jobs until standard input ends; SIGTERM cancels the job at hand, SIGUSR1 asks it for a checkpoint."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGUSR1, _want)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # between two jobs a cancel loses nothing
    with os.fdopen(int(sys.argv[1]), "w", encoding="utf-8") as channel, suppress(Cancelled):
        _serve(channel, iter(sys.stdin.readline, ""))
    _leave()


if __name__ == "__main__":
    main()
