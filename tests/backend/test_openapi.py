"""The schema the API shows of itself is complete; that its answers keep to it is tested in `test_answers.py`."""

import json
import re

import pytest

from backend.app import create_app
from backend.errors import PROBLEM_SCHEMA
from backend.queue import Bell
from backend.settings import Settings
from backend.store import Lease, Store
from tests.backend.api_alone import PREFIX

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema(tmp_path_factory) -> dict:
    """Of the application put together and never started."""
    home = tmp_path_factory.mktemp("schema")
    settings = Settings(home=home, database_url=f"sqlite:///{home / 'none.db'}")
    store = Store.open(settings.database, Lease(settings.lease_s, settings.max_attempts))
    described = create_app(settings, store, Bell(settings.broker_url)).openapi()
    store.close()
    return described


def operations(schema):
    for path, methods in schema["paths"].items():
        for method in METHODS & methods.keys():
            yield f"{method.upper()} {path}", methods[method]


def test_every_endpoint_of_the_design_is_there(schema):
    """There may be more, and all of them are held to what follows."""
    assert all(f"{path}/".startswith(f"{PREFIX}/") for path in schema["paths"])
    assert {name.replace(PREFIX, "") for name, _ in operations(schema)} >= {
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
        *(f"{method} /{kind}s/{{{kind}_id}}" for kind in ("sweep", "run") for method in ("PATCH", "DELETE")),
        *("GET /runs/count", "POST /demo", "DELETE /demo"),
        *("GET /runs", "GET /runs/{run_id}", "POST /runs/{run_id}/cancel", "POST /runs/{run_id}/retry"),
        *(f"GET /runs/{{run_id}}/{part}" for part in ("events", "transitions", "curves", "log", "artifacts")),
        "GET /runs/{run_id}/artifacts/{name}",
        *("GET /baselines", "POST /baselines", "GET /baselines/{baseline_id}"),
        *("POST /comparisons", "GET /comparisons", "GET /comparisons/history", "GET /badges/{name}.svg"),
        *("GET /comparisons/{comparison_id}", "DELETE /comparisons/{comparison_id}"),
    }


def test_every_operation_says_what_it_does_and_what_it_gives(schema):
    made = set()
    for name, operation in operations(schema):
        assert operation["summary"], name
        assert operation["description"], name
        statuses = [status for status in operation["responses"] if status.startswith("2")]
        assert statuses in (["200"], ["200", "206"], ["201"], ["204"]), name
        made |= {name.replace(PREFIX, "")} if statuses == ["201"] else set()
        for status in statuses:
            for kind, content in operation["responses"][status].get("content", {}).items():
                assert kind == "text/csv" or content, (name, kind)
    assert made >= {"POST /sweeps", "POST /baselines", "POST /comparisons", "POST /runs/{run_id}/retry"}
    assert all(
        name.startswith("POST ") and not name.endswith(("/preview", "/cancel", "/retry-failed")) for name in made
    )


def test_every_operation_says_that_its_errors_are_problems(schema):
    for name, operation in operations(schema):
        for status in ("4XX", "5XX"):
            content = operation["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, name
        assert "422" not in operation["responses"], name
    assert schema["components"]["schemas"]["Problem"] == PROBLEM_SCHEMA
    assert "HTTPValidationError" not in json.dumps(schema)


def test_operations_are_called_as_functions_of_a_client_would_be(schema):
    names = [operation["operationId"] for _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    verbs = "list|get|stream|submit|preview|cancel|retry|create|compare|delete|update"
    assert [name for name in names if not re.fullmatch(rf"({verbs})(_[a-z]+)+", name)] == []
    assert {"list_runs", "get_run", "submit_sweep", "get_model_cost", "get_artifact"} <= set(names)


def test_every_reference_leads_somewhere(schema):
    found = [part.split('"')[0] for part in json.dumps(schema).split('"#/components/schemas/')[1:]]
    assert set(found) <= schema["components"]["schemas"].keys()
