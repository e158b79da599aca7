"""Searches with real trainings: one that is behind ends early, and whatever is killed, each trial is asked for once."""

import os
import signal

import pytest

from mgic.client import ApiError, Unreachable
from mgic.records import RunStatus, SweepRequest
from tests.conftest import wait_for

SMALL = {"model": ["mgic_resnet20"], "dataset": ["digits"], "width": [8], "batch_size": [64], "group_size": [4]}


def request(axes, **search):
    given = {"sampler": "qmc", "metric": "test_loss", **search}
    return SweepRequest.model_validate({"experiment": "classification", "axes": SMALL | axes, "search": given})


def test_a_training_that_is_behind_ends_early_and_counts_as_none(service):
    """A rate that learns, and then one that does not."""
    client, rule = service.client, {"rule": "median", "startup": 1, "first": 2}
    rates = {"learning_rate": [0.1, 1e-7], "epochs": [20], "max_steps": [92]}
    asked = (request(rates, trials=2, at_once=1, stop=rule, seed=seed) for seed in range(20))
    chosen = next(one for one in asked if client.preview(one).points[0].requested["learning_rate"] == 0.1)
    sweep_id = client.submit(chosen).id
    sweep = wait_for(lambda: (now := client.sweep(sweep_id)).finished and now, 120, "the end of the search")
    whole, early = client.sweep_runs(sweep_id)
    assert (whole.result["steps"], whole.result["stopped_early"], whole.whole) == (92, False, True)
    assert (early.status, early.result["stopped_early"], early.whole) == (RunStatus.SUCCEEDED, True, False)
    assert 2 * 23 <= early.result["steps"] < 92  # of 23 steps an epoch
    points = [point for point in client.curves(early.id).items if point.name == "test/loss"]
    assert (points[-1].step, points[-1].value) == (early.result["steps"], pytest.approx(early.result["test_loss"]))
    assert (sweep.search.state, sweep.search.stopped) == ("done", 1)
    assert [best.run_id for best in sweep.search.best] == [whole.id]
    shown = [client.results("classification", sweep_id=str(sweep_id), stopped=stopped) for stopped in ("false", "true")]
    assert [[row["run_id"] for row in rows] for rows in shown] == [[str(whole.id)], [str(whole.id), str(early.id)]]


@pytest.mark.fault
@pytest.mark.thorough
def test_a_search_goes_on_though_the_api_and_the_worker_are_killed(broken):
    rates = {"learning_rate": {"min": 0.001, "max": 1.0, "log": True}}
    sweep_id = broken.client.submit(request({"max_steps": [20]}, sampler="tpe", trials=8, at_once=2, space=rates)).id
    for number, parts in ((3, "a"), (5, "w"), (6, "aw")):
        wait_for(lambda number=number: asked(broken, sweep_id) >= number, 60, f"trial {number}")
        if "a" in parts:
            os.kill(broken.pids("-m backend")[0], signal.SIGKILL)
        if "w" in parts:
            os.kill(broken.pids("-m worker", "-Q cpu")[0], signal.SIGKILL)
    wait_for(lambda: asked(broken, sweep_id) == 8, 90, "the last trial")
    wait_for(lambda: broken.client.sweep(sweep_id).finished, 120, "the end of the search")
    runs = broken.client.sweep_runs(sweep_id)
    assert [run.number for run in runs] == list(range(8))
    assert len({run.config["learning_rate"] for run in runs}) == 8
    assert {run.status for run in runs} == {RunStatus.SUCCEEDED}


def asked(lab, sweep_id):
    """0 while the API is away."""
    try:
        return lab.client.sweep(sweep_id).search.asked
    except (ApiError, Unreachable):
        return 0
