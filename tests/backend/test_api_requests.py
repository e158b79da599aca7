"""Requests no client should send, whatever they ask for: ids, bodies, lists, keys and the protocol itself."""

import socket
from contextlib import closing
from http.client import HTTPResponse

import pytest

from tests.backend.api_alone import JSON, PREFIX, check_get_refused, check_post_refused, check_refused

NOBODY = "00000000-0000-4000-8000-000000000000"


# Rows 7 and 8: ids


@pytest.mark.parametrize("part", ["", "/events", "/transitions", "/curves", "/log", "/artifacts", "/artifacts/x"])
@pytest.mark.parametrize(
    ("run_id", "status", "kind"),
    [
        ("not-a-uuid", 422, "validation"),
        ("99999999999999999999", 422, "validation"),
        ("%00", 422, "validation"),
        ("%F0%9F%A6%86", 422, "validation"),
        (NOBODY, 404, "not-found"),
    ],
)
def test_an_id_that_is_none_finds_nothing(api, run_id, part, status, kind):
    check_get_refused(api, status, kind, f"/runs/{run_id}{part}")
    if not part:
        check_get_refused(api, status, kind, f"/sweeps/{run_id}")


@pytest.mark.parametrize(
    "path",
    [
        "/runs/..%2f..%2fetc%2fpasswd",
        f"/runs/{NOBODY}/artifacts/..%2f..%2f..%2fmgic.db",
        f"/runs/{NOBODY}/artifacts/%2fetc%2fpasswd",
        "/experiments/%00",
        "/experiments/nope",
        "/models/resnet21/cost",
        "/models/%00/cost",
        "/nothing",
    ],
)
def test_a_path_to_nothing_is_not_found(api, path):
    check_get_refused(api, 404, "not-found", path)


def test_an_unknown_model_is_not_found_with_the_nearest_one(api):
    assert "did you mean 'resnet20'?" in check_get_refused(api, 404, "not-found", "/models/resnet200/cost")["detail"]


# Rows 9 to 15 and 37: bodies


@pytest.mark.parametrize(
    "body",
    [
        "{",
        b'{"experiment": "\xff"}',
        "[" * 100_000,
        '{"experiment": ' + "[" * 21 + "]" * 21 + "}",
        '{"priority": ' + "9" * 5000 + "}",
        '{"experiment": "classification", "axes": {"epochs": [1], "epochs": [2]}}',
        '{"experiment": "cost", "experiment": "cost"}',
    ],
    ids=["cut", "not-utf-8", "deep-and-open", "deep", "5000-digits", "axis-twice", "field-twice"],
)
@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/preview"])
def test_json_that_means_nothing_or_two_things_is_malformed(api, body, path):
    check_post_refused(api, 400, "malformed-json", body, path=path)


@pytest.mark.parametrize("body", ["", "[]", '"x"', "null", "5"])
def test_a_body_that_is_no_object_is_refused(api, body):
    assert check_post_refused(api, 422, "validation", body)["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(api, kind):
    check_post_refused(api, 415, "unsupported-media-type", '{"experiment": "cost"}', {"Content-Type": kind})


def test_a_body_of_300_kib_is_too_large_with_a_length_and_without(api):
    body = b" " * (300 * 1024)
    check_post_refused(api, 413, "too-large", body)
    before = api.stored()
    pieces = (body[start : start + 4096] for start in range(0, len(body), 4096))
    check_refused(api, 413, "too-large", api.http.post("/sweeps", content=pieces, headers=JSON), before)


# Rows 26 to 29: lists


@pytest.mark.parametrize("path", ["/runs", "/sweeps", "/results?experiment=cost", f"/sweeps/{NOBODY}/runs"])
@pytest.mark.parametrize("limit", ["-1", "0", "100000", "99999999999999999999", "1.5", "x", "NaN", ""])
def test_a_page_has_1_to_500_rows(api, path, limit):
    (fault,) = check_get_refused(api, 422, "validation", f"{path}{'&' if '?' in path else '?'}limit={limit}")["errors"]
    assert (fault["pointer"], fault["in"]) == ("limit", "query")


@pytest.mark.parametrize("cursor", ["garbage", "%00", "", "%C3%A9", "MTox", "a" * 200])
@pytest.mark.parametrize("path", ["/runs", "/sweeps"])
def test_a_cursor_that_no_page_gave_is_refused(api, path, cursor):
    check_get_refused(api, 422, "bad-cursor", f"{path}?cursor={cursor}")


def test_the_cursor_of_another_list_is_refused(api):
    api.http.post("/sweeps", json={"experiment": "cost", "axes": {"side": [8, 16]}})
    cursor = api.http.get("/runs?experiment=cost&limit=1").json()["next_cursor"]
    assert api.http.get("/runs", params={"experiment": "cost", "limit": 1, "cursor": cursor}).status_code == 200
    for other in (f"/runs?cursor={cursor}", f"/runs?experiment=latency&cursor={cursor}", f"/sweeps?cursor={cursor}"):
        check_get_refused(api, 422, "bad-cursor", other)


@pytest.mark.parametrize("query", ["sort=id;drop%20table%20run", "sort=__class__", "modle=resnet20", "api_key=1"])
@pytest.mark.parametrize("path", ["/runs", "/sweeps", "/models", "/health", "/results"])
def test_a_parameter_that_is_not_there_is_refused(api, path, query):
    experiment = "&experiment=cost" if path == "/results" else ""
    (fault,) = check_get_refused(api, 422, "validation", f"{path}?{query}{experiment}")["errors"]
    assert fault["pointer"] == query.partition("=")[0]


def test_a_post_has_no_parameters_in_its_address(api):
    (fault,) = check_post_refused(api, 422, "validation", '{"experiment": "cost"}', path="/sweeps?dry=1")["errors"]
    assert (fault["pointer"], fault["in"]) == ("dry", "query")


@pytest.mark.parametrize("value", ["' OR 1=1--", "%", "_", "resnet2_", "*", "\\"])
@pytest.mark.parametrize("path", ["/runs", "/results?experiment=cost"])
def test_a_filter_is_taken_literally(api, path, value):
    api.http.post("/sweeps", json={"experiment": "cost", "axes": {"model": ["resnet20"]}})
    for field in ("model", "dataset"):
        answer = api.http.get(path.partition("?")[0], params={"experiment": "cost", field: value})
        assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_filter_with_a_nul_is_refused_before_a_database_sees_it(api):
    check_get_refused(api, 422, "validation", "/runs?model=%00")


# Rows 38 and 39: keys and states


def test_a_key_used_for_another_request_is_refused(api):
    headers = JSON | {"Idempotency-Key": "only-once"}
    first, again = (api.http.post("/sweeps", json={"experiment": "cost"}, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    check_post_refused(api, 422, "idempotency-mismatch", '{"experiment": "cost", "priority": 1}', headers)


@pytest.mark.parametrize("key", ["a b", "x" * 256, "\x7f"])
def test_a_key_is_1_to_255_visible_characters(api, key):
    problem = check_post_refused(api, 422, "validation", '{"experiment": "cost"}', JSON | {"Idempotency-Key": key})
    assert problem["errors"][0]["in"] == "header"


def test_what_has_ended_cannot_be_cancelled_and_what_has_not_cannot_be_deleted(api):
    sweep = api.http.post("/sweeps", json={"experiment": "cost"}).json()
    run = api.http.get(f"/sweeps/{sweep['id']}/runs").json()["items"][0]
    before = api.stored()
    for path in (f"/runs/{run['id']}", f"/sweeps/{sweep['id']}"):
        check_refused(api, 409, "conflict", api.http.delete(path), before)
    assert api.http.post(f"/runs/{run['id']}/cancel").json()["status"] == "cancelled"
    check_post_refused(api, 409, "conflict", b"", path=f"/runs/{run['id']}/cancel")


@pytest.mark.parametrize("path", [f"/runs/{NOBODY}/cancel", f"/runs/{NOBODY}/retry", f"/sweeps/{NOBODY}/cancel"])
def test_what_is_not_there_can_be_neither_stopped_nor_tried_again(api, path):
    check_post_refused(api, 404, "not-found", b"", path=path)


# Row 40: the protocol


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/runs"), ("TRACE", "/runs"), ("DELETE", "/sweeps"), ("X", "/runs")]
)
def test_other_methods_are_refused_with_those_there_are(api, method, path):
    before = api.stored()
    answer = api.http.request(method, path)
    check_refused(api, 405, "method-not-allowed", answer, before)
    assert "GET" in answer.headers["allow"]
    assert path == "/runs" or "POST" in answer.headers["allow"]


@pytest.mark.parametrize("host", ["evil", "evil:80", "127.0.0.1.evil", "localhost@evil", ""])
def test_another_host_is_refused(api, host):
    before = api.stored()
    check_refused(api, 400, "bad-host", api.http.get("/runs", headers={"Host": host}), before)


def test_a_page_of_another_origin_gets_no_leave_to_read(api):
    wish = {"Origin": "http://evil", "Access-Control-Request-Method": "POST"}
    for answer in (api.http.options("/sweeps", headers=wish), api.http.get("/runs", headers=wish)):
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("says", [{"Origin": "http://evil"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/preview", f"/runs/{NOBODY}/cancel", f"/sweeps/{NOBODY}/cancel"])
def test_a_page_of_another_origin_changes_nothing_with_a_body_or_without(api, path, says):
    check_post_refused(api, 403, "foreign-origin", '{"experiment": "cost"}', JSON | says, path)
    check_post_refused(api, 403, "foreign-origin", b"", says, path)


def test_our_own_origin_may_ask_and_any_may_read(api):
    own = {"Origin": f"http://127.0.0.1:{api.port}", "Sec-Fetch-Site": "same-origin"}
    assert api.http.post("/sweeps/preview", json={"experiment": "cost"}, headers=own).status_code == 200
    assert api.http.get("/runs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_headers_of_64_kib_and_a_line_of_nonsense_are_refused(api):
    for request in (
        b"GET %s/runs HTTP/1.1\r\nHost: localhost\r\nX: " % PREFIX.encode() + b"x" * 70_000,
        b"\0\1\2\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
            connection.sendall(request + b"\r\n\r\n")
            with closing(HTTPResponse(connection)) as answer:
                answer.begin()
                assert answer.status in (400, 431)
    assert api.http.get("/health").status_code == 200


def test_every_answer_carries_the_safe_headers(api):
    for answer in (api.http.get("/health"), api.http.get("/nothing"), api.http.get("/runs", headers={"Host": "evil"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
