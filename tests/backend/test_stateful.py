"""Every operation by itself, and one after the other, each fed with what others answered, never surprises the API."""

from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

import pytest

from backend.keys import mint
from backend.store import Store, sqlite_url
from tests.backend.api_alone import PREFIX, Api, running_api
from tests.backend.keyed import asking
from tests.backend.store_points import new_sweep
from tests.backend.test_keys import routes

pytestmark = [pytest.mark.fault, pytest.mark.thorough]

ORDERS = 200  # of calls, that follow from the links of the schema: submit, look, cancel, try again, tag, delete
EACH = 10  # made-up requests of an operation by itself
HELD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
ENDLESS = "/events$"  # of a run that never ends here
UNCOUNTED = {
    f"MGIC_{name}": "1000000"
    for name in ("READS_PER_MINUTE", "SUBMITS_PER_MINUTE", "REFUSALS_PER_MINUTE", "MAX_QUEUED_EACH")
}


class Asked(NamedTuple):
    """An answer to a request of the walk; `status` is 0 where there was none."""

    method: str
    path: str
    status: int


def walked(api: Api, key: str, orders: int) -> Iterator[Asked]:
    """Asks all there is to be asked, with the key; nothing of it may break what the schema says."""
    schemathesis, engine = import_module("schemathesis"), import_module("schemathesis.engine")
    told = {
        "base-url": f"http://127.0.0.1:{api.port}",
        "seed": 1,
        "request-timeout": 60,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "parameters": {"wait": 0},
        "generation": {"database": "none"},
        "phases": {
            "enabled": False,
            "fuzzing": {"enabled": True, "generation": {"max-examples": EACH}},
            "stateful": {"enabled": True, "generation": {"max-examples": orders}},
        },
        "checks": {"enabled": False, **{name: {"enabled": True} for name in HELD}},
    }
    config = schemathesis.Config.from_dict(told)
    described = schemathesis.openapi.from_dict(api.http.get("/openapi.json").json(), config=config)
    described = described.exclude(path_regex=ENDLESS)
    wrong: list[object] = []
    found: set[tuple[str, str]] = set()
    for event in engine.from_schema(described).execute():
        if hasattr(event, "recorder"):
            for name, case in event.recorder.cases.items():
                answer = event.recorder.interactions[name].response if name in event.recorder.interactions else None
                asked = Asked(case.value.method.upper(), case.value.path, answer.status_code if answer else 0)
                found.add(asked[:2])
                yield asked
            wrong += [check for checks in event.recorder.checks.values() for check in checks if check.failure_info]
        wrong += [event.info] if hasattr(event, "info") else []
    assert wrong == []
    assert {(one.ok().method.upper(), one.ok().path) for one in described.get_all_operations()} <= found


def test_no_order_of_operations_meets_an_answer_that_the_schema_does_not_have(api):
    asked = list(walked(api, "", ORDERS))
    assert ("DELETE", f"{PREFIX}/runs/{{run_id}}") in {one[:2] for one in asked}


@pytest.mark.parametrize("scope", ["read", "submit"])
def test_with_a_key_no_answer_is_one_that_its_scope_does_not_open(tmp_path, scope):
    """And what somebody else has submitted stays as it is, whatever is tried."""
    admin, mine = mint(), mint()
    (tmp_path / "admin").write_text(admin.text)
    told = {"MGIC_KEYS_REQUIRED": "true", "MGIC_ADMIN_KEY_FILE": str(tmp_path / "admin")} | UNCOUNTED
    with running_api(tmp_path, **told) as api:
        store = Store.open(sqlite_url(tmp_path / "mgic.db"))
        store.add_key(mine.id, "eve", scope, mine.digest)
        hers = store.add_sweep(new_sweep(3, owner="ada"))
        before, all_before = (store.sweep(hers.id), store.sweep_runs(hers.id, 10)), api.stored()
        opens = {(method, path.replace(":path}", "}")): needed for method, path, needed in routes(asking(store))}
        asked = list(walked(api, mine.text, ORDERS // 2))
        assert (store.sweep(hers.id), store.sweep_runs(hers.id, 10)) == before
        if scope == "read":
            assert api.stored() == all_before
        store.close()
    above = {"read": ("submit", "admin"), "submit": ("admin",)}[scope]
    refused = [one for one in asked if opens[one[:2]] in above]
    assert {(one.method, one.path) for one in refused} == {way for way, needed in opens.items() if needed in above}
    assert {one.status // 100 for one in refused} == {4}
    assert 403 in {one.status for one in refused}
    assert 200 in {one.status for one in asked}
