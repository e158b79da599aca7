"""How much a key may ask for, and the kinds of keys that open nothing by themselves."""

import asyncio

import pytest

from backend.app import PREFIX
from backend.doorkeeper import Rate
from backend.keys import Token, mint
from backend.migrations import upgrade
from backend.routes.runs import stream_run_events
from backend.store import QuotaExceeded, Store, make_engine
from mgic.records import Caller
from tests.backend.keyed import HERE, added, asking, by, measured, refused
from tests.backend.store_points import new_sweep
from worker.beacon import is_let_in


@pytest.fixture
def store(keyed_store) -> Store:
    return keyed_store


# How much


def test_requests_beyond_the_rate_wait_and_are_told_how_long(store):
    client = asking(store, reads_per_minute=3, submits_per_minute=1)
    ada, bob = added(store, "submit", "ada"), added(store, "submit", "bob")
    assert [client.get("runs", headers=by(ada)).status_code for _ in range(4)] == [200, 200, 200, 429]
    last = client.get("runs", headers=by(ada))
    assert "3 reading requests a minute" in refused(last, 429, "rate-limited")
    assert 15 <= int(last.headers["retry-after"]) <= 20
    assert client.get("runs", headers=by(bob)).status_code == 200
    sweep = store.add_sweep(new_sweep(owner="ada"))
    told = [client.patch(f"sweeps/{sweep.id}", json={"notes": "x"}, headers=by(ada)).status_code for _ in range(2)]
    assert told == [200, 429]
    here = asking(store, HERE, api_host="127.0.0.1", reads_per_minute=1)
    assert [here.get("runs").status_code for _ in range(3)] == [200] * 3


def test_what_leads_nowhere_and_what_a_key_does_not_open_is_counted_too(store):
    client, eve = asking(store, reads_per_minute=2, submits_per_minute=1), added(store, "read", "eve")
    assert [client.get("nothing", headers=by(eve)).status_code for _ in range(3)] == [404, 404, 429]
    assert [client.put("runs", headers=by(eve)).status_code for _ in range(2)] == [403, 429]
    other = asking(store, submits_per_minute=1)
    asked = [other.post("sweeps/preview", json={"experiment": "x"}, headers=by(eve)) for _ in range(2)]
    assert [answer.status_code for answer in asked] == [asked[0].status_code] * 2, "which changes nothing"


@pytest.mark.parametrize(("path", "scope"), [("health", None), ("comparisons", None), ("comparisons", "read")])
def test_nothing_is_read_of_a_body_that_would_be_refused(store, path, scope):
    app, sent = asking(store).app, []
    headers = [(b"host", b"lab.example.org"), (b"content-type", b"application/json")]
    if scope:
        headers.append((b"authorization", f"Bearer {added(store, scope).text}".encode()))

    async def receive() -> dict:
        raise AssertionError("it was read")

    async def send(message) -> None:
        sent.append(message)

    asked = {"type": "http", "method": "POST", "path": f"{PREFIX}/{path}", "query_string": b"", "headers": headers}
    asyncio.run(app(asked, receive, send))
    assert sent[0]["status"] == (403 if scope else 401)


def test_a_key_has_so_many_requests_open_and_others_have_theirs(store):
    client, ada, bob = asking(store, max_open_each=1), added(store, "read", "ada"), added(store, "read", "bob")
    me = Caller(**client.get("me", headers=by(ada)).json())
    with client.app.state.doorkeeper.at_work({"state": {"caller": me}}):
        second = client.get("me", headers=by(ada))
        assert "1 requests open at a time" in refused(second, 429, "rate-limited")
        assert second.headers["retry-after"] == "1"
        assert client.get("me", headers=by(bob)).status_code == 200
    assert client.get("me", headers=by(ada)).status_code == 200
    assert not client.app.state.doorkeeper._at_work


def test_on_a_disk_with_little_room_nothing_new_is_kept_of_who_has_a_key(store):
    ada = added(store, "submit", "ada")
    client = asking(store, low_disk_bytes=2**60)
    words = refused(client.post("comparisons", json=measured(20), headers=by(ada)), 503, "unavailable")
    assert "(MGIC_LOW_DISK_BYTES) nothing new is kept" in words
    kept = asking(store).post("comparisons", json=measured(20), headers=by(ada))
    assert client.delete(f"comparisons/{kept.json()['id']}", headers=by(ada)).status_code == 204
    here = asking(store, HERE, api_host="127.0.0.1", low_disk_bytes=2**60)
    assert here.post("comparisons", json=measured(20)).status_code == 201, "whose machine it is"


def test_an_address_that_tries_keys_has_to_wait_and_who_has_one_has_not(store):
    client, good = asking(store, refusals_per_minute=2), added(store, "read")
    assert [client.get("runs", headers=by(mint())).status_code for _ in range(3)] == [401, 401, 429]
    refused(client.get("runs"), 429, "rate-limited")
    assert client.get("runs", headers=by(good)).status_code == 200


def test_a_rate_fills_again_and_forgets_whom_it_has_not_seen_for_long():
    now = [0.0]
    rate = Rate(60, lambda: now[0])
    assert [rate.spend("a") for _ in range(60)] == [0.0] * 60
    assert rate.spend("a") == pytest.approx(1.0)
    now[0] = 2.0
    assert [rate.spend("a") for _ in range(3)] == [0.0, 0.0, pytest.approx(1.0)]
    for number in range(10_001):
        rate.spend(f"b{number}")
    assert len(rate._buckets) == 10_000


def test_an_owner_has_a_quota_of_what_waits(store):
    store.add_sweep(new_sweep(3, owner="carl"))
    with pytest.raises(
        QuotaExceeded, match="3 runs of carl are queued, and 2 more are asked for; each owner may have 4"
    ):
        store.add_sweep(new_sweep(2, owner="carl"))
    store.add_sweep(new_sweep(1, owner="carl"))
    store.add_sweep(new_sweep(5))
    store.add_sweep(new_sweep(4, owner="dora"))


# Kinds


def test_the_pages_ask_for_whom_they_speak_and_with_no_more_than_that_has(store):
    client, pages, ada = asking(store), added(store, "pages"), added(store, "admin", "ada")
    refused(client.get("me", headers=by(pages)), 403, "forbidden")
    eve = {"MGIC-User": "eve@example.org", "MGIC-Scope": "read"}
    me = client.get("me", headers=by(pages, **eve)).json()
    assert (me["name"], me["scope"], me["key_id"]) == ("eve@example.org", "read", pages.id)
    refused(client.delete("demo", headers=by(pages, **eve)), 403, "forbidden")
    refused(client.get("me", headers=by(pages, **eve | {"MGIC-Scope": "root"})), 403, "forbidden")
    refused(client.get("me", headers=by(ada, **eve)), 403, "forbidden")
    here = asking(store, HERE, api_host="127.0.0.1")
    assert here.get("me", headers=eve).json()["name"] == "", "without a key they mean nothing"


def test_a_stream_ends_with_its_key(store, monkeypatch):
    monkeypatch.setattr("backend.lookout.KEY_EVERY_S", 0.0)
    monkeypatch.setattr("backend.lookout.QUIET_S", 0.01)
    client, token = asking(store), added(store, "read")
    (run,), _ = store.sweep_runs(store.add_sweep(new_sweep()).id, 1)
    seen = []

    class Listener:
        async def is_disconnected(self) -> bool:
            return False

    async def still_let_in() -> bool:
        return await client.app.state.doorkeeper._is_still_let_in(f"Bearer {token.text}")

    async def listen() -> None:
        async for event in stream_run_events(run.id, Listener(), store, client.app.state.of_runs, still_let_in):
            seen.append(event.data.to_status)
            store.revoke_key(token.id)

    asyncio.run(asyncio.wait_for(listen(), 20))
    assert seen == ["queued"], "the run goes on, and the stream does not"


def test_a_worker_needs_a_key_once_there_are_keys_for_workers(sqlite_url):
    upgrade(make_engine(sqlite_url))
    store = Store.open(sqlite_url)
    read = added(store, "read")
    assert is_let_in(store, None)
    mine, other = added(store, "worker"), added(store, "worker")
    refused_now = (None, read, mint(), Token(mine.id, other.secret))
    assert [is_let_in(store, key) for key in (mine, other, *refused_now)] == [True, True, *[False] * 4]
    for key in (mine, other):
        store.revoke_key(key.id)
    assert [is_let_in(store, key) for key in (None, mine, other)] == [False] * 3, "no worker at all is no open door"
    store.close()
