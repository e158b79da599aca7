"""Every endpoint of the running service, as a client meets it."""

import csv
import hashlib
import io
import json
import threading
import time
from uuid import uuid4

import httpx2 as httpx
import pytest

from mgic import __version__
from mgic.client import ApiError
from mgic.cores import usable_cores
from mgic.measure.cost import count_cost
from mgic.models import create
from mgic.records import MAX_SWEEP_RUNS, RunStatus, SweepRequest
from tests.backend.api_alone import PREFIX
from tests.conftest import Service, wait_for

TRAIN = {"model": ["resnet20"], "width": [2], "epochs": [1], "max_steps": [12], "batch_size": [32]}
FOREVER = TRAIN | {"epochs": [1000], "max_steps": [None], "model": ["mgic_resnet20"], "width": [16]}


@pytest.fixture(scope="module")
def http(service: Service):
    with httpx.Client(base_url=service.url + PREFIX, timeout=40) as client:
        yield client


@pytest.fixture(scope="module")
def trained(service: Service):
    """A tiny training that succeeded: its sweep and its run."""
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=TRAIN, name="tiny training"))
    done = service.client.wait(sweep.id, timeout=120, every=0.2)
    (run,) = service.client.sweep_runs(sweep.id)
    assert run.status is RunStatus.SUCCEEDED, run.failure
    return done, run


# What there is


def test_the_catalogue_lists_what_there_is(service, http):
    client = service.client
    names = [info.name for info in client.experiments()]
    assert {"cost", "classification", "channel_scaling"} <= set(names)
    assert client.experiment("cost").config_schema["properties"]["side"]["anyOf"][0]["maximum"] == 2**12
    assert {"resnet20", "mgic_resnet20"} <= {model.name for model in client.models()}
    (digits,) = [data for data in client.datasets() if data.name == "digits"]
    assert (digits.shape, digits.classes, digits.present) == ((1, 8, 8), 10, True)
    assert {"table13", "ablation_quick"} <= {recipe.name for recipe in client.recipes()}
    recipes = {recipe.name for info in client.experiments() for recipe in info.recipes}
    assert recipes == {recipe.name for recipe in client.recipes()}
    for path in ("/experiments", "/models", "/datasets", "/recipes"):
        assert set(http.get(path).json()) == {"items", "next_cursor"}


def test_the_cost_of_a_model_is_that_of_the_model_one_builds(service):
    told = service.client.model_cost("resnet56", input_size=(3, 32, 32))
    built = count_cost(create("resnet56", in_channels=3), (3, 32, 32))
    assert told.params == built.params == sum(p.numel() for p in create("resnet56", in_channels=3).parameters())
    assert (told.macs, told.uncounted) == (built.macs, ())
    assert told.options["in_channels"] == 3


def test_options_of_a_model_are_parameters_of_the_address(service):
    told = service.client.model_cost("mgic_resnet20", input_size=(1, 8, 8), group_size=4, coarsest_size=4)
    assert (told.options["group_size"], told.options["in_channels"]) == (4, 1)
    assert max(told.group_sizes) == 4
    assert sum(level.block_params for level in told.levels) < told.params


# Sweeps


def test_a_preview_of_48_cells_counts_them_all_and_queues_nothing(service):
    axes = {"model": ["mgic_resnet20"], "group_size": [4, 8, 16], "coarsest_size": [4, 8, 16, 32]}
    request = SweepRequest(experiment="classification", axes=axes | {"seed": [0, 1, 2, 3]})
    before = [sweep.id for sweep in service.client.sweeps(limit=1).items]
    wait_for(lambda: service.client.preview(request).pending == 0, 60, "the cost of every cell")
    preview = service.client.preview(request)
    assert (preview.total, len(preview.points), preview.problems) == (48, 48, 0)
    assert all(point.cost.params > 0 and point.work_macs > 0 and point.group_sizes for point in preview.points)
    assert [sweep.id for sweep in service.client.sweeps(limit=1).items] == before


def test_a_preview_shows_what_the_store_has_and_how_long_the_rest_takes(service, trained):
    _, run = trained
    preview = service.client.preview(SweepRequest(experiment="classification", axes=TRAIN | {"seed": [0, 1]}))
    assert [point.duplicate_of is not None for point in preview.points] == [True, False]
    assert preview.points[0].duplicate_of == run.id
    assert preview.duplicates == 1
    assert preview.seconds > 0


def test_a_submitted_sweep_has_an_address(service, http):
    answer = http.post("/sweeps", json={"experiment": "cost", "axes": {"side": [8, 16]}, "name": "two sides"})
    assert answer.status_code == 201
    sweep = service.client.wait(answer.json()["id"], timeout=60, every=0.2)
    assert answer.headers["location"] == f"{PREFIX}/sweeps/{sweep.id}"
    assert (sweep.name, sweep.total, sweep.counts) == ("two sides", 2, {RunStatus.SUCCEEDED: 2})
    assert (sweep.progress, sweep.finished) == (1.0, True)
    runs = service.client.sweep_runs(sweep.id)
    assert [(run.number, run.config["side"], run.requested["side"]) for run in runs] == [(0, 8, 8), (1, 16, 16)]
    assert runs[1].result["macs"] == 4 * runs[0].result["macs"] - 3 * 64 * 10  # the last layer does not grow


def test_a_key_makes_one_sweep_however_often_it_is_sent_even_at_once(service):
    request, key = SweepRequest(experiment="cost", axes={"side": [8]}), str(uuid4())
    made = []
    senders = [threading.Thread(target=lambda: made.append(service.client.submit(request, key).id)) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    with pytest.raises(ApiError) as refusal:
        service.client.submit(SweepRequest(experiment="cost", axes={"side": [16]}), key)
    assert (refusal.value.status, refusal.value.type) == (422, "/problems/idempotency-mismatch")


def test_reuse_takes_the_result_that_is_there(service, trained):
    _, run = trained
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=TRAIN, reuse=True))
    (again,) = service.client.sweep_runs(sweep.id)
    assert (again.status, again.reused_from, again.result) == (RunStatus.SUCCEEDED, run.id, run.result)


def test_pages_go_on_where_the_last_one_ended(service, http):
    sides = [8, 16, 24, 32, 40]
    sweep = service.client.submit(SweepRequest(experiment="cost", axes={"side": sides}))
    seen, cursor = [], {}
    for length in (2, 2, 1):
        page = http.get(f"/sweeps/{sweep.id}/runs", params={"limit": 2, **cursor}).json()
        assert len(page["items"]) == length
        seen += [run["config"]["side"] for run in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert seen == sides
    assert page["next_cursor"] is None

    newest = service.client.runs(limit=5, experiment="cost", sweep_id=str(sweep.id))
    assert [run.config["side"] for run in newest.items] == sides[::-1]
    first, second = service.client.sweeps(limit=1), service.client.sweeps(limit=2)
    assert first.items[0].id == sweep.id
    assert service.client.sweeps(limit=1, cursor=first.next_cursor).items[0] == second.items[1]


# Runs


def test_runs_are_found_by_what_they_are(service, trained):
    _, run = trained
    found = service.client.runs(experiment="classification", status="succeeded", model="resnet20", dataset="digits")
    assert run.id in {one.id for one in found.items}
    assert service.client.runs(model="resnet110").items == ()


def test_a_long_poll_returns_when_the_status_changes_and_at_the_latest_when_asked(service, http, trained):
    _, run = trained
    assert http.get(f"/runs/{run.id}", params={"wait": 30}).json()["status"] == "succeeded"
    sweep = service.client.submit(SweepRequest(experiment="cost", axes={"side": [64]}))
    (waiting,) = service.client.sweep_runs(sweep.id)
    run = {"status": waiting.status.value}
    while run["status"] not in ("succeeded", "failed"):
        before, start = run["status"], time.monotonic()
        run = http.get(f"/runs/{waiting.id}", params={"wait": 10}).json()
        assert run["status"] != before or time.monotonic() - start > 9
    assert run["status"] == "succeeded"


def test_events_are_streamed_and_go_on_after_the_last_one_seen(service, http, trained):
    _, run = trained
    path = f"/runs/{run.id}/events"
    everything = streamed(http, path)
    assert [event["data"]["to_status"] for event in everything] == ["queued", "running", "succeeded"]
    assert {event["event"] for event in everything} == {"transition"}
    rest = streamed(http, path, {"Last-Event-ID": everything[0]["id"]})
    assert rest == everything[1:]
    assert [event.to_status for event in service.client.events(run.id)] == ["queued", "running", "succeeded"]


def streamed(http: httpx.Client, path: str, headers: dict[str, str] | None = None) -> list[dict]:
    """Events until the server ends the stream."""
    with http.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(answer.iter_text()).replace("\r\n", "\n").strip().split("\n\n")
    events = []
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "data" in fields:
            events.append(fields | {"data": json.loads(fields["data"])})
    return events


def test_curves_go_on_after_the_cursor(service, trained):
    _, run = trained
    curves = service.client.curves(run.id)
    assert {"train/loss", "test/top1", "test/top5", "test/balanced_accuracy", "test/loss"} == {
        point.name for point in curves.items
    }
    assert [point.value for point in curves.items if point.name == "test/top1"] == [run.result["top1"]]
    rest = service.client.curves(run.id, after=curves.next_cursor)
    assert rest.items == ()
    assert rest.next_cursor is None  # the run has ended: no more will come


def test_an_artifact_comes_back_as_it_was_written(service, http, trained):
    _, run = trained
    (artifact,) = service.client.artifacts(run.id)
    content = service.client.artifact(run.id, artifact.name)
    assert artifact.name == "model.safetensors"
    assert (len(content), hashlib.sha256(content).hexdigest()) == (artifact.size, artifact.sha256)
    path = f"/runs/{run.id}/artifacts/{artifact.name}"
    part = http.get(path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, content[:10])
    for number, statuses in ((1000, (200, 206, 416)), (10_000, (431,))):
        many = "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2 * number, 2))
        answer = http.get(path, headers={"Range": many})
        assert answer.status_code in statuses
        assert len(answer.content) < 200 * number + artifact.size
    for name in ("model", "../model.safetensors", "..%2f..%2fmgic.db", "model.safetensors%00"):
        assert http.get(f"/runs/{run.id}/artifacts/{name}").status_code in (404, 422)


def test_results_are_flat_rows_of_config_and_result(service, http, trained):
    sweep, run = trained
    (row,) = service.client.results("classification", sweep_id=str(sweep.id))
    assert (row["run_id"], row["width"], row["top1"]) == (str(run.id), 2, run.result["top1"])
    answer = http.get("/results", params={"experiment": "classification", "format": "csv", "sweep_id": str(sweep.id)})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="classification.csv"' in answer.headers["content-disposition"]
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert list(line) == list(row)
    assert (line["model"], float(line["top1"])) == ("resnet20", row["top1"])
    assert service.client.results("classification", model="nope") == []
    assert len(service.client.results_csv("nope").split(b"\n")) <= 2


# Stopping, and trying again


def test_a_run_in_work_is_cancelled_and_tried_again(service):
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=FOREVER))
    (run,) = service.client.sweep_runs(sweep.id)
    wait_for(lambda: service.client.run(run.id).progress > 0, 60, "a run that trains")
    assert service.client.cancel_run(run.id).status in (RunStatus.CANCELLING, RunStatus.CANCELLED)
    ended = wait_for(lambda: ended_run(service, run.id), 20, "the end of a cancelled run")
    assert (ended.status, ended.result, ended.failure) == (RunStatus.CANCELLED, None, None)
    assert [event.to_status for event in service.client.events(run.id)] == [
        *("queued", "running", "cancelling", "cancelled")
    ]
    with pytest.raises(ApiError) as refusal:
        service.client.cancel_run(run.id)
    assert (refusal.value.status, refusal.value.type) == (409, "/problems/conflict")

    again = service.client.retry_run(run.id)
    assert (again.retry_of, again.config, again.number) == (run.id, run.config, run.number)
    assert again.id != run.id
    assert service.client.sweep(sweep.id).total == 1
    assert service.client.cancel_sweep(sweep.id).id == sweep.id
    wait_for(lambda: ended_run(service, again.id), 20, "the end of the second one")
    assert service.client.sweep(sweep.id).counts == {RunStatus.CANCELLED: 1}


def ended_run(service: Service, run_id):
    run = service.client.run(run_id)
    return run if run.status.terminal else None


def test_a_run_that_waits_is_cancelled_at_once_and_the_others_go_on(service):
    axes = FOREVER | {"seed": list(range(8))}
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=axes))
    last = service.client.sweep_runs(sweep.id)[-1]
    assert last.status is RunStatus.QUEUED
    assert service.client.cancel_run(last.id).status is RunStatus.CANCELLED
    assert not service.client.sweep(sweep.id).finished
    service.client.cancel_sweep(sweep.id)
    assert service.client.wait(sweep.id, timeout=30, every=0.2).counts == {RunStatus.CANCELLED: 8}
    assert [event.to_status for event in service.client.events(last.id)] == ["queued", "cancelled"]


def test_what_succeeded_is_not_tried_again(service, trained):
    sweep, run = trained
    with pytest.raises(ApiError) as refusal:
        service.client.retry_run(run.id)
    assert refusal.value.status == 409
    assert service.client.retry_failed(sweep.id).total == 1
    assert [one.id for one in service.client.sweep_runs(sweep.id)] == [run.id]


# The service itself


def test_the_service_says_how_it_is(service):
    client = service.client
    assert (client.health().status, client.health().version) == ("ok", __version__)
    ready = client.ready()
    assert (ready.status, ready.database, ready.broker, ready.catalogue, ready.notes) == ("ok", "ok", "ok", "ok", ())
    assert {worker.queue for worker in client.workers() if worker.alive} >= {"cpu", "timing"}
    system = client.system()
    assert (system.version, system.limits["sweep_runs"]) == (__version__, MAX_SWEEP_RUNS)
    assert system.limits["cores"] == usable_cores()


def test_a_sweep_that_takes_long_to_count_is_asked_for_until_it_is_there_and_made_once(service, monkeypatch):
    monkeypatch.setattr(service.client._http, "timeout", 0.4)  # far too short for networks never seen
    axes = {"model": ["resnet56"], "width": list(range(17, 29)), "max_steps": [1], "dataset": ["digits"]}
    before = len(service.client.sweeps(limit=500).items)
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=axes, name="slow to count"))
    assert sweep.total == 12
    monkeypatch.undo()
    service.client.cancel_sweep(sweep.id)
    assert len(service.client.sweeps(limit=500).items) == before + 1
