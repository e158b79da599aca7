"""Runs and sweeps as people find, name, tag and delete them through the API, with bad input too."""

import base64

import pytest

from backend.store import Store
from mgic.client import ApiError
from mgic.records import Artifact, SweepRequest
from tests.backend.api_alone import check_get_refused
from tests.backend.store_points import add, slot, succeeded
from tests.conftest import wait_for


@pytest.fixture(scope="module")
def store(api):
    store = Store.open(f"sqlite:///{api.folder / 'mgic.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def runs(api, store):
    """Six of them, with 90, 91, 92, 90, 91 and no per cent; the first has a table."""
    ids = add(store, [{"group_size": 2 + x % 2, "dataset": "digits"} for x in range(6)], experiment="classification")
    for number, run_id in enumerate(ids[:5]):
        claim = store.claim(slot())
        rows = {"rows": [{"a": 1}]} if number == 0 else {}
        file = Artifact(name="a.txt", media_type="text/plain", size=2, sha256="0" * 64)
        assert store.finish(claim.run_id, claim.fence, succeeded(top1=90.0 + number % 3, **rows), [file])
        folder = api.folder / "artifacts" / str(run_id) / "1"
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text("ab")
    return ids


def test_runs_are_sorted_by_a_result_page_by_page(api, runs):
    seen, cursor = [], None
    while not seen or cursor:
        page = api.client.runs(limit=2, cursor=cursor, sort="-result.top1", experiment="classification")
        seen, cursor = [*seen, *page.items], page.next_cursor
    assert [runs.index(run.id) for run in seen] == [2, 4, 1, 3, 0, 5]
    assert api.client.count_runs(experiment="classification") == 6


def test_a_cursor_is_of_its_order_and_its_filters(api, runs):
    cursor = api.http.get("/runs", params={"limit": 2, "sort": "result.top1"}).json()["next_cursor"]
    others = ({"sort": "-result.top1"}, {}, {"sort": "result.top1", "where": "config.group_size=2"})
    for other in others:
        answer = api.http.get("/runs", params={"limit": 2, "cursor": cursor, **other})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-cursor")


def test_conditions_are_read_as_people_write_them(api, runs):
    def found(*where, **filters):
        page = api.client.runs(where=where, sort="created_at", **filters)
        assert api.client.count_runs(where=where, **filters) == len(page.items)
        return [runs.index(run.id) for run in page.items]

    assert found("config.group_size=2") == [0, 2, 4]
    assert found("config.group_size = 2", "result.top1>=91", "config.dataset=digits") == [2, 4]
    assert found("result.top1=null") == [5]
    assert found("seconds<=1", "created_at>=2020-01-01", "result.top1!=90") == [1, 2, 4]
    assert found("created_at<2020-01-01T00:00:00Z") == []
    assert found("config.epochs=3") == []  # no run has it yet, but a training could
    assert found(q="classif") == list(range(6))
    assert found(q=str(runs[3])[:8]) == [3]


def test_a_list_is_light_without_tables(api, runs):
    whole = {run.id: run.result for run in api.client.runs().items}
    light = {run.id: run.result for run in api.client.runs(tables=False).items}
    assert (whole[runs[0]], light[runs[0]]) == ({"top1": 90.0, "rows": [{"a": 1}]}, {"top1": 90.0})
    assert {run: light[run] for run in runs[1:]} == {run: whole[run] for run in runs[1:]}


BAD = [
    ("sort=config.group_sise", "sort", "no field called 'config.group_sise'; did you mean 'config.group_size'?"),
    ("sort=id;drop table runs", "sort", "no field called"),
    ("sort=", "sort", "no field called ''"),
    ("where=result.top2>1", "where/0", "did you mean 'result.top1'?"),
    ("where=config.group_size=2&where=resultat=1", "where/1", "no field called 'resultat'"),
    ("where=config.group_size==2", "where", "there is no operator ==; there are != < <= = > >="),
    ("where=config.group_size~2", "where", "there is no operator ~"),
    ("where=config.group_size", "where", "'config.group_size' is no condition"),
    ("where=config.dataset<digits", "where", "config.dataset < needs a number, not 'digits'"),
    ("where=seconds=long", "where", "seconds = needs a number, not 'long'"),
    ("where=created_at>yesterday", "where", "created_at > needs a time, such as 2026-11-28"),
    ("where=config.group_size>=nan", "where", "needs a number, not 'nan'"),
    ("where=config.x=%00", "where", "is no condition"),
    ("q=" + "a+" * 11, "q", "at most 10 words, not 11"),
    ("q=" + "a" * 201, "q", "200"),
    ("tag=a!b", "tag", "pattern"),
    ("&".join(["where=config.group_size=2"] * 21), "where", "20"),
    ("tables=perhaps", "tables", "boolean"),
    ("order=name", "order", "there is no such parameter"),
]


@pytest.mark.parametrize(("query", "place", "words"), BAD)
def test_what_is_wrong_with_a_list_is_said_with_its_place(api, runs, query, place, words):
    problem = check_get_refused(api, 422, "validation", f"/runs?{query}")
    assert problem["errors"][0]["pointer"] == place
    assert words in problem["errors"][0]["detail"]


def cursor_of(api, place: str) -> str:
    """One of the list `?sort=result.top1`, with a place that a stranger made up."""
    given = api.http.get("/runs?limit=1&sort=result.top1").json()["next_cursor"]
    known = base64.urlsafe_b64decode(given).decode().partition(":")[0]
    return base64.urlsafe_b64encode(f"{known}:{place}".encode()).decode()


PLACES = ["", "1", "[]", "[3, null, 1]", "[0, 1, 0]", "[0, 1]", '[0, "a", 1]', "[1, 2, 3]", '[1, "\\ud800", 3]']
PLACES += ['[1, "\\u0000", 3]', "[-4, 1, 1]", f"[0, {10**400}, 1]", f"[0, 1, {10**30}]", "[[0], 1, 1]", "{}"]


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_no_page_gave_is_no_cursor(api, runs, place):
    check_get_refused(api, 422, "bad-cursor", f"/runs?sort=result.top1&cursor={cursor_of(api, place)}")


def test_a_sweep_is_named_tagged_noted_and_found_by_it(api):
    axes = {"model": ["resnet20"], "side": [8]}
    sweep = api.client.submit(SweepRequest(experiment="cost", axes=axes, tags=("Paper draft", "b")))
    assert sweep.tags == ("b", "paper-draft")
    changed = api.client.update_sweep(sweep.id, name="Final", tags=["Table 13", "TABLE-13", "x/y"], notes="a\r\nb")
    assert (changed.name, changed.tags, changed.notes) == ("Final", ("table-13", "x/y"), "a\nb")
    assert api.client.update_sweep(sweep.id, tags=[]).notes == "a\nb"
    assert [one.id for one in api.client.sweeps(q="final").items] == [sweep.id]
    (run,) = api.client.sweep_runs(sweep.id)
    assert api.client.update_run(run.id, tags=["odd"]).tags == ("odd",)
    assert [one.id for one in api.client.runs(tag="ODD").items] == [run.id]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "#"),
        ({"tags": ["-a"]}, "#/tags/0"),
        ({"tags": ["a" * 41]}, "#/tags/0"),
        ({"tags": [f"t{n}" for n in range(21)]}, "#/tags"),
        ({"tags": None}, "#/tags"),
        ({"notes": "a" * 4001}, "#/notes"),
        ({"notes": "a\u202e\x07"}, "#/notes"),
        ({"notes": None}, "#/notes"),
        ({"name": "<img>"}, "#/name"),
        ({"name": None}, "#/name"),
        ({"status": "succeeded"}, "#/status"),
    ],
)
def test_what_cannot_be_said_of_a_sweep_or_a_run_is_refused(api, runs, body, place):
    sweep_id = api.client.run(runs[0]).sweep_id
    for path in (f"/sweeps/{sweep_id}", f"/runs/{runs[0]}"):
        answer = api.http.patch(path, json=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == place


def test_what_is_deleted_is_gone_with_its_files(api, store, runs):
    with pytest.raises(ApiError, match=f"cancel it first: run {runs[5]} is queued") as refused:
        api.client.delete_sweep(api.client.run(runs[5]).sweep_id)
    assert refused.value.status == 409
    api.client.delete_run(runs[0])
    folder = api.folder / "artifacts" / str(runs[0])
    wait_for(lambda: not folder.exists(), 10, "the files of the run to go")
    assert (api.folder / "artifacts" / str(runs[1])).exists()
    wait_for(lambda: store.leftovers(1) == [], 10, "the janitor to forget them")
    for path in (f"/runs/{runs[0]}", f"/runs/{runs[0]}/curves", f"/runs/{runs[0]}/artifacts/a.txt"):
        assert api.http.get(path).status_code == 404
    assert api.http.delete(f"/runs/{runs[0]}").status_code == 404
    api.client.cancel_run(runs[5])
    sweep_id = api.client.run(runs[5]).sweep_id
    api.client.delete_sweep(sweep_id)
    assert api.http.get(f"/sweeps/{sweep_id}").status_code == 404
    folders = [api.folder / "artifacts" / str(run) for run in runs]
    wait_for(lambda: not any(folder.exists() for folder in folders), 10, "all files to go")
