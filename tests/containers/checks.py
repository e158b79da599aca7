"""What has to be so after the commands of each section of docker/README.md."""

import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from backend.secrets import SECRETS
from tests.containers.lab import API, Lab, wait

KEPT: dict[str, Any] = {}  # what one section leaves to a later one


def started(lab: Lab) -> str:
    """All is well, a run goes through, and nobody sees a password that is not his."""
    lab.await_ready()
    assert answer_without_a_key() == 401
    done = lab.works()
    wait(lambda: all(one["able"] for one in lab.workers()), 180, "what the workers can do")
    able = {one["queue"]: one["able"] for one in lab.workers()}
    assert "digits" in able["cpu"]["datasets"], able
    assert "openvino" in able["timing"]["lacking"], able
    environments = lab.do("docker inspect -f '{{json .Config.Env}}' $(docker compose ps --all --quiet)")
    for name in SECRETS:
        assert KEPT.setdefault(name, secret(lab, name)) not in environments, name
    assert lab.do("docker compose ps --all --quiet | xargs docker inspect -f '{{.HostConfig.Memory}}'").split()
    readers = {name: [one for one in SERVICES if reads(lab, one, name)] for name in SECRETS}
    assert readers == READERS, readers
    return f"run {done['status']} in {done['seconds']:.0f} s, {len(able)} workers have told, secrets read by {readers}"


def answer_without_a_key() -> int:
    try:
        return int(urlopen(f"{API}/runs", timeout=10).status)
    except HTTPError as error:
        return error.code


SERVICES = ("postgres", "redis", "api", "worker-cpu", "worker-timing", "dashboard")
READERS = {
    "database-password": ["postgres", "api", "worker-cpu", "worker-timing"],
    "broker-password": ["redis", "api", "worker-cpu", "worker-timing"],
    "admin-key": ["api"],
    "pages-key": ["api", "dashboard"],
    "worker-key": ["api", "worker-cpu", "worker-timing"],
}


def secret(lab: Lab, name: str) -> str:
    return lab.do(f"docker compose run --rm -T secrets show {name}").strip()


def reads(lab: Lab, service: str, name: str) -> bool:
    """In a container of the service, with its rights."""
    command = f"docker compose exec -T {service} sh -c 'cat /run/mgic/{name} 2>/dev/null || echo none'"
    return lab.do(command).strip() != "none"


def stopped(lab: Lab) -> str:
    """Nothing runs, and the next `up` finds everything as it was."""
    assert lab.do("docker compose ps --all --quiet").split() == []
    lab.do("docker compose up --detach")
    lab.await_ready()
    assert {name: secret(lab, name) for name in SECRETS} == {name: KEPT[name] for name in SECRETS}
    assert lab.ask("/runs")["items"], "results stay"
    return "secrets and runs are those of before"


def changed(lab: Lab) -> str:
    lab.await_ready()
    now = {name: secret(lab, name) for name in SECRETS}
    assert [name for name in SECRETS if now[name] != KEPT[name]] == ["database-password", "broker-password"]
    KEPT.update(now)
    runs = lab.end_of(KEPT["in work"], 900)
    lab.works()
    attempts = [one["attempt"] for one in runs]
    return f"both passwords are others; {len(runs)} runs that were in work have succeeded, in attempts {attempts}"


def scaled(lab: Lab) -> str:
    wait(
        lambda: [one["slots"] for one in lab.workers() if one["queue"] == "cpu"] == [3, 3],
        120,
        "two workers of 3 slots",
    )
    return "two workers with 3 slots each"


def own_folders(lab: Lab) -> str:
    lab.await_ready()
    done = lab.works()
    place = Path(KEPT["own"]) / "artifacts" / done["id"]
    files = [path for path in place.rglob("*") if path.is_file()]
    assert files, place
    assert {path.stat().st_uid for path in files} == {10001}
    assert not any(stat.S_IMODE(path.stat().st_mode) & 0o002 for path in files)
    return f"{len(files)} files of a run lie in a folder of the host, and are of the user 10001"


def in_a_bucket(lab: Lab) -> str:
    lab.await_ready()
    done = lab.works()
    name = lab.ask(f"/runs/{done['id']}/artifacts")["items"][0]["name"]
    assert done["id"] in KEPT["listed"](), "in the bucket"
    return f"{name} of a run is in the bucket"


def open_to_others(lab: Lab) -> str:
    lab.await_ready()
    ports = json.loads("[" + ",".join(lab.do("docker compose ps --format json").split("\n")[:-1]) + "]")
    published = {
        one["Service"]: {port["URL"] for port in one["Publishers"] or () if port["PublishedPort"]} for one in ports
    }
    assert published["postgres"] == published["redis"] == {KEPT["gateway"]}, published
    assert published["api"] == published["dashboard"] == {"127.0.0.1"}, published
    return f"database and broker listen at {KEPT['gateway']}, API and pages at 127.0.0.1"


def other_host(lab: Lab) -> str:
    """The first host's cpu worker is stopped: the run is the other's."""
    first = Lab(KEPT["first"], lab.environment | {"COMPOSE_PROJECT_NAME": "mgic"})

    def here() -> bool:
        return any(one["host"].startswith("second@") for one in first.workers())

    wait(here, 180, "a worker of the second host")
    first.do("docker compose stop worker-cpu")
    (done,) = first.end_of(first.submit(seed=[77]))
    (host,) = [one["host"] for one in first.workers() if one["name"] == done["worker"]]
    assert host.startswith("second@"), host
    lab.do("docker compose down --volumes")
    first.do("docker compose up --detach")
    return f"a run went through on {host.partition('@')[0]}"


def named(lab: Lab) -> str:
    lab.await_ready()
    tags = lab.do("docker image ls --format '{{.Repository}}:{{.Tag}}' 'mgic-*'").split()
    version = lab.do("git describe --always").strip()
    assert {f"mgic-{one}:{tag}" for one in ("api", "worker", "dashboard") for tag in (version, "0.1.0")} <= set(tags), (
        tags
    )
    running = lab.do("docker compose ps --format '{{.Image}}' api").strip()
    assert running == f"mgic-api:{version}", running
    lab.do("sed -i 's/^MGIC_VERSION=.*/MGIC_VERSION=0.1.0/' .env && docker compose up --detach")
    lab.await_ready()
    return f"runs as {version} and, gone back to, as 0.1.0"


def pruned(lab: Lab) -> str:
    assert lab.do("docker image ls --quiet 'mgic-*'").split(), "images in use stay"
    return "images in use stay"


# By the heading, after the block of this number under it.
AFTER: Mapping[tuple[str, int], Callable[[Lab], str]] = {
    ("Start", 1): started,
    ("Start", 4): stopped,
    ("Secrets", 0): changed,
    ("Scale", 0): scaled,
    ("Own folders", 0): own_folders,
    ("Artifacts in a bucket", 0): in_a_bucket,
    ("Workers on other hosts", 0): open_to_others,
    ("Workers on other hosts", 1): other_host,
    ("A new version, and back", 0): named,
    ("A new version, and back", 1): pruned,
}
