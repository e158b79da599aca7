"""Trainings, and what is made from each, as one submission: from request to page, with a worker killed in between."""

import json
import os
import signal
from pathlib import Path
from uuid import uuid4

import pytest
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from dashboard.pages import RUN
from mgic.cli import app
from mgic.client import ApiError
from mgic.records import Reason, RunStatus, SweepRequest, ThenRequest
from tests.conftest import gone, wait_for

pytestmark = pytest.mark.fault

DASHBOARD = str(Path(__file__).parents[1] / "dashboard" / "app.py")
TRAIN = {"model": ["resnet20"], "width": [2], "epochs": [1], "max_steps": [12], "batch_size": [32], "device": ["cpu"]}
LONG = TRAIN | {"epochs": [1000], "max_steps": [200]}


@pytest.fixture(scope="module")
def trained(broken):
    """A sweep of two trainings that have succeeded, and its runs."""
    sweep = broken.client.submit(SweepRequest(experiment="classification", axes=TRAIN | {"seed": [0, 1]}))
    assert broken.client.wait(sweep.id, timeout=120).counts == {"succeeded": 2}
    return sweep, broken.client.sweep_runs(sweep.id)


def weigh(**axes) -> SweepRequest:
    return SweepRequest(experiment="weigh", axes=axes)


def test_a_sweep_names_runs_or_another_sweep_and_each_is_a_cell(broken, trained):
    sweep, runs = trained
    request = weigh(trained=[f"sweep:{sweep.id}"], times=[1, 2])
    preview = broken.client.preview(request)
    assert [point.config["trained"] for point in preview.points] == [str(run.id) for run in runs for _ in (1, 2)]
    weighed = broken.client.submit(request)
    assert weighed.grids == ({"trained": [f"sweep:{sweep.id}"], "times": [1, 2]},)
    assert broken.client.wait(weighed.id, timeout=120).counts == {"succeeded": 4}
    light, heavy = broken.client.sweep_runs(weighed.id)[:2]
    assert (light.made_from, heavy.made_from) == ({"trained": runs[0].id}, {"trained": runs[0].id})
    (size,) = [file.size for file in broken.client.artifacts(runs[0].id) if file.name == "model.safetensors"]
    assert (light.result, heavy.result) == ({"weight": size}, {"weight": 2 * size})
    assert {run.id for run in broken.client.runs(made_from=str(runs[0].id)).items} == {light.id, heavy.id}


def test_what_is_no_input_is_named_with_its_place(broken, trained):
    sweep, (run, _) = trained
    waiting = broken.client.submit(SweepRequest(experiment="cost", axes={"model": ["resnet20"]}))
    (other,) = broken.client.sweep_runs(waiting.id)
    then = ThenRequest(experiment="weigh", axes={"times": [0]}, input="trained")
    train = SweepRequest(experiment="classification", axes=TRAIN)
    for request, pointer, code in (
        (weigh(trained=[str(uuid4())]), "#/axes/trained", "unknown_run"),
        (weigh(trained=[str(run.id), "no id"]), "#/axes/trained/1", "unknown_run"),
        (weigh(trained=[f"sweep:{uuid4()}"]), "#/axes/trained", "unknown_run"),
        (weigh(trained=[str(other.id)]), "#/axes/trained", "wrong_experiment"),
        (SweepRequest(experiment="weigh", grids=[{"trained": [7]}]), "#/grids/0/trained", "unknown_run"),
        (train.model_copy(update={"then": then}), "#/then/axes/times", "greater_than_equal"),
        (train.model_copy(update={"then": ThenRequest(experiment="weigh")}), "#/then/input", "missing"),
        (train.model_copy(update={"then": ThenRequest(experiment="cost")}), "#/then/experiment", "no_input"),
        (
            SweepRequest(experiment="cost", then=ThenRequest(experiment="evaluate")),
            "#/then/experiment",
            "wrong_experiment",
        ),
        (train.model_copy(update={"then": ThenRequest(experiment="wegh")}), "#/then/experiment", "unknown_name"),
    ):
        for ask in (broken.client.preview, broken.client.submit):
            with pytest.raises(ApiError) as refused:
                ask(request)
            assert refused.value.status == 422
            assert [(fault["pointer"], fault["code"]) for fault in refused.value.errors] == [(pointer, code)]
    assert sweep.id


def test_trainings_and_what_is_made_of_each_survive_a_worker_killed_in_between(broken):
    then = ThenRequest(experiment="weigh", input="trained", axes={"times": [1, 2]}, name="their weights")
    request = SweepRequest(experiment="classification", axes=LONG | {"seed": [0, 1]}, then=then)
    previewed = broken.client.preview(request).then
    assert [point.config["trained"] for point in previewed.points] == ["#0", "#0", "#1", "#1"]
    sweep = broken.client.submit(request, idempotency_key="once")
    assert broken.client.submit(request, idempotency_key="once").then_sweep_id == sweep.then_sweep_id
    weighed = broken.client.sweep_runs(sweep.then_sweep_id)
    trainings = broken.client.sweep_runs(sweep.id)
    assert [run.made_from["trained"] for run in weighed] == [run.id for run in trainings for _ in (1, 2)]
    begun = lambda: [run for run in broken.client.sweep_runs(sweep.id) if run.progress > 0]  # noqa: E731
    wait_for(begun, 60, "a training")
    worker, children = broken.pids("-m worker", "-Q cpu")[0], broken.pids("mgic.runner")
    assert children
    os.kill(worker, signal.SIGKILL)
    for pid in (worker, *children):
        wait_for(lambda pid=pid: gone(pid), 10, "its end, or that of an orphan")
    for each in (sweep.id, sweep.then_sweep_id):
        ended = broken.client.wait(each, timeout=180)
        assert ended.counts == {RunStatus.SUCCEEDED: ended.total}
    assert max(run.attempt for run in broken.client.sweep_runs(sweep.id)) == 2
    for run in broken.client.sweep_runs(sweep.then_sweep_id):
        used = broken.client.run(run.made_from["trained"])
        assert used.finished_at <= run.started_at
        assert run.result["weight"] > 0
    made, using = opened(broken, run), opened(broken, used)
    assert "Made from" in [one.value for one in made.subheader]
    assert "Used by" in [one.value for one in using.subheader]
    assert "Weigh the weights of a run" in [link.proto.label for link in using.get("page_link")]


def opened(broken, run) -> AppTest:
    page = AppTest.from_file(DASHBOARD, default_timeout=60)
    page.session_state["client"] = broken.client
    page.run()
    page.query_params["run"] = str(run.id)
    page = page.switch_page(RUN).run()
    assert not page.exception
    return page


def test_the_command_submits_both_and_a_cancelled_training_takes_its_weighing_along(broken):
    fields = [f"{name}={axis[0]}" for name, axis in (LONG | {"seed": [7], "max_steps": [100_000]}).items()]
    words = ["submit", "classification", *fields, "--then", "weigh", "times=3", "--then-input", "trained", "--json"]
    done = CliRunner().invoke(app, [*words, "--api-url", broken.url], env={"MGIC_API_KEY": ""})
    assert done.exit_code == 0, done.stderr
    sweep = json.loads(done.stdout)
    (weighed,) = broken.client.sweep_runs(sweep["then_sweep_id"])
    (training,) = broken.client.sweep_runs(sweep["id"])
    assert weighed.config["times"] == 3
    assert [one.id for one in weighed.waits_for] == [training.id]
    status = CliRunner().invoke(app, ["status", sweep["then_sweep_id"], "--api-url", broken.url])
    assert f"waits for {training.id}" in status.stdout
    assert "It waits for" in opened(broken, weighed).info[0].value
    broken.client.cancel_sweep(sweep["id"])
    broken.client.wait(sweep["then_sweep_id"], timeout=120)
    failed = broken.client.run(weighed.id)
    assert (failed.status, failed.reason) == (RunStatus.FAILED, Reason.INPUT_FAILED)
    again = broken.client.retry_run(failed.id)
    (training,) = broken.client.sweep_runs(sweep["id"])
    assert (again.made_from["trained"], training.status.terminal) == (training.id, False)
    broken.client.cancel_sweep(sweep["id"])
