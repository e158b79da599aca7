"""Every operation by itself, and one after the other, each fed with what others answered, never surprises the API."""

from importlib import import_module

import pytest

from tests.backend.api_alone import PREFIX

ORDERS = 200  # of calls, that follow from the links of the schema: submit, look, cancel, try again, tag, delete
EACH = 10  # made-up requests of an operation by itself
HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
ENDLESS = "/events$"  # of a run that never ends here


@pytest.mark.fault
@pytest.mark.thorough
def test_no_order_of_operations_meets_an_answer_that_the_schema_does_not_have(api):
    schemathesis, engine = import_module("schemathesis"), import_module("schemathesis.engine")
    told = {
        "base-url": f"http://127.0.0.1:{api.port}",
        "seed": 1,
        "request-timeout": 60,
        "parameters": {"wait": 0},
        "generation": {"database": "none"},
        "phases": {
            "enabled": False,
            "fuzzing": {"enabled": True, "generation": {"max-examples": EACH}},
            "stateful": {"enabled": True, "generation": {"max-examples": ORDERS}},
        },
        "checks": {"enabled": False, **{name: {"enabled": True} for name in HELD}},
    }
    config = schemathesis.Config.from_dict(told)
    described = schemathesis.openapi.from_dict(api.http.get("/openapi.json").json(), config=config)
    described = described.exclude(path_regex=ENDLESS)
    asked: set[tuple[str, str]] = set()
    wrong: list[object] = []
    for event in engine.from_schema(described).execute():
        if hasattr(event, "recorder"):
            asked |= {(case.value.method.upper(), case.value.path) for case in event.recorder.cases.values()}
            wrong += [check for checks in event.recorder.checks.values() for check in checks if check.failure_info]
        wrong += [event.info] if hasattr(event, "info") else []
    assert wrong == []
    every = {(one.ok().method.upper(), one.ok().path) for one in described.get_all_operations()}
    assert {one for one in every if not one[1].endswith("/events")} <= asked
    assert ("DELETE", f"{PREFIX}/runs/{{run_id}}") in asked
