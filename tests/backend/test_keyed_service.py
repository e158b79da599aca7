"""A service that listens everywhere, as a team uses it: keys by the command, work by people with scopes, an audit."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from backend.keys import mint
from backend.store import Store, sqlite_url
from mgic.client import ApiError, Client
from mgic.records import RunStatus, SweepRequest
from tests.backend.api_alone import Api, running_api
from tests.conftest import start_service, stop_service

pytestmark = pytest.mark.thorough
TINY = SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]})


def mgic(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = os.environ | {"MGIC_HOME": str(home)} | environment
    return subprocess.run([sys.executable, "-m", "mgic", *words], env=told, capture_output=True, text=True, timeout=600)


def created(home: Path, name: str, scope: str, *more: str) -> str:
    done = mgic("key", "create", name, "--scope", scope, *more, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "a script reads the key alone"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def keyed(tmp_path_factory) -> Iterator[tuple[Api, dict[str, str]]]:
    """An API that asks everybody for a key, with a key for each of three people."""
    home = tmp_path_factory.mktemp("keyed")
    made = {name: mint() for name in ("root", "ci", "eve")}
    keys = {name: token.text for name, token in made.items()}
    (home / "admin").write_text(keys["root"])
    told = {"MGIC_KEYS_REQUIRED": "true", "MGIC_ADMIN_KEY_FILE": str(home / "admin")}
    with running_api(home, MGIC_MAX_SWEEP_MACS="1e13", MGIC_MAX_QUEUED_EACH="5", **told) as api:
        store = Store.open(sqlite_url(home / "mgic.db"))
        for name, scope in (("ci", "submit"), ("eve", "read")):
            store.add_key(made[name].id, name, scope, made[name].digest)
        store.close()
        yield api, keys


@pytest.fixture
def as_(keyed) -> Iterator:
    api, keys = keyed
    clients = {name: Client(api.client.url, key, timeout=60) for name, key in keys.items()}
    yield clients.__getitem__
    for client in clients.values():
        client.close()


def test_each_does_what_their_key_opens_and_the_audit_tells_it(keyed, as_):
    api, keys = keyed
    assert httpx.get(f"{api.client.url}/api/v1/ready").status_code == 401
    sweep = as_("ci").submit(TINY, idempotency_key="1")
    assert sweep.owner == "ci"
    assert as_("ci").submit(TINY, idempotency_key="1").id == sweep.id
    (run, _) = as_("eve").sweep_runs(sweep.id)
    as_("ci").cancel_sweep(sweep.id)
    events = httpx.get(f"{api.http.base_url}runs/{run.id}/events", headers={"Authorization": f"Bearer {keys['eve']}"})
    assert events.text.count("event: transition") == 2
    for refused in (
        lambda: as_("eve").submit(TINY),
        lambda: as_("eve").delete_sweep(sweep.id),
        lambda: as_("ci").acts(),
        lambda: as_("ci").load_demo(),
    ):
        with pytest.raises(ApiError) as told:
            refused()
        assert (told.value.status, told.value.type) == (403, "/problems/forbidden")
    as_("root").delete_sweep(sweep.id)
    lines = [(act.by, act.action) for act in as_("root").acts().items]
    submitted = ("ci", "submit_sweep")
    assert lines == [("admin", "delete_sweep"), ("ci", "cancel_sweep"), submitted, submitted]
    shown = mgic("audit", home=api.folder, MGIC_API_URL=api.client.url, MGIC_API_KEY=keys["root"])
    assert [line.split()[2] for line in shown.stdout.splitlines()] == ["admin", "ci", "ci", "ci"]


def test_a_name_has_a_quota_of_what_waits_and_is_told_when_to_come_again(as_):
    first, second = (SweepRequest(experiment="cost", axes={"side": sides}) for sides in ([8, 9, 10], [11, 12, 13]))
    kept = as_("ci").submit(first)
    with pytest.raises(
        ApiError, match="3 runs of ci are queued, and 3 more are asked for; each owner may have 5"
    ) as told:
        as_("ci").submit(second)
    assert (told.value.status, told.value.type, told.value.retry_s) == (429, "/problems/quota-exceeded", 5)
    as_("root").submit(second)
    as_("ci").cancel_sweep(kept.id)
    as_("ci").submit(second)


def test_a_sweep_that_costs_too_much_is_refused_with_the_numbers_before_it_is_queued(as_):
    axes = {"model": ["resnet20"], "dataset": ["digits"], "epochs": [1000], "seed": list(range(20))}
    with pytest.raises(ApiError) as told:
        as_("ci").submit(SweepRequest(experiment="classification", axes=axes))
    assert told.value.type == "/problems/too-expensive"
    assert told.value.problem["estimate"]["sweep_macs"] > told.value.problem["estimate"]["limit"] == 1e13
    assert as_("ci").sweeps(experiment="classification").items == ()


def test_a_wrong_key_is_refused_by_a_service_that_asks_for_none(api):
    done = mgic("status", "--api-url", api.client.url, "--api-key", mint().text, home=api.folder)
    assert (done.returncode, "there is no such key" in done.stderr) == (5, True)
    assert mgic("status", "--api-url", api.client.url, home=api.folder).returncode == 0


def test_mgic_up_listens_everywhere_once_there_is_a_key(tmp_path):
    """Its own questions at the start have one, and without it would be refused as everybody's."""
    home = tmp_path / "home"
    key = created(home, "root", "admin")
    running = start_service(home, words=("--slots", "1"), MGIC_API_HOST="0.0.0.0", MGIC_API_KEY=key)
    try:
        assert httpx.get(f"{running.url}/api/v1/runs").status_code == 401
        with Client(running.url, key, timeout=60) as client:
            sweep = client.wait(client.submit(TINY).id, timeout=120)
            assert (sweep.counts, sweep.owner) == ({RunStatus.SUCCEEDED: 2}, "root")
    finally:
        stop_service(running)


def test_a_key_comes_from_a_file_and_is_gone_when_it_is_revoked(keyed):
    api, _ = keyed
    home = api.folder
    key = created(home, "brief", "read", "--expires", "12h")
    file = home / "brief-key"
    file.write_text(f"{key}\n")
    told = {"MGIC_API_URL": api.client.url, "MGIC_API_KEY_FILE": str(file)}
    assert mgic("status", home=home, **told).returncode == 0
    listed = json.loads(mgic("key", "list", "--json", home=home).stdout)
    (mine,) = [one for one in listed if one["name"] == "brief"]
    assert mine["state"] == "active"
    assert mine["expires_at"]
    assert mgic("key", "revoke", mine["id"], home=home).returncode == 0
    refused = mgic("status", home=home, **told)
    assert (refused.returncode, "this key is revoked" in refused.stderr) == (5, True)
    assert mgic("key", "revoke", "0" * 16, home=home).returncode == 4
    wrong = mgic("key", "create", "x", "--scope", "root", home=home)
    assert (wrong.returncode, "invalid choice: 'root'" in wrong.stderr) == (2, True)
