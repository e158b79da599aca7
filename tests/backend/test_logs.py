"""A request has one id, by which its lines are found."""

import json


def test_a_request_has_one_id_in_its_answer_its_problem_and_its_lines(api):
    before = len(api.log())
    answer = api.http.post("/sweeps", json={"experiment": "none"})
    name = answer.headers["X-Request-Id"]
    assert answer.json()["instance"] == f"urn:request:{name}"
    lines = [json.loads(line) for line in api.log()[before:].splitlines()]
    mine = [line for line in lines if line.get("request") == name]
    assert [line["logger"] for line in mine][-2:] == ["backend.errors", "backend.observed"]
    last = mine[-1]
    assert (last["method"], last["route"], last["status"]) == ("POST", "/sweeps", answer.status_code)
    refused = api.http.get("/health", headers={"Host": "evil.example"})
    assert refused.json()["instance"] == f"urn:request:{refused.headers['X-Request-Id']}"
