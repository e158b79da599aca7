"""Keys on a service that others reach: who is let in, to what, and what is written down of it."""

import hashlib
import time
from uuid import uuid4

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from backend.app import PREFIX, UNKEYED
from backend.auth import Needs
from backend.keys import Token, mint, read_token
from backend.keys.__main__ import read_expiry
from backend.store import Store
from mgic.errors import BadConfig
from tests.backend.keyed import AWAY, HERE, added, asking, by, measured, refused
from tests.backend.store_points import new_sweep


@pytest.fixture
def store(keyed_store) -> Store:
    return keyed_store


# The table of routes


def routes(client: TestClient):
    """Every method and path that the application answers, with the scope it needs; None: it needs no key."""
    for route in iter_route_contexts(client.app.routes):
        needs = [one.call for one in route.dependant.dependencies if isinstance(one.call, Needs)]
        for method in sorted(route.methods):
            yield method, route.path, needs[0].scope if len(needs) == 1 else None


def test_every_route_but_health_needs_a_scope(store):
    table = list(routes(asking(store)))
    assert {path for _, path, scope in table if scope is None} == UNKEYED == {f"{PREFIX}/health"}
    changing = {(method, path): scope for method, path, scope in table if method not in ("GET", "HEAD")}
    reading = {path for (_, path), scope in changing.items() if scope == "read"}
    assert reading == {f"{PREFIX}/sweeps/preview"}
    admin = {path for _, path, scope in table if scope == "admin"}
    assert admin == {f"{PREFIX}/{path}" for path in ("audit", "demo", "prune", "baselines/{baseline_id}")}
    assert len(table) > 45


def test_a_stranger_is_told_nothing_by_any_route(store):
    """Nor by one that is none; events and files are refused as everything else is."""
    client, worker = asking(store), added(store, "worker")
    paths = [(method, path.replace("{name:path}", "x").replace("{name}", "x")) for method, path, _ in routes(client)]
    for method, path in [*paths, ("GET", "/nothing"), ("OPTIONS", f"{PREFIX}/sweeps"), ("TRACE", f"{PREFIX}/runs")]:
        for part in ("sweep_id", "run_id", "baseline_id", "comparison_id"):
            path = path.replace(f"{{{part}}}", str(uuid4()))
        if path in UNKEYED:
            continue
        nobody = client.request(method, AWAY + path)
        assert nobody.headers["www-authenticate"] == "Bearer"
        if method != "HEAD":
            refused(nobody, 401, "unauthenticated")
            refused(client.request(method, AWAY + path, headers=by(worker)), 403, "forbidden")
    assert client.get("health").json()["status"] == "ok"


# Which keys


def test_a_key_opens_what_its_scope_says_and_what_smaller_ones_open(store):
    client = asking(store)
    read, submit, admin = (added(store, scope) for scope in ("read", "submit", "admin"))
    body = measured(0)
    for token, statuses in ((read, (200, 403, 403)), (submit, (200, 201, 403)), (admin, (200, 201, 200))):
        told = (
            client.get("sweeps", headers=by(token)).status_code,
            client.post("comparisons", json=body, headers=by(token)).status_code,
            client.get("audit", headers=by(token)).status_code,
        )
        assert told == statuses
    words = refused(client.post("comparisons", json=body, headers=by(read)), 403, "forbidden")
    assert "needs a key of the scope submit" in words
    me = client.get("me", headers=by(read)).json()
    assert (me["scope"], me["key_id"], me["name"]) == ("read", read.id, f"read {read.id}")
    assert read.secret not in str(me)


def test_wrong_revoked_and_expired_keys_are_refused_in_one_way(store):
    client = asking(store)
    good, old = added(store, "admin"), added(store, "admin", expires_at=time.time() - 1)
    revoked = added(store, "admin")
    assert client.get("me", headers=by(revoked)).status_code == 200
    store.revoke_key(revoked.id)
    other_secret = Token(good.id, mint().secret)
    for token, words in (
        (other_secret, "there is no such key"),
        (mint(), "there is no such key"),
        (revoked, "this key is revoked"),
        (old, "this key is expired"),
    ):
        assert refused(client.get("runs", headers=by(token)), 401, "unauthenticated") == words
    for text in (
        "Bearer",
        "Bearer x",
        f"Basic {good.text}",
        good.text,
        f"Bearer {good.text} {good.text}",
        "",
        "Bearer ä",
    ):
        given = {"Authorization": text.encode("latin-1")}
        refused(client.get("runs", headers=given), 401, "unauthenticated")
    for place in ("api_key", "key", "token", "access_token"):
        refused(client.get(f"runs?{place}={good.text}"), 401, "unauthenticated")
    assert client.get("runs", headers=by(good)).status_code == 200


def test_of_a_key_a_hash_is_kept_and_when_it_was_used(store):
    token = added(store, "read", "ada")
    kept = store.key(token.id)
    assert kept.digest == hashlib.sha256(token.secret.encode()).hexdigest()
    assert len(token.secret) == 43  # 256 bits
    assert kept.last_used_at is None
    asking(store).get("me", headers=by(token))
    used = store.key(token.id).last_used_at
    assert used == pytest.approx(time.time(), abs=60)
    asking(store).get("me", headers=by(token))
    assert store.key(token.id).last_used_at == used, "a moment later is no news"
    assert not store.add_key(token.id, "eve", "admin", mint().digest)
    assert store.key(token.id).name == "ada"


# Who needs none


@pytest.mark.parametrize(
    ("bind", "url", "headers", "let_in"),
    [
        ("127.0.0.1", HERE, {}, True),
        ("localhost", "http://localhost:8000", {}, True),
        ("0.0.0.0", HERE, {}, False),
        ("127.0.0.1", "http://10.0.0.5:8000", {}, False),
        ("127.0.0.1", HERE, {"Host": "lab.example.org"}, False),
        ("127.0.0.1", HERE, {"X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", HERE, {"Forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", HERE, {"Via": "1.1 caddy"}, False),
    ],
)
def test_without_a_key_only_this_machine_is_let_in_to_a_service_of_its_own(store, bind, url, headers, let_in):
    client = asking(store, url, api_host=bind, allowed_hosts="lab.example.org,10.0.0.5")
    assert client.get("runs", headers=headers).status_code == (200 if let_in else 401)


def test_a_key_that_is_given_is_checked_on_this_machine_too(store):
    client = asking(store, HERE, api_host="127.0.0.1")
    refused(client.get("runs", headers=by(mint())), 401, "unauthenticated")
    refused(client.get("runs", headers={"Authorization": "Bearer wrong"}), 401, "unauthenticated")
    read = added(store, "read")
    refused(client.delete("demo", headers=by(read)), 403, "forbidden")
    assert client.delete("demo").status_code == 204
    told = asking(store, HERE, api_host="127.0.0.1", keys_required=True)
    refused(told.get("runs"), 401, "unauthenticated")


# Whose things


def test_what_is_submitted_is_read_by_all_and_changed_by_its_owner_or_an_admin(store):
    client = asking(store)
    ada, bob, admin = added(store, "submit", "ada"), added(store, "submit", "bob"), added(store, "admin")
    again = added(store, "submit", "ada")
    hers, nobodys = store.add_sweep(new_sweep(owner="ada")), store.add_sweep(new_sweep())
    (run,), _ = store.sweep_runs(hers.id, 1)
    for path in (f"sweeps/{hers.id}", f"runs/{run.id}"):
        assert client.get(path, headers=by(bob)).status_code == 200
        assert "ada has submitted it" in refused(client.post(f"{path}/cancel", headers=by(bob)), 403, "forbidden")
        refused(client.patch(path, json={"notes": "x"}, headers=by(bob)), 403, "forbidden")
        refused(client.delete(path, headers=by(bob)), 403, "forbidden")
    refused(client.post(f"sweeps/{hers.id}/retry-failed", headers=by(bob)), 403, "forbidden")
    refused(client.post(f"runs/{run.id}/retry", headers=by(bob)), 403, "forbidden")
    refused(client.post(f"sweeps/{nobodys.id}/cancel", headers=by(ada)), 403, "forbidden")
    refused(client.post(f"sweeps/{uuid4()}/cancel", headers=by(ada)), 404, "not-found")
    assert client.get(f"sweeps/{hers.id}", headers=by(bob)).json()["owner"] == "ada"
    assert client.post(f"sweeps/{hers.id}/cancel", headers=by(again)).status_code == 200, "another key of hers"
    assert client.post(f"sweeps/{nobodys.id}/cancel", headers=by(admin)).status_code == 200
    kept = client.post("comparisons", json=measured(7), headers=by(ada)).json()["id"]
    refused(client.delete(f"comparisons/{kept}", headers=by(bob)), 403, "forbidden")
    assert client.delete(f"comparisons/{kept}", headers=by(ada)).status_code == 204


def test_two_who_choose_one_idempotency_key_do_not_meet(store):
    client = asking(store)
    ada, bob = added(store, "submit", "ada"), added(store, "submit", "bob")
    same = {"Idempotency-Key": "1"}
    hers, hers_again, his = (
        client.post("comparisons", json=measured(number), headers=by(token, **same)).json()["id"]
        for token, number in ((ada, 1), (ada, 1), (bob, 2))
    )
    assert hers == hers_again != his
    refused(client.post("comparisons", json=measured(3), headers=by(ada, **same)), 422, "idempotency-mismatch")


def test_the_audit_has_who_changed_what_and_nothing_that_was_refused(store):
    client = asking(store)
    ada, admin = added(store, "submit", "ada"), added(store, "admin", "root")
    sweep = store.add_sweep(new_sweep(owner="ada"))
    before = client.get("audit", params={"limit": 500}, headers=by(admin)).json()["items"]
    client.patch(f"sweeps/{sweep.id}", json={"notes": "mine"}, headers=by(ada))
    client.patch(f"sweeps/{sweep.id}", json={"nots": "mine"}, headers=by(ada))
    client.post("demo", headers=by(ada))
    client.get(f"sweeps/{sweep.id}", headers=by(ada))
    client.post(f"sweeps/{sweep.id}/cancel", headers=by(ada))
    client.delete(f"sweeps/{sweep.id}", headers=by(admin))
    lines = client.get("audit", params={"limit": 500}, headers=by(admin)).json()["items"]
    new = lines[: len(lines) - len(before)]
    place = f"{PREFIX}/sweeps/{sweep.id}"
    assert [(line["by"], line["key_id"], line["action"], line["target"]) for line in new] == [
        ("root", admin.id, "delete_sweep", place),
        ("ada", ada.id, "cancel_sweep", f"{place}/cancel"),
        ("ada", ada.id, "update_sweep", place),
    ]
    first = client.get("audit", params={"limit": 1, "by": "ada"}, headers=by(admin)).json()
    assert first["items"] == [new[1]]
    more = {"limit": 1, "by": "ada", "cursor": first["next_cursor"]}
    assert client.get("audit", params=more, headers=by(admin)).json()["items"] == [new[2]]


# Below a path


def test_behind_a_proxy_all_paths_that_are_told_begin_where_it_has_put_us(store):
    client, submit = asking(store, root_path="/lab"), added(store, "submit")
    for path in ("/lab/api/v1", "/api/v1"):
        index = client.get(AWAY + path, headers=by(submit)).json()
        assert (index["page"], index["links"]["list_runs"]) == ("/lab/docs", "/lab/api/v1/runs")
    made = client.post(f"{AWAY}/lab/api/v1/comparisons", json=measured(9), headers=by(submit))
    assert client.get(AWAY + made.headers["location"], headers=by(submit)).json()["id"] == made.json()["id"]
    wrong = client.put(f"{AWAY}/lab/api/v1/runs", headers=by(submit))
    assert (refused(wrong, 405, "method-not-allowed"), wrong.headers["allow"]) == ("Method Not Allowed", "GET")
    assert client.get(f"{AWAY}/laboratory/api/v1/health").status_code == 401
    large = {"measured": "x" * 300_000}
    assert client.post(f"{AWAY}/lab/api/v1/comparisons", json=large, headers=by(submit)).status_code == 422
    assert client.post(f"{AWAY}/lab/api/v1/baselines", json=large, headers=by(submit)).status_code == 413


# What a key looks like


def test_what_is_no_key_is_not_looked_for():
    token = mint()
    assert read_token(token.text) == token
    assert token.matches(token.digest)
    assert not token.matches(None)
    for text in ("", "mgic_", token.text + " ", token.text.upper(), f"mgic_{token.id}.short", f"x{token.text}"):
        assert read_token(text) is None


def test_an_expiry_is_a_while_or_a_date():
    assert read_expiry("", 0.0) is None
    assert read_expiry("12h", 0.0) == 12 * 3600
    assert read_expiry("90d", 100.0) == 90 * 86_400 + 100
    assert read_expiry("2100-01-01", 0.0) == 4_102_444_800
    for text, words in (("soon", "is written 12h"), ("0d", "is written"), ("1970-01-01", "is over")):
        with pytest.raises(BadConfig, match=words):
            read_expiry(text, 1.0)
