"""Every experiment can be cancelled in the middle of its work: it says so, and leaves nothing running or lying about.

The worker sends TERM, and KILL a moment later (`MGIC_GRACE_S`); here nobody sends KILL, so that what would need it
is found. Each run is a fresh fork of one process that has torch and all experiments loaded.
"""

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import safetensors.torch
import torch._dynamo  # noqa: F401 - it makes a folder of its own, once, in the temporary place of who imports it

from mgic import execution, runner
from mgic.errors import Cancelled
from mgic.experiment import EXPERIMENTS
from mgic.models import create
from mgic.process import die_with_parent
from mgic.protocol import Job
from mgic.records import Config, Failure, Outcome, Reason, RunStatus
from tests.cases import thorough
from tests.conftest import gone, wait_for
from tests.silent import SilentContext
from worker.channel import Channel

ENDS_S = 5.0  # as promised
PHASE_S = 60.0

LASTING = {"epochs": 1000}
# What an experiment is given so that it is at work when it is cancelled; the others are with their defaults.
CONFIGS: dict[str, Config] = {
    "channel_scaling": {"channels": 512, "measure_latency": True, "repeats": 1000},
    "cost": {"model": "ghostnet_130"},
    "evaluate": {"model": "resnet110", "weights": "drawn"},
    "export": {"model": "resnet110"},
}
# Those that no config makes last long enough to be cancelled.
AT_ONCE: frozenset[str] = frozenset()
# (experiment, config, phase): each kind of work that lasts. "" is what comes before the first phase.
PHASES: list[tuple[str, Config, str]] = [
    ("classification", {"model": "mgic_resnet56", **LASTING}, "training"),
    ("classification", {"model": "resnet110", "batch_size": 2, "max_steps": 1}, "evaluating"),  # 180 batches
    ("classification", {"model": "mgic_resnet20", "processes": 2, **LASTING}, "training"),
    ("latency", {"models": ["mgic_resnet20"], "seconds": 600.0}, "measuring"),
    ("latency", {"models": ["resnet50"], "engine": "onnxruntime"}, "preparing"),
    ("prune", {"model": "resnet110", "method": "bn_sparsity"}, "preparing"),
    ("prune", {"model": "resnet20", "method": "taylor_bn", "max_steps": 1, "iterations": 20}, "pruning"),
    ("reconstruction", {"group_size": 32}, "training"),
    ("reconstruction", {"images": "digits", "samples": 512, "iterations": 1}, "preparing"),
    ("reconstruction", {"images": "digits", "samples": 128, "iterations": 1}, "evaluating"),
]
# Trained, evaluated or measured by the loop that another above has, which stands for them; and two processes before it.
SAME_LOOP: list[tuple[str, Config, str]] = [
    ("classification", {"model": "mgic_resnet20", "processes": 2, **LASTING}, "preparing"),
    ("function_fit", {"model": "implicit_mlp"}, "training"),
    ("function_fit", {"model": "implicit_mlp", "max_steps": 1, "test_side": 1000}, "evaluating"),
    ("latency", {"models": ["mgic_resnet20"], "engine": "compile"}, "measuring"),
    ("point_cloud", {"dataset": "solids"}, "training"),
    ("point_cloud", {"dataset": "solids", "max_steps": 1}, "evaluating"),
    ("prune", {"model": "resnet20", **LASTING}, "training"),
]


ATTEMPTS = 3


class Run:
    """A run in a process group of its own, as a worker starts one."""

    def __init__(self, name: str, config: Config, folder: Path) -> None:
        self.places = {key: folder / key for key in ("data_dir", "folder", "checkpoints", "temporary")}
        for place in self.places.values():
            place.mkdir()
        if "weights" in config:
            (weights := self.places["data_dir"] / "weights").mkdir()
            drawn = create(str(config["model"]), in_channels=1).state_dict()
            safetensors.torch.save_file(drawn, weights / f"{config['weights']}.safetensors")
        starter = multiprocessing.get_context("forkserver")
        starter.set_forkserver_preload([__name__])
        theirs, jobs = starter.Pipe(duplex=False)
        told, writing = starter.Pipe(duplex=False)
        self.process = starter.Process(target=serve, args=(theirs, writing, str(self.places["temporary"])))
        self.process.start()
        theirs.close()
        writing.close()
        self.jobs, self._reading, self.channel = jobs, told, Channel(told.fileno())
        places = {key: str(self.places[key]) for key in ("data_dir", "folder", "checkpoints")}
        job = Job(experiment=name, config=config, device="cpu", threads=1, alone=True, **places)
        os.write(jobs.fileno(), job.encode().encode())

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def hear(self, condition: Callable[[], bool]) -> bool:
        """Whether what it has told so far is enough, or all there will be."""
        self.channel.read()
        return condition() or self.channel.closed

    def others(self) -> list[int]:
        """Processes of its session besides itself."""
        return [pid for pid in members(self.pid) if pid != self.pid]


def members(session: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state != "Z":
                found.append(int(entry.name))
    return found


def serve(jobs: Connection, told: Connection, temporary: str) -> None:
    """What `python -m mgic.runner` does, in a process that need not load torch first."""
    die_with_parent(parent=os.getppid())()
    os.setsid()
    tempfile.tempdir = temporary
    sys.stdin = os.fdopen(jobs.fileno(), closefd=False)
    sys.argv = ["mgic.runner", str(told.fileno())]
    runner.main()


@contextmanager
def started(name: str, config: Config, folder: Path) -> Iterator[Run]:
    run = Run(name, config, folder)
    try:
        yield run
    finally:
        for pid in members(run.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.process.join()
        run.process.close()
        run.jobs.close()


def cancel(name: str, config: Config, phase: str, folder: Path) -> None:
    """Cancel it in that phase, and see that it ends in good order; on a busy machine it may have ended before."""
    for number in range(ATTEMPTS):
        (folder / str(number)).mkdir()
        with started(name, config, folder / str(number)) as run:
            if _cancelled(run, phase, 0.2 * 2**number):
                return
    if name not in AT_ONCE:
        pytest.fail(f"it ended before it could be cancelled, {ATTEMPTS} times: a config that lasts goes into CONFIGS")


def _cancelled(run: Run, phase: str, later_s: float) -> bool:
    """False if it was through before the signal came, or not at its work yet: then there is nothing to cancel."""
    told = run.channel.told
    there = lambda: told.phase == phase if phase else run.channel.pid is not None  # noqa: E731
    wait_for(lambda: run.hear(lambda: there() or told.outcome is not None), PHASE_S, phase or "its start")
    time.sleep(later_s)  # into the middle of it
    try:
        os.killpg(run.pid, signal.SIGTERM)
    except ProcessLookupError:
        run.hear(lambda: True)
        assert told.outcome is not None, "it ended without a word"
        assert told.outcome.status is RunStatus.SUCCEEDED, told.outcome
        return False
    wait_for(lambda: run.hear(lambda: told.outcome is not None), ENDS_S, "the outcome")
    if told.outcome is None and not (told.phase or told.points or told.lines):
        run.process.join()
        assert run.process.exitcode == 0
        return False
    assert told.outcome is not None, "it ended without a word"
    if told.outcome.status is RunStatus.SUCCEEDED:
        return False
    assert told.outcome.status is RunStatus.CANCELLED, told.outcome.failure and told.outcome.failure.traceback
    wait_for(lambda: gone(run.pid), ENDS_S, "the end of the process")
    run.process.join()
    assert run.process.exitcode == 0
    assert run.others() == []
    assert list(run.places["temporary"].iterdir()) == []
    assert [path for path in run.places["folder"].rglob("*") if path.name.startswith("work-")] == []
    return True


IN_A_PHASE = {name for name, _, _ in PHASES}  # those are cancelled below


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in EXPERIMENTS if name not in IN_A_PHASE),
        *thorough(*(name for name in EXPERIMENTS if name in IN_A_PHASE)),
    ],
)
def test_an_experiment_can_be_cancelled(name, tmp_path):
    cancel(name, CONFIGS.get(name, {}), "", tmp_path)


@pytest.mark.parametrize(("name", "config", "phase"), [*PHASES, *thorough(*SAME_LOOP)])
def test_it_can_be_cancelled_whatever_it_does(name, config, phase, tmp_path):
    cancel(name, config, phase, tmp_path)


def test_a_cancel_that_a_library_turns_into_another_error_is_one_all_the_same(monkeypatch, tmp_path):
    def run(config, context):
        try:
            context.report(0.5)
        except Cancelled as error:
            raise RuntimeError("the exporter failed") from error

    monkeypatch.setattr(execution, "EXPERIMENTS", {"cost": replace(EXPERIMENTS["cost"], run=run)})
    outcome = execution.run("cost", {}, SilentContext(tmp_path, cancel_at=0.5))
    assert (outcome.status, outcome.failure) == (RunStatus.CANCELLED, None)


def test_a_cancel_that_comes_before_it_is_known_whose_code_it_is_has_an_outcome_too(monkeypatch, tmp_path):
    def asked(*words):
        raise Cancelled

    monkeypatch.setattr(execution, "subject", asked)
    outcome = execution.run("channel_scaling", {}, SilentContext(tmp_path))
    assert outcome.status is RunStatus.CANCELLED
    assert outcome.environment["subject"]["commit"] is None


def test_what_fails_after_it_was_told_to_stop_is_cancelled(monkeypatch, tmp_path):
    """As a module does whose import was cut off, and which is asked for its second half."""
    failed = Outcome(
        status=RunStatus.FAILED,
        config={},
        result=None,
        failure=Failure(reason=Reason.INTERNAL, message="half a module", traceback=""),
        environment={},
        seconds=0.1,
    )
    places = dict.fromkeys(("data_dir", "folder", "checkpoints"), str(tmp_path))
    job = Job(experiment="cost", config={}, device="cpu", threads=1, alone=True, **places)
    monkeypatch.setattr(runner, "run", lambda *_: failed)
    for stopped, status in ((False, RunStatus.FAILED), (True, RunStatus.CANCELLED)):
        monkeypatch.setattr(runner, "_stopped", threading.Event())
        if stopped:
            runner._stopped.set()
        told = io.StringIO()
        assert not runner._run(told, job)
        assert f'"status": "{status}"' in told.getvalue().splitlines()[-1]
