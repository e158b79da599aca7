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
from mgic.client import ApiError, Client
from mgic.records import RunStatus, SweepRequest
from tests.conftest import Service, start_service, stop_service

pytestmark = pytest.mark.thorough
TINY = SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]})


def mgic(*words: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    told = os.environ | {"MGIC_HOME": str(home)} | environment
    return subprocess.run([sys.executable, "-m", "mgic", *words], env=told, capture_output=True, text=True, timeout=120)


def created(home: Path, name: str, scope: str, *more: str) -> str:
    done = mgic("key", "create", name, "--scope", scope, *more, home=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1, "a script reads the key alone"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory) -> Iterator[tuple[Service, dict[str, str]]]:
    """`mgic up` at all addresses, with keys made before its first start."""
    home = tmp_path_factory.mktemp("everywhere")
    keys = {name: created(home, name, scope) for name, scope in (("root", "admin"), ("ci", "submit"), ("eve", "read"))}
    limits = {"MGIC_MAX_SWEEP_MACS": "1e13", "MGIC_MAX_QUEUED_EACH": "50"}
    running = start_service(home, words=("--slots", "1"), MGIC_API_HOST="0.0.0.0", MGIC_API_KEY=keys["root"], **limits)
    yield running, keys
    stop_service(running)


@pytest.fixture
def as_(everywhere) -> Iterator:
    service, keys = everywhere
    clients = {name: Client(service.url, key, timeout=60) for name, key in keys.items()}
    yield clients.__getitem__
    for client in clients.values():
        client.close()


def test_each_does_what_their_key_opens_and_the_audit_tells_it(everywhere, as_):
    service, keys = everywhere
    assert httpx.get(f"{service.url}/api/v1/ready").status_code == 401
    sweep = as_("ci").submit(TINY, idempotency_key="1")
    assert sweep.owner == "ci"
    assert as_("ci").submit(TINY, idempotency_key="1").id == sweep.id
    done = as_("eve").wait(sweep.id, timeout=120)
    assert done.counts == {RunStatus.SUCCEEDED: 2}
    (run, _) = as_("eve").sweep_runs(sweep.id)
    events = httpx.get(f"{service.url}/api/v1/runs/{run.id}/events", headers={"Authorization": f"Bearer {keys['eve']}"})
    assert events.text.count("event: transition") == 3
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
    assert lines == [("root", "delete_sweep"), ("ci", "submit_sweep"), ("ci", "submit_sweep")]
    shown = mgic("audit", home=service.home, MGIC_API_URL=service.url, MGIC_API_KEY=keys["root"])
    assert [line.split()[2] for line in shown.stdout.splitlines()] == ["root", "ci", "ci"]


def test_a_sweep_that_costs_too_much_is_refused_with_the_numbers_before_it_is_queued(as_):
    axes = {"model": ["resnet20"], "dataset": ["digits"], "epochs": [1000], "seed": list(range(20))}
    with pytest.raises(ApiError) as told:
        as_("ci").submit(SweepRequest(experiment="classification", axes=axes))
    assert told.value.type == "/problems/too-expensive"
    assert told.value.problem["estimate"]["sweep_macs"] > told.value.problem["estimate"]["limit"] == 1e13
    assert as_("ci").sweeps(experiment="classification").items == ()


def test_a_wrong_key_is_refused_by_a_service_that_asks_for_none(service):
    done = mgic("status", "--api-url", service.url, "--api-key", mint().text, home=service.home)
    assert (done.returncode, "there is no such key" in done.stderr) == (5, True)
    assert mgic("status", "--api-url", service.url, home=service.home).returncode == 0


def test_a_key_comes_from_a_file_and_is_gone_when_it_is_revoked(everywhere):
    service, _ = everywhere
    key = created(service.home, "brief", "read", "--expires", "12h")
    file = service.home / "brief-key"
    file.write_text(f"{key}\n")
    told = {"MGIC_API_URL": service.url, "MGIC_API_KEY_FILE": str(file)}
    assert mgic("status", home=service.home, **told).returncode == 0
    listed = json.loads(mgic("key", "list", "--json", home=service.home).stdout)
    (mine,) = [one for one in listed if one["name"] == "brief"]
    assert mine["state"] == "active"
    assert mine["expires_at"]
    assert mgic("key", "revoke", mine["id"], home=service.home).returncode == 0
    refused = mgic("status", home=service.home, **told)
    assert (refused.returncode, "this key is revoked" in refused.stderr) == (5, True)
    assert mgic("key", "revoke", "0" * 16, home=service.home).returncode == 4
    wrong = mgic("key", "create", "x", "--scope", "root", home=service.home)
    assert (wrong.returncode, "invalid choice: 'root'" in wrong.stderr) == (2, True)
