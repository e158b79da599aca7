"""Comparisons over HTTP: counted here or measured elsewhere, kept, listed, a history, a badge; nonsense is refused."""

import json
from uuid import UUID
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.client import ApiError
from mgic.gate import as_markdown
from mgic.records import BaselineRequest, Comparison, ComparisonRequest
from tests.backend.api_alone import JSON, PREFIX, Api, check_refused
from tests.cases import thorough
from tests.comparisons import drawn

NOBODY = "00000000-0000-4000-8000-000000000000"
ONE = ("resnet20",)


@pytest.fixture(scope="module")
def regression(api) -> Comparison:
    return api.client.add_comparison(drawn("regression", 1, name="a/first"))


@pytest.fixture(scope="module")
def passed(api, regression) -> Comparison:
    return api.client.add_comparison(drawn("pass", 2, name="a/first"))


def document(case: str = "pass", **changes) -> dict:
    return drawn(case, 7, ONE, blocks=2).model_dump(mode="json") | changes


def test_what_was_measured_elsewhere_is_kept_and_says_so(api, regression):
    given = document("regression", id=NOBODY, created_at="2001-01-01T00:00:00Z", origin="service", name="a/other")
    answer = api.http.post("/comparisons", json={"measured": given})
    assert answer.status_code == 201
    kept = answer.json()
    assert answer.headers["location"] == f"{PREFIX}/comparisons/{kept['id']}"
    assert (kept["origin"], kept["id"] != NOBODY, kept["created_at"] > "2026") == ("elsewhere", True, True)
    own = {"id", "created_at", "origin"}
    assert {**kept, **{name: given[name] for name in own}} == given
    assert api.http.get(answer.headers["location"].removeprefix(PREFIX)).json() == kept
    light = api.http.get(f"/comparisons/{kept['id']}?samples=false").json()
    assert light == kept | {"samples": []}
    assert api.client.comparison(regression.id) == regression


def test_what_the_service_has_counted_is_kept_too(api):
    api.client.add_baseline(BaselineRequest(name="for comparisons", models=["resnet20"]))
    request = ComparisonRequest(baseline="for comparisons", name="the lab")
    kept = api.client.compare(request, "one-key")
    assert (kept.verdict, kept.origin, kept.name, kept.samples) == ("pass", "service", "the lab", ())
    assert api.client.compare(request, "one-key") == kept == api.client.comparison(kept.id)
    (brief,) = api.client.comparisons(name="the lab").items
    assert (brief.id, brief.origin, brief.testbed, brief.pull_request) == (kept.id, "service", None, None)
    with pytest.raises(ApiError) as refusal:
        api.client.add_comparison(drawn(), "one-key")
    assert (refusal.value.status, refusal.value.type) == (422, "/problems/idempotency-mismatch")


def test_a_key_makes_one_comparison_whatever_its_time(api):
    first = api.client.add_comparison(drawn("pass", 3, ONE, name="a/keyed"), "a-key")
    again = api.client.add_comparison(drawn("pass", 3, ONE, name="a/keyed", created_at=first.created_at), "a-key")
    assert again == first
    assert len(api.client.comparisons(name="a/keyed").items) == 1


def test_a_list_is_light_newest_first_and_filtered(api, regression, passed):
    page = api.client.comparisons(name="a/first")
    assert [one.id for one in page.items] == [passed.id, regression.id]
    assert api.client.comparisons(name="a/first", verdict="regression").items == page.items[1:]
    assert api.client.comparisons(name="a/first", branch="main").items == ()
    assert len(api.http.get("/comparisons?name=a/first").content) < 2500
    first = api.client.comparisons(limit=1, name="a/first")
    assert api.client.comparisons(cursor=first.next_cursor, limit=1, name="a/first").items == page.items[1:]


def test_a_history_is_one_metric_over_comparisons(api, regression, passed):
    points = api.client.metric_history("resnet20", "cpu_time", name="a/first", testbed="runner-1").items
    assert [point.comparison_id for point in points] == [regression.id, passed.id]
    assert [point.row.verdict for point in points] == ["regression", "pass"]
    assert api.client.metric_history("resnet20", "top1").items == ()
    first = api.client.metric_history("resnet20", "macs", limit=1, name="a/first")
    assert [point.comparison_id for point in first.items] == [passed.id]


def test_a_badge_is_the_newest_verdict_of_a_name(api, passed):
    answer = api.http.get("/badges/a/first.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["cache-control"] == "no-cache"
    assert words_of(answer.content) == ["mgic gate", "pass"]
    again = api.http.get("/badges/a/first.svg", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    api.client.add_comparison(drawn("regression", 4, ONE, blocks=2, name="a/badge", head_side=None))
    assert words_of(api.client.badge("a/badge")) == ["mgic gate", "regression"]
    assert words_of(api.client.badge("a/badge", branch="main")) == ["mgic gate", "no comparison"]
    named = api.client.badge("<script>&")
    assert words_of(named)[1] == "no comparison"
    assert b"<script>" not in named


def words_of(svg: bytes) -> list[str]:
    return [one.text for one in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_what_is_deleted_is_gone(api):
    kept = api.client.add_comparison(drawn("pass", 5, ONE, blocks=2, name="a/gone"))
    api.client.delete_comparison(kept.id)
    assert api.client.comparisons(name="a/gone").items == ()
    assert api.http.delete(f"/comparisons/{kept.id}").status_code == 404


def test_as_many_samples_as_a_record_may_have_are_taken_and_no_more_bytes(api):
    large = document()
    sample = {**large["samples"][0], "model": "m" * 60, "instructions": 123456789.0}
    large["samples"] = [sample] * 20_000
    answer = api.http.post("/comparisons", json={"measured": large})
    assert (answer.status_code, len(answer.json()["samples"])) == (201, 20_000)
    large["samples"].append(sample)
    assert fault_of(api, {"measured": large})["pointer"] == "#/measured/samples"
    before = api.stored()
    body = json.dumps({"measured": document(notes=["x" * 4000] * 2200)})
    check_refused(api, 413, "too-large", api.http.post("/comparisons", content=body, headers=JSON), before)


def fault_of(api: Api, body: dict) -> dict:
    """The one fault of a request that kept nothing."""
    stored, kept = api.stored(), len(api.client.comparisons(limit=500).items)
    answer = api.http.post("/comparisons", content=json.dumps(body), headers=JSON)
    (fault,) = check_refused(api, 422, "validation", answer, stored)["errors"]
    assert len(api.client.comparisons(limit=500).items) == kept
    return fault


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"verdict": "regression"}, "#/measured/verdict", "none of its rows"),
        ({"name": "a\u0000"}, "#/measured/name", "control characters"),
        ({"notes": ["\ud800"]}, "#/measured/notes/0", "control characters"),
        ({"notes": ["x" * 4001]}, "#/measured/notes/0", "at most 4000"),
        ({"base_source": {"mgic": "1", "dirty": None}}, "#/measured/base_source/commit", "required"),
        *thorough(
            ({"name": "x" * 121}, "#/measured/name", "120"),
            ({"verdict": "fine"}, "#/measured/verdict", "'pass'"),
            ({"rows": 5}, "#/measured/rows", "valid tuple"),
            ({"owner": "x"}, "#/measured/owner", "not permitted"),
            ({"created_at": "yesterday"}, "#/measured/created_at", "datetime"),
        ),
    ],
)
def test_a_comparison_that_cannot_be_is_refused_at_its_place(api, changes, pointer, words):
    fault = fault_of(api, {"measured": document() | changes})
    assert (fault["pointer"], words in fault["detail"]) == (pointer, True), fault


@pytest.mark.parametrize(
    ("field", "text"), [("base", "1e999"), ("head", str(2**63)), *thorough(("change", "NaN"), ("n", "-1"))]
)
def test_a_number_that_cannot_be_is_refused_at_its_place(api, field, text):
    body = {"measured": document()}
    body["measured"]["rows"][0][field] = "HERE"
    content = json.dumps(body).replace('"HERE"', text)
    answer = api.http.post("/comparisons", content=content, headers=JSON)
    problem = check_refused(api, 422, "validation", answer, api.stored())
    assert problem["errors"][0]["pointer"].startswith(f"#/measured/rows/0/{field}")


def test_one_of_two_ways_is_asked_for(api):
    assert fault_of(api, {"measured": document(), "baseline": "main"})["pointer"] == "#/baseline"
    assert fault_of(api, {"measured": None})["pointer"] == "#/measured"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/comparisons/{NOBODY}", 404),
        ("/comparisons?verdict=fine", 422),
        ("/comparisons/history?model=resnet20&metric=speed", 422),
        *thorough(
            ("/comparisons/nope", 422),
            ("/comparisons/history?metric=macs", 422),
            ("/comparisons?nam=x", 422),
            ("/comparisons?cursor=x", 422),
            ("/badges/" + "x" * 121 + ".svg", 422),
        ),
    ],
)
def test_what_is_not_there_is_said_so(api, path, status):
    answer = api.http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_command_lists_them_and_shows_one_as_the_gate_printed_it(api, regression, passed):
    def said(*arguments: str):
        return CliRunner().invoke(app, ["comparisons", "--api-url", api.client.url, *arguments])

    lines = said("--name", "a/first").stdout.splitlines()
    assert [UUID(line.split()[0]) for line in lines] == [passed.id, regression.id]
    assert "CPU time of resnet20: +" in lines[1]
    assert json.loads(said("--verdict", "regression", "--name", "a/first", "--json").stdout)["items"][0]["id"]
    assert said(str(regression.id)).stdout == as_markdown(regression)
    assert Comparison.model_validate_json(said(str(regression.id), "--json").stdout) == regression
    for wrong in (["--verdict", "fine"], ["nope"], [NOBODY, "--name", "x"]):
        assert said(*wrong).exit_code == 2
    assert said(NOBODY).exit_code == 4
