"""The schema the API shows of itself is complete, and true of what it answers."""

import json

import hypothesis
import pytest
import schemathesis
from schemathesis import checks

from backend.errors import PROBLEM_SCHEMA
from tests.backend.api_alone import PREFIX, running_api

METHODS = {"get", "post", "put", "patch", "delete"}
CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    with running_api(tmp_path_factory.mktemp("api")) as running:
        running.http.post("/sweeps", json={"experiment": "cost", "axes": {"side": [8, 16]}})
        yield running


@pytest.fixture(scope="module")
def schema(api) -> dict:
    return api.http.get("/openapi.json").json()


def operations(schema):
    for path, methods in schema["paths"].items():
        for method in METHODS & methods.keys():
            yield f"{method.upper()} {path}", methods[method]


def test_every_endpoint_of_the_design_is_there(schema):
    names = {name.replace(PREFIX, "") for name, _ in operations(schema)}
    assert names == {
        *("GET /health", "GET /ready", "GET /workers", "GET /system", "GET /results"),
        *("GET /experiments", "GET /experiments/{name}", "GET /models", "GET /models/{name}"),
        *(
            "GET /models/{name}/cost",
            "GET /datasets",
            "GET /recipes",
            "GET /sweeps",
            "POST /sweeps",
            "POST /sweeps/preview",
        ),
        *("GET /references", "GET /references/tables", "GET /references/summary"),
        *("GET /sweeps/{sweep_id}", "GET /sweeps/{sweep_id}/runs"),
        *("POST /sweeps/{sweep_id}/cancel", "POST /sweeps/{sweep_id}/retry-failed"),
        *("GET /runs", "GET /runs/{run_id}", "POST /runs/{run_id}/cancel", "POST /runs/{run_id}/retry"),
        *(f"GET /runs/{{run_id}}/{part}" for part in ("events", "transitions", "curves", "log", "artifacts")),
        "GET /runs/{run_id}/artifacts/{name}",
        *("GET /baselines", "POST /baselines", "GET /baselines/{baseline_id}", "POST /comparisons"),
    }


def test_every_operation_says_what_it_does_and_what_it_gives(schema):
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        statuses = [status for status in operation["responses"] if status.startswith("2")]
        made = (f"POST {PREFIX}/sweeps", f"POST {PREFIX}/baselines", "/retry")
        in_part = ["206"] if name.endswith("/artifacts/{name}") else []
        assert statuses == ["201" if name.endswith(made) else "200", *in_part], name
        for status in statuses:
            for kind, content in operation["responses"][status]["content"].items():
                assert kind == "text/csv" or content, (name, kind)


def test_every_operation_says_that_its_errors_are_problems(schema):
    for name, operation in operations(schema):
        for status in ("4XX", "5XX"):
            content = operation["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, name
        assert "422" not in operation["responses"], name
    assert schema["components"]["schemas"]["Problem"] == PROBLEM_SCHEMA
    assert "HTTPValidationError" not in json.dumps(schema)


def test_every_reference_leads_somewhere(schema):
    found = [part.split('"')[0] for part in json.dumps(schema).split('"#/components/schemas/')[1:]]
    assert set(found) <= schema["components"]["schemas"].keys()


def test_what_the_api_answers_is_what_its_schema_says(api, schema):
    """Made-up requests of everything that stores nothing; events are left out, as they do not end."""
    described = schemathesis.openapi.from_dict(schema)
    described.config.update(base_url=f"http://127.0.0.1:{api.port}")
    before, asked = api.stored(), {}
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.method.upper() != "GET" and not operation.path.endswith("/preview"):
            continue
        if operation.path.endswith("/events"):
            continue

        @hypothesis.settings(
            max_examples=12,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case):
            asked[case.operation.path] = asked.get(case.operation.path, 0) + 1
            if case.query:
                case.query.pop("wait", None)
            case.call_and_validate(checks=CHECKS)

        check()
    assert len(asked) == 28
    assert api.stored() == before
    assert "Traceback" not in api.log()
