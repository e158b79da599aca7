"""What the API answers keeps to the schema that it shows of itself."""

from importlib import import_module

import hypothesis

from tests.backend.api_alone import PREFIX


def test_what_the_api_answers_is_what_its_schema_says(api):
    """Made-up requests of everything that stores nothing; events are left out, as they do not end."""
    schemathesis = import_module("schemathesis")  # half a second, for this test alone
    checks = schemathesis.checks
    held = (
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    )
    api.http.post("/sweeps", json={"experiment": "cost", "axes": {"side": [8, 16]}})
    described = schemathesis.openapi.from_dict(api.http.get("/openapi.json").json())
    described.config.update(base_url=f"http://127.0.0.1:{api.port}")
    before, asked, stores_nothing = api.stored(), set(), []
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.method.upper() != "GET" and not operation.path.endswith("/preview"):
            continue
        if operation.path.endswith("/events"):
            continue
        stores_nothing.append(operation.path)

        @hypothesis.settings(
            max_examples=hypothesis.settings().max_examples // 5,  # there are forty operations
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case):
            asked.add(case.operation.path)
            if case.query:
                case.query.pop("wait", None)
            case.call_and_validate(checks=held)

        check()
    assert asked == set(stores_nothing)
    assert {f"{PREFIX}/health", f"{PREFIX}/results", f"{PREFIX}/sweeps/preview"} <= asked
    assert api.stored() == before
