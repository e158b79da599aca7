"""The gate over HTTP: baselines are counted and kept, comparisons answered, nonsense refused."""

import json
from uuid import UUID

import pytest
from typer.testing import CliRunner

from backend.store import Lease, Store
from mgic.cli import app
from mgic.client import ApiError
from mgic.records import BaselineRequest, ComparisonRequest, SweepRequest
from tests.backend.api_alone import JSON, PREFIX, Api, check_get_refused, check_refused
from tests.backend.store_points import slot, succeeded, taken

MGIC = "mgic_resnet20(group_size=4,width=8)"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def runs(api) -> list[UUID]:
    """Runs of two seeds that ended with a top-1 of 90.2 and 89.6, and one that waits."""
    axes = {"model": ["mgic_resnet20"], "width": [8], "group_size": [4], "epochs": [2], "seed": [0, 1, 2]}
    sweep = api.client.submit(SweepRequest(experiment="classification", axes=axes))
    store = Store.open(f"sqlite:///{api.folder / 'mgic.db'}", Lease())
    for top1 in (90.2, 89.6):
        claim = taken(store, slot())
        assert store.finish(claim.run_id, claim.fence, succeeded(top1=top1, dataset_hash="abc"))
    store.close()
    return [run.id for run in api.client.sweep_runs(sweep.id)]


@pytest.fixture(scope="module")
def main(api, runs):
    """A baseline of two models, one with the first run's top-1."""
    return api.client.add_baseline(BaselineRequest(name="main", models=["resnet20", MGIC], runs=[runs[0]]))


def refused(api: Api, status: int, kind: str, path: str, body) -> dict:
    """A problem that changed nothing; baselines and comparisons are counted beside sweeps and runs."""
    stored, kept = api.stored(), _kept(api)
    content = body if isinstance(body, str) else json.dumps(body)
    problem = check_refused(api, status, kind, api.http.post(path, content=content, headers=JSON), stored)
    assert _kept(api) == kept
    return problem


def _kept(api: Api) -> tuple[int, int]:
    return len(api.client.baselines(limit=500).items), len(api.client.comparisons(limit=500).items)


# Baselines


def test_a_baseline_is_what_the_models_are_and_has_an_address(api, main, runs):
    answer = api.http.get(f"/baselines/{main.id}")
    assert answer.status_code == 200
    assert api.client.baseline(main.id) == main
    plain, mgic = main.models
    for each, options in ((plain, {}), (mgic, {"group_size": 4, "width": 8})):
        cost = api.client.model_cost(each.name, **options)
        assert (each.params, each.macs, each.options) == (cost.params, cost.macs, cost.options)
    assert mgic.model == "mgic_resnet20(group_size=4,width=8)"
    assert (mgic.top1.value, mgic.top1.run_id, mgic.top1.epochs, mgic.top1.seed) == (90.2, runs[0], 2, 0)
    assert plain.top1 is None
    assert main in api.client.baselines(name="main").items
    assert api.client.baselines(name="nothing").items == ()


def test_a_new_one_says_where_it_is_and_counts_at_the_size_asked_for(api):
    answer = api.http.post("/baselines", json={"name": "small", "models": ["resnet20"], "input_size": [1, 8, 8]})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{PREFIX}/baselines/{answer.json()['id']}"
    (model,) = answer.json()["models"]
    assert (model["input_size"], model["options"]["in_channels"]) == ([1, 8, 8], 1)
    assert api.http.get(answer.headers["location"].removeprefix(PREFIX)).json() == answer.json()


def test_a_key_makes_one_baseline_and_a_name_is_given_once(api):
    request = BaselineRequest(name="keyed", models=["resnet20"])
    first = api.client.add_baseline(request, "the-key")
    assert api.client.add_baseline(request, "the-key") == first
    with pytest.raises(ApiError) as refusal:
        api.client.add_baseline(BaselineRequest(name="other", models=["resnet20"]), "the-key")
    assert (refusal.value.status, refusal.value.type) == (422, "/problems/idempotency-mismatch")
    with pytest.raises(ApiError, match="keyed already") as refusal:
        api.client.add_baseline(request)
    assert (refusal.value.status, refusal.value.type) == (409, "/problems/conflict")


def test_pages_go_on_where_the_last_one_ended(api, main):
    first = api.client.baselines(limit=1)
    rest = api.client.baselines(limit=500, cursor=first.next_cursor)
    assert rest.next_cursor is None
    assert [*first.items, *rest.items] == list(api.client.baselines(limit=500).items)


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"name": "x", "models": []}, "#/models", "at least 1"),
        ({"name": "x", "models": ["resnet20"] * 51}, "#/models", "at most 50"),
        ({"name": "x", "models": "resnet20"}, "#/models", "list"),
        ({"name": "x"}, "#/models", "required"),
        ({"models": ["resnet20"]}, "#/name", "required"),
        ({"name": "<b>", "models": ["resnet20"]}, "#/name", "pattern"),
        ({"name": "x", "models": ["resnet20", "resnet21"]}, "#/models/1", "did you mean 'resnet20'?"),
        ({"name": "x", "models": ["resnet20(widht=8)"]}, "#/models/0", "did you mean 'width'?"),
        ({"name": "x", "models": ["resnet20(width=0)"]}, "#/models/0", "width"),
        ({"name": "x", "models": ["resnet20(width=\u0000)"]}, "#/models/0", "width"),
        ({"name": "x", "models": ["resnet20("]}, "#/models/0", "no model spec"),
        ({"name": "x", "models": ["x" * 501]}, "#/models/0", "500"),
        ({"name": "x", "models": ["resnet20", "resnet20()"]}, "#/models/1", "stands there twice"),
        ({"name": "x", "models": ["resnet20"], "input_size": [3, 32]}, "#/input_size", "channels,height,width"),
        ({"name": "x", "models": ["resnet20"], "input_size": [3, 32, 0]}, "#/input_size/2", "1"),
        ({"name": "x", "models": ["resnet20"], "input_size": [3, 32, 10**9]}, "#/input_size/2", "16384"),
        ({"name": "x", "models": ["resnet20"], "input_size": []}, "#/input_size", "at least 1"),
        ({"name": "x", "models": ["resnet20"], "runs": ["1"]}, "#/runs/0", "UUID"),
        ({"name": "x", "models": ["resnet20"], "runs": [NOBODY]}, "#/runs/0", "there is no run"),
        ({"name": "x", "models": ["resnet20"], "runs": [NOBODY] * 51}, "#/runs", "at most 50"),
        ({"name": "x", "models": ["resnet20"], "id": NOBODY}, "#/id", "not permitted"),
    ],
)
def test_a_baseline_that_cannot_be_is_refused_at_its_place(api, body, pointer, words):
    (fault,) = refused(api, 422, "validation", "/baselines", body)["errors"]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]


def test_a_run_must_have_ended_and_must_be_of_the_model(api, runs):
    problem = refused(api, 409, "conflict", "/baselines", {"name": "x", "models": [MGIC], "runs": [str(runs[2])]})
    assert "is queued; one that has succeeded is wanted" in problem["detail"]
    body = {"name": "x", "models": ["resnet20"], "runs": [str(runs[0])]}
    (fault,) = refused(api, 422, "validation", "/baselines", body)["errors"]
    assert (fault["pointer"], "trained mgic_resnet20, not resnet20" in fault["detail"]) == ("#/runs/0", True)
    (fault,) = refused(api, 422, "validation", "/baselines", body | {"models": [MGIC], "runs": [*map(str, runs[:2])]})[
        "errors"
    ]
    assert (fault["pointer"], "one run a model" in fault["detail"]) == ("#/runs/1", True)


# Comparisons


def test_what_has_not_changed_passes_by_name_by_id_and_inline(api, main):
    for given in ("main", str(main.id), main):
        found = api.client.compare(ComparisonRequest(baseline=given))
        assert (found.verdict, found.baseline, len(found.rows)) == ("pass", "main", 7)
        assert [row.metric for row in found.rows if row.verdict == "not measured"] == ["top1"]


def test_another_group_size_and_a_worse_run_are_regressions(api, main, runs):
    wide = api.client.compare(ComparisonRequest(baseline="main", models=["mgic_resnet20(group_size=8,width=8)"]))
    assert wide.verdict == "regression"
    assert [row.metric for row in wide.rows if row.verdict == "regression"] == ["params", "macs", "size_bytes"]
    assert {row.base_model for row in wide.rows} == {"mgic_resnet20(group_size=4,width=8)"}

    body = {"baseline": "main", "models": [MGIC], "runs": [str(runs[1])]}
    for limit, verdict in (("-0.5pp", "regression"), ("-0.6pp", "pass")):
        answer = api.http.post("/comparisons", json=body | {"limits": {"top1": limit}})
        assert answer.status_code == 201
        (row,) = [row for row in answer.json()["rows"] if row["metric"] == "top1"]
        assert (answer.json()["verdict"], row["base"], row["head"], row["limit"]) == (verdict, 90.2, 89.6, limit)
    wanted = {"baseline": "main", "models": [MGIC], "limits": {"top1": "-1pp"}}
    assert api.http.post("/comparisons", json=wanted).json()["verdict"] == "not measured"


def test_the_command_takes_the_services_baseline_and_runs_and_says_the_same(api, main, runs):
    def gate(*arguments: str):
        return CliRunner().invoke(app, ["gate", "--json", "--api-url", api.client.url, *arguments])

    done = gate("--baseline", "main", "--run", str(runs[1]))
    assert done.exit_code == 1, done.stderr
    ours = json.loads(done.stdout)
    theirs = api.http.post("/comparisons", json={"baseline": "main", "runs": [str(runs[1])]}).json()
    own = {"id", "created_at", "origin"}
    assert {name: one for name, one in ours.items() if name not in own} == {
        name: one for name, one in theirs.items() if name not in own
    }
    assert gate("--baseline", "nothing").exit_code == 4
    assert gate("--baseline", "main", "--run", NOBODY).exit_code == 4
    assert gate("--baseline", "main", "--run", str(runs[2])).exit_code == 4


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({}, "#/baseline", "required"),
        ({"baseline": "nothing"}, "#/baseline", "there is no baseline 'nothing'"),
        ({"baseline": NOBODY}, "#/baseline", "there is no baseline"),
        ({"baseline": ""}, "#/baseline", "1 to 120"),
        ({"baseline": "a\u0000"}, "#/baseline", "1 to 120"),
        ({"baseline": "\ud800"}, "#/baseline", "1 to 120"),
        ({"baseline": "x" * 121}, "#/baseline", "1 to 120"),
        ({"baseline": 5}, "#/baseline", "Baseline"),
        ({"baseline": "main", "models": []}, "#/models", "at least 1"),
        ({"baseline": "main", "models": ["resnet20", "resnet56"]}, "#/models/1", "not in the baseline main"),
        ({"baseline": "main", "models": ["resnet20", "resnet20"]}, "#/models/1", "twice"),
        ({"baseline": "main", "models": ["nothing"]}, "#/models/0", "no model called"),
        ({"baseline": "main", "limits": {"latency": "+5%"}}, "#/limits/latency", "not permitted"),
        ({"baseline": "main", "limits": {"top1": "-1%"}}, "#/limits/top1", "how far it may fall"),
        ({"baseline": "main", "limits": {"params": "1pp"}}, "#/limits/params", "how far it may rise"),
        ({"baseline": "main", "limits": {"macs": "+nan%"}}, "#/limits/macs", "how far it may rise"),
        ({"baseline": "main", "limits": {"macs": 1}}, "#/limits/macs", "string"),
        ({"baseline": "main", "limits": "params:+0%"}, "#/limits", "valid dictionary"),
        ({"baseline": "main", "runs": [NOBODY]}, "#/runs/0", "there is no run"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused_at_its_place(api, main, body, pointer, words):
    (fault,) = refused(api, 422, "validation", "/comparisons", body)["errors"]
    assert fault["pointer"] == pointer
    assert words in fault["detail"]


@pytest.mark.parametrize(
    ("field", "text", "pointer"),
    [
        ("params", "-1", "#/baseline/models/0/params"),
        ("params", "NaN", "#/baseline/models/0/params"),
        ("macs", "1e999", "#/baseline/models/0/macs"),
        ("model", '"nothing_like_it"', "#/baseline/models/0/model"),
        ("input_size", "[3, 32]", "#/baseline/models/0/model"),
    ],
)
def test_a_document_that_cannot_be_is_refused_at_its_place(api, main, field, text, pointer):
    document = main.model_dump(mode="json")
    document["models"] = document["models"][:1]
    document["models"][0][field] = "HERE"
    body = json.dumps({"baseline": document}).replace('"HERE"', text)
    (fault,) = refused(api, 422, "validation", "/comparisons", body)["errors"]
    assert fault["pointer"] == pointer


def test_a_document_of_another_schema_is_refused(api, main):
    document = main.model_dump(mode="json") | {"schema_version": 2}
    (fault,) = refused(api, 422, "validation", "/comparisons", {"baseline": document})["errors"]
    assert fault["pointer"] == "#/baseline/schema_version"


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"/baselines/{NOBODY}", 404), ("/baselines/nope", 422), ("/baselines?limit=0", 422), ("/baselines?nam=x", 422)],
)
def test_what_is_not_there_is_said_so(api, path, status):
    check_get_refused(api, status, "not-found" if status == 404 else "validation", path)
