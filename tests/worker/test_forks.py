"""Runs as forks of one loaded process: each is on its own, and what becomes of one is nothing to the next."""

import os
import signal
import sys
import textwrap
from uuid import uuid4

import pytest

from backend.store import NewRun, NewSweep
from mgic.records import Reason, RunStatus
from tests.conftest import gone, wait_for
from tests.worker.conftest import ME, NEVER
from worker.child import Child
from worker.supervise import supervise

# What `python -m mgic.runner` does, with an experiment more.
RUNNER = """
import os, random, signal, subprocess, sys, threading, time
import numpy as np
import torch
from pydantic import BaseModel
from mgic import runner
from mgic.experiment import Context, ExperimentConfig, experiment

class Config(ExperimentConfig):
    do: str = ""

class Result(BaseModel):
    pid: int
    stray: int = 0
    drawn: float

@experiment(title="Odd", views=())
def odd(config: Config, context: Context) -> Result:
    stray = 0
    if config.do == "stray":
        stray = subprocess.Popen(["sleep", "600"]).pid
    elif config.do == "fail":
        raise ValueError("no")
    elif config.do == "die":
        print("a few words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif config.do == "half":
        channel = int(sys.argv[1])
        os.write(channel, b'{"kind": "cur')
        os._exit(7)
    elif config.do == "compute":
        torch.nn.functional.conv2d(torch.ones(8, 16, 32, 32), torch.ones(16, 16, 3, 3)).sum()
    elif config.do == "linger":
        runner._leave = lambda: time.sleep(600)
    while config.do == "chatter":
        print("chatter", flush=True)
    return Result(pid=os.getpid(), stray=stray, drawn=random.random() + np.random.random())

runner.import_module, runner.load_own = str, list  # nothing here needs what a training does
{more}
runner.main()
"""


@pytest.fixture
def start(store, artifacts, settings, tmp_path):
    """A child with these lines in it, and a function that has it execute a run; it is ended in the end."""
    children = []

    def start(more="", alone=False, threads=1):
        (tmp_path / "runner.py").write_text(RUNNER.replace("{more}", textwrap.dedent(more)))
        command = sys.executable, str(tmp_path / "runner.py")
        child = Child(tmp_path, settings.scratch, threads, None, command, alone=alone)
        children.append(child)

        def execute(do="", settings=settings):
            store.add_sweep(NewSweep("odd", 1, [{}], [NewRun({}, {"do": do}, uuid4().hex, "cpu", "cpu", None)]))
            claim = store.claim(ME)
            usable = supervise(claim, child, store, artifacts, settings, NEVER).usable
            run = store.run(claim.run_id)
            if not run.status.terminal:
                store.cancel_run(run.id)
            return run, usable

        return child, execute

    yield start
    for child in children:
        child.end(0)
        child.dismiss()


def test_one_process_serves_run_after_run_whatever_becomes_of_them(start):
    child, execute = start()
    seen, drawn = {child.process.pid}, set()
    for do in ("", "fail", "", "die", "stray", "half", ""):
        run, usable = execute(do)
        assert usable
        if do == "fail":
            assert run.reason is Reason.INTERNAL
        elif do in ("die", "half"):
            assert (run.status, run.attempt) == (RunStatus.QUEUED, 1)
        else:
            assert run.status is RunStatus.SUCCEEDED
            assert run.result["pid"] not in seen
            seen.add(run.result["pid"])
            drawn.add(run.result["drawn"])
        if do == "stray":
            wait_for(lambda stray=run.result["stray"]: gone(stray), 10, "the end of what it left running")
    assert child.process.poll() is None
    assert len(drawn) == 4


def test_with_several_threads_each_run_is_a_fork_of_what_has_computed_nothing(start, store):
    child, execute = start("print('said once')", threads=2)
    pids = {child.process.pid}
    for number in range(3):
        run, usable = execute("compute")
        assert (usable, run.status) == (True, RunStatus.SUCCEEDED)
        pids.add(run.result["pid"])
        assert [line.line for line in store.log(run.id)[0]] == ([] if number else ["said once"])
    assert len(pids) == 4


def test_a_run_is_over_when_its_process_is_and_nothing_of_it_is_taken_for_the_next(start, store, settings, monkeypatch):
    monkeypatch.setattr("worker.child.EXIT_S", 0.2)
    child, execute = start()
    pids = {child.process.pid}
    for do in ("linger", ""):
        run, usable = execute(do)
        assert (usable, run.status) == (True, RunStatus.SUCCEEDED)
        pids.add(run.result["pid"])
    assert len(pids) == 3
    run, usable = execute("chatter", settings.model_copy(update={"wall_limit_s": 0.5}))
    assert (usable, run.reason) == (True, Reason.TIMEOUT)
    assert store.log(execute()[0].id)[0] == []


def test_a_process_with_threads_of_others_is_not_forked_nor_is_one_that_measures_time(start):
    thread = "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    for more, alone in ((thread, False), ("", True)):
        child, execute = start(more, alone)
        run, usable = execute()
        assert (run.result["pid"], usable) == (child.process.pid, True)
        _, usable = execute("fail")
        assert not usable


@pytest.mark.thorough
def test_one_that_has_left_for_want_of_work_or_was_killed_is_replaced(start):
    child, execute = start("runner.IDLE_S = 0.1")
    pids = set()
    for number in range(3):
        run, _ = execute()
        assert run.status is RunStatus.SUCCEEDED
        pids.add(child.process.pid)
        if number:
            os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait(30)
    assert len(pids) == 3
