"""Runs that end badly by themselves: each says why, at once or on its last attempt, and the next one runs."""

import pytest

from mgic.records import Reason, RunStatus, SweepRequest
from tests.conftest import MAX_ATTEMPTS

pytestmark = [pytest.mark.fault, pytest.mark.thorough]


def ended(lab, experiment, **axes):
    sweep = lab.client.submit(SweepRequest(experiment=experiment, axes=axes))
    lab.client.wait(sweep.id, timeout=180)
    return lab.client.sweep_runs(sweep.id)


def test_what_runs_out_of_memory_says_so_and_is_not_tried_again(lab):
    of_gpu, of_host = ended(lab, "suffer", fault=["gpu memory", "memory"])
    for run in (of_gpu, of_host):
        assert (run.status, run.reason, run.attempt) == (RunStatus.FAILED, Reason.OOM, 1)
    assert "Tried to allocate" in of_gpu.failure.message


def test_a_run_that_always_crashes_fails_on_its_last_attempt_and_others_go_on(lab):
    crashed, fine = ended(lab, "suffer", fault=["segfault", "file"])
    assert (crashed.status, crashed.reason, crashed.attempt) == (RunStatus.FAILED, Reason.KILLED, MAX_ATTEMPTS)
    assert "SIGSEGV" in crashed.failure.message
    assert (fine.status, fine.result) == (RunStatus.SUCCEEDED, {"waited": 1})


def test_a_loss_that_is_no_number_ends_the_run_and_is_shown_as_none(lab):
    (run,) = ended(lab, "classification", model=["resnet20"], learning_rate=[1000.0], epochs=[3], max_steps=[60])
    assert (run.status, run.reason, run.result, run.attempt) == (RunStatus.FAILED, Reason.DIVERGED, None, 1)
    points = lab.client.curves(run.id).items
    assert all(point.value is None or abs(point.value) < float("inf") for point in points)
    assert lab.client.results("classification", sweep_id=str(run.sweep_id)) == []
