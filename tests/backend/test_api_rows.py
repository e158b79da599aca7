"""What workers have stored, as the API gives it: rows put into its database by a store of the test's own."""

import csv
import io
import json

import pytest

from backend.store import Store
from mgic.records import Artifact
from tests.backend.store_points import add, slot, succeeded

EVIL = {"equals": "=cmd()", "plus": "+1", "minus": "-x", "at": "@SUM(A1)", "tab": "\tx", "text": "plain", "less": -1.5}


@pytest.fixture(scope="module")
def store(api):
    store = Store.open(f"sqlite:///{api.folder / 'mgic.db'}")
    yield store
    store.close()


def test_no_cell_of_a_csv_file_is_a_formula(api, store):
    add(store, 1, experiment="evil")
    claim = store.claim(slot())
    assert store.finish(claim.run_id, claim.fence, succeeded(**EVIL))
    (line,) = csv.DictReader(io.StringIO(api.client.results_csv("evil").decode()))
    for name in ("equals", "plus", "minus", "at", "tab"):
        assert line[name] == f"'{EVIL[name]}"
    assert (line["text"], float(line["less"])) == ("plain", -1.5)
    (row,) = api.client.results("evil")
    assert row["equals"] == "=cmd()"


def test_a_csv_file_has_a_column_for_what_any_run_has_and_all_rows(api, store):
    add(store, 3, experiment="uneven")
    for number in range(3):
        claim = store.claim(slot())
        store.finish(claim.run_id, claim.fence, succeeded(**{f"only_{number}": number}))
    lines = list(csv.DictReader(io.StringIO(api.client.results_csv("uneven").decode())))
    assert [[line[f"only_{number}"] for number in range(3)] for line in lines] == [
        ["0", "", ""],
        ["", "1", ""],
        ["", "", "2"],
    ]
    first = api.http.get("/results", params={"experiment": "uneven", "limit": 2}).json()
    assert [row["x"] for row in first["items"]] == [0, 1]
    cursor = first["next_cursor"]
    rest = api.http.get("/results", params={"experiment": "uneven", "limit": 2, "cursor": cursor}).json()
    assert ([row["x"] for row in rest["items"]], rest["next_cursor"]) == ([2], None)


LEVELS = [{"level": level, "width": 64 >> level, "restriction_mse": level / 4} for level in range(3)]


def test_a_table_of_a_result_has_a_row_for_each_of_its_own(api, store):
    add(store, 1, experiment="reconstruction")
    claim = store.claim(slot())
    store.finish(claim.run_id, claim.fence, succeeded(mse=0.5, levels=LEVELS, sizes=[64, 32]))
    rows = api.client.results("reconstruction", table="levels")
    assert [(row["x"], row["mse"], row["level"], row["width"]) for row in rows] == [
        (0, 0.5, 0, 64),
        (0, 0.5, 1, 32),
        (0, 0.5, 2, 16),
    ]
    lines = list(csv.DictReader(io.StringIO(api.client.results_csv("reconstruction", table="levels").decode())))
    assert [line["restriction_mse"] for line in lines] == ["0.0", "0.25", "0.5"]
    assert json.loads(lines[0]["sizes"]) == [64, 32]
    assert {"run_id", "name", "host", "env_device", "env_commit", "created_at", "finished_at"} <= set(lines[0])
    (whole,) = api.client.results("reconstruction")
    assert "level" not in whole
    first = api.http.get("/results", params={"experiment": "reconstruction", "table": "levels", "limit": 2}).json()
    assert [row["level"] for row in first["items"]] == [0, 1]
    rest = {"experiment": "reconstruction", "table": "levels", "limit": 2, "cursor": first["next_cursor"]}
    assert [row["level"] for row in api.http.get("/results", params=rest).json()["items"]] == [2]


@pytest.mark.parametrize(
    ("experiment", "table", "status", "words"),
    [
        ("reconstruction", "level", 422, "reconstruction has no table level; it has: levels"),
        ("cost", "rows", 422, "cost has no table rows; it has: none, a row is a run"),
        ("nope", "rows", 404, "nope"),
    ],
)
def test_a_table_that_is_not_there_is_an_error_that_names_those_that_are(api, experiment, table, status, words):
    answer = api.http.get("/results", params={"experiment": experiment, "table": table})
    assert answer.status_code == status
    assert words in answer.text


def test_a_log_and_curves_are_read_on_where_the_last_answer_ended(api, store):
    (run_id,) = add(store, 1)
    claim = store.claim(slot())
    lines = [f"line {n}" for n in range(5)]
    store.record(claim.run_id, claim.fence, [("train/loss", 1, 2.0), ("train/loss", 2, None)], lines[:3])
    first = api.http.get(f"/runs/{run_id}/log", params={"limit": 2}).json()
    assert [item["line"] for item in first["items"]] == lines[:2]
    curves = api.client.curves(run_id)
    assert [(point.step, point.value) for point in curves.items] == [(1, 2.0), (2, None)]
    store.record(claim.run_id, claim.fence, [("train/loss", 3, 1.0)], lines[3:])
    assert [item.line for item in api.client.log(run_id, after=first["next_cursor"]).items] == lines[2:]
    assert [point.step for point in api.client.curves(run_id, after=curves.next_cursor).items] == [3]
    store.finish(claim.run_id, claim.fence, succeeded())


def test_a_result_with_a_number_that_is_none_is_still_valid_json(api, store):
    (run_id,) = add(store, 1, experiment="odd")
    claim = store.claim(slot())
    store.finish(claim.run_id, claim.fence, succeeded(loss=float("nan"), rate=float("inf")))
    for path in (f"/runs/{run_id}", "/runs", "/results?experiment=odd", "/results?experiment=odd&format=csv"):
        answer = api.http.get(path)
        assert answer.status_code == 200, path
        if "csv" not in path:
            json.loads(answer.text, parse_constant=pytest.fail)


def test_an_artifact_is_given_from_its_own_folder_only(api, store):
    (run_id,) = add(store, 1)
    claim = store.claim(slot())
    names = ("inside/a.txt", "link.txt", "missing.txt", "../up.txt")
    files = [Artifact(name=name, media_type="text/plain", size=4, sha256="0" * 64) for name in names]
    store.finish(claim.run_id, claim.fence, succeeded(), files)
    folder = api.folder / "artifacts" / str(run_id) / str(claim.fence)
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "a.txt").write_text("good")
    (folder / "link.txt").symlink_to("/etc/hostname")
    (folder.parent / "up.txt").write_text("evil")
    assert [artifact.name for artifact in api.client.artifacts(run_id)] == sorted(names)
    assert api.client.artifact(run_id, "inside/a.txt") == b"good"
    for name in ("link.txt", "missing.txt", "%2e%2e%2fup.txt", "inside/../../up.txt", "%2fetc%2fpasswd", "inside"):
        assert api.http.get(f"/runs/{run_id}/artifacts/{name}").status_code == 404, name


CUDA = {"experiment": "classification", "axes": {"device": ["cuda"], "max_steps": [1]}}


def test_a_gpu_that_nobody_who_is_online_has_is_said_before_anything_is_queued(api, store):
    assert api.http.post("/sweeps", json=CUDA).status_code == 201  # nobody is online at all: somebody will be
    store.worker_seen(slot(), 1, "0")
    answer = api.http.post("/sweeps", json=CUDA | {"name": "refused"})
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["code"]) == (422, "#/axes/device", "no_worker")
    assert "no worker of the queue gpu that is online has a GPU" in fault["detail"]
    (point,) = api.http.post("/sweeps/preview", json=CUDA).json()["points"]
    assert point["problem"] == fault["detail"]
    auto = {"experiment": "classification", "axes": {"max_steps": [1]}}
    assert api.http.post("/sweeps", json=auto).status_code == 201
    store.worker_seen(slot(queue="gpu", device="cuda", worker="w2"), 1, "0")
    assert api.http.post("/sweeps", json=CUDA).status_code == 201
    for worker in ("w1", "w2"):
        store.worker_gone(worker)
