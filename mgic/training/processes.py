"""Several processes that train one network together: the run's own is the first, the others follow it."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import distributed as dist

from mgic import plugins
from mgic.errors import BadConfig, Diverged, MgicError, Problem
from mgic.process import die_with_parent
from mgic.training.shard import ALONE, Shard

DIVERGED = 3  # exit code of a follower whose loss was no number
LEAVE_S = 30.0  # how long followers may take to leave once the first has come to its end, or has lost one

Work = Callable[..., None]


class Lost(MgicError):
    """A follower ended before the training did."""


class FollowerContext:
    """What a follower sees of the world: the same data and checkpoints, and nobody to report to."""

    def __init__(self, device: str, data_dir: Path, checkpoints: Path) -> None:
        self.device, self.data_dir, self.checkpoints = device, data_dir, checkpoints

    def input(self, field: str, name: str) -> Path:
        raise Lost(f"a follower is sent what the first process reads, and does not read {name} of {field}")

    def report(self, progress: float, phase: str = "") -> None:
        """The first process does."""

    def curve(self, name: str, step: int, value: float) -> None:
        """The first process does."""

    def log(self, line: str) -> None:
        """The first process does."""

    def saved(self, name: str) -> None:
        """A follower keeps no checkpoints."""

    def resumed(self, step: int) -> None:
        """The first process tells."""

    def checkpoint_wanted(self) -> bool:
        return False

    def stop_wanted(self) -> bool:
        return False

    def artifact(self, name: str) -> Path:
        raise Lost(f"a follower has no place for the artifact {name!r}")


@contextmanager
def processes(
    count: int, device: torch.device, work: Work, args: Sequence[Any]
) -> Iterator[tuple[Shard, torch.device]]:
    """This process as the first of `count`; the others run `work(*args, shard, device)` meanwhile.

    On CPUs they speak gloo and share the threads of this one; on GPUs nccl, a GPU each. They end with this
    process, however that ends.

    Args:
        count: 1 starts none.
        device: "cpu" or "cuda".
        work: A function of a module; so are `args` picklable.
        args: Its first arguments.

    Raises:
        BadConfig: Fewer GPUs than processes are visible here.
        Diverged: A follower's loss was no number.
        Lost: A follower ended before its time.
    """
    if count == 1:
        yield ALONE, device
        return
    if device.type == "cuda" and torch.cuda.device_count() < count:
        detail = f"processes={count}, but {torch.cuda.device_count()} GPUs are visible to this worker"
        raise BadConfig(detail, (Problem("processes", "too_many", detail),))
    threads = torch.get_num_threads()
    each = max(1, threads // count)
    with TemporaryDirectory(prefix="mgic-group-") as folder:
        meeting = Path(folder)
        about = os.getpid(), plugins.forward()
        spawn = multiprocessing.get_context("spawn")  # a fork would copy CUDA's state, and threads' locks
        followers = [
            spawn.Process(target=_follow, args=(about, rank, count, device.type, meeting, each, work, args))
            for rank in range(1, count)
        ]
        try:
            for follower in followers:
                follower.start()
            torch.set_num_threads(each)
            _await(followers, meeting)
            yield Shard(0, count), _join(0, count, device.type, meeting)
            _dismiss(followers, LEAVE_S)
        except RuntimeError as error:  # how torch reports a peer that is gone
            raise _loss(followers) or error from error
        finally:
            torch.set_num_threads(threads)
            _dismiss(followers, 0)
            if dist.is_initialized():
                dist.destroy_process_group()


def _await(followers: Sequence[BaseProcess], meeting: Path) -> None:
    """Until all followers are about to join: one that could not start would be waited for in vain.

    Raises:
        Lost: One has ended.
    """
    while not all((meeting / str(rank)).exists() for rank in range(1, len(followers) + 1)):
        if any(follower.exitcode is not None for follower in followers):
            raise _loss(followers) or Lost("a process of the training ended at its start")
        time.sleep(0.02)


def _follow(
    about: tuple[int, list[str]],
    rank: int,
    count: int,
    kind: str,
    meeting: Path,
    threads: int,
    work: Work,
    args: Sequence[Any],
) -> None:
    """The whole life of a follower; `about` is the id of the process that started it, and the plug-ins it has."""
    first, outside = about
    die_with_parent(parent=first)()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plugins.rerun(outside)
    torch.set_num_threads(threads)
    (meeting / str(rank)).touch()
    device = _join(rank, count, kind, meeting)
    try:
        work(*args, Shard(rank, count), device)
    except Diverged:
        sys.exit(DIVERGED)
    finally:
        dist.destroy_process_group()


def _join(rank: int, count: int, kind: str, meeting: Path) -> torch.device:
    device = torch.device("cuda", rank) if kind == "cuda" else torch.device("cpu")
    if kind == "cuda":
        torch.cuda.set_device(device)
    backend, address = ("nccl" if kind == "cuda" else "gloo"), f"file://{meeting}/group"
    dist.init_process_group(backend, init_method=address, rank=rank, world_size=count)
    return device


def _loss(followers: Sequence[BaseProcess]) -> MgicError | None:
    """What became of the followers; None if they all live."""
    deadline = time.monotonic() + LEAVE_S
    while all(f.exitcode is None for f in followers) and time.monotonic() < deadline:
        time.sleep(0.05)
    codes = {rank: f.exitcode for rank, f in enumerate(followers, 1) if f.exitcode is not None}
    if DIVERGED in codes.values():
        return Diverged("the training loss of another process is no number any more; a smaller learning rate may help")
    return Lost(f"process {min(codes)} of the training ended with code {codes[min(codes)]}") if codes else None


def _dismiss(followers: Sequence[BaseProcess], seconds: float) -> None:
    """Wait so long for them to leave, and then end them."""
    deadline = time.monotonic() + seconds
    for follower in followers:
        if follower.pid is not None:
            follower.join(max(0.0, deadline - time.monotonic()))
            if follower.is_alive():
                follower.kill()
                follower.join()
