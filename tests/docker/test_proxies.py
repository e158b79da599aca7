"""The examples of docker/proxies as they stand, but for ports, places and the certificate: a keyed service behind each.

Caddy and nginx are the system's; where one is missing its test is left out, with a word.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

from backend.keys import mint
from backend.migrations import upgrade
from backend.store import Store, make_engine
from tests.backend.store_points import new_sweep
from tests.conftest import free_port, wait_for
from tests.docker.compose import ROOT

pytestmark = pytest.mark.thorough
NAME = "lab.example.org"


class Lab:
    """API and pages below /lab, each a process of its own, with one key of each scope: `keys`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.api, self.pages = folder, free_port(), free_port()
        database = f"sqlite:///{folder / 'mgic.db'}"
        engine = make_engine(database)
        upgrade(engine)
        self.store = Store(engine)
        self.keys = {scope: mint() for scope in ("read", "submit")}
        for scope, token in self.keys.items():
            self.store.add_key(token.id, scope, scope, token.digest)
        self.environment = os.environ | {
            "MGIC_HOME": str(folder),
            "MGIC_DATABASE_URL": database,
            "MGIC_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
            "MGIC_API_URL": f"http://127.0.0.1:{self.api}",
            "MGIC_ROOT_PATH": "/lab",
            "MGIC_ALLOWED_HOSTS": NAME,
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        with started(self, "backend", self.api), started(self, "dashboard", self.pages):
            for port in (self.api, self.pages):
                wait_for(lambda port=port: listens(port), 60, f"port {port}")
            yield
        self.store.close()


@contextmanager
def started(lab: Lab, module: str, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", module, "--port", str(port)]
    with (lab.folder / module).open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=lab.environment, stderr=log)
    with ended(process):
        yield


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def written(lab: Lab, example: str, port: int) -> Path:
    """The example with the ports of this machine, and a name that it has."""
    text = (ROOT / "docker" / "proxies" / example).read_text()
    for there, here in (("127.0.0.1:8000", f"127.0.0.1:{lab.api}"), ("127.0.0.1:8501", f"127.0.0.1:{lab.pages}")):
        assert text.count(there) == 1
        text = text.replace(there, here)
    if example == "Caddyfile":
        own = "admin off\n\tgrace_period 1s\n\tauto_https disable_redirects\n\tskip_install_trust"
        text = text.replace(f"{NAME} {{", f"{{\n\t{own}\n}}\n{NAME}:{port} {{")
        text = text.replace("# tls internal", "tls internal")
    else:
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("/etc/nginx/tls", str(lab.folder))
        places = "".join(
            f"{kind}_temp_path {lab.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = text.replace("http {\n", f"http {{\naccess_log off;\n{places}", 1)
        text = f"daemon off;\npid {lab.folder}/nginx.pid;\nerror_log stderr;\n{text}"
    file = lab.folder / example
    file.write_text(text)
    return file


@contextmanager
def proxy(lab: Lab, kind: str, port: int) -> Iterator[None]:
    binary = shutil.which(kind) or shutil.which(kind, path="/usr/sbin")
    if binary is None:
        pytest.skip(f"{kind} is not installed")
    file = written(lab, "Caddyfile" if kind == "caddy" else "nginx.conf", port)
    command = [binary, "run", "--config", str(file), "--adapter", "caddyfile"]
    if kind == "nginx":
        certificate(lab.folder)
        command = [binary, "-e", "stderr", "-p", str(lab.folder), "-c", str(file)]
    places = {"HOME": str(lab.folder), "XDG_DATA_HOME": str(lab.folder), "XDG_CONFIG_HOME": str(lab.folder)}
    with (lab.folder / f"{kind}.log").open("wb") as log:
        started_now = subprocess.Popen(command, env=os.environ | places, stdout=log, stderr=log)
    with ended(started_now) as process:

        def up() -> bool:
            assert process.poll() is None, (lab.folder / f"{kind}.log").read_text()
            return listens(port)

        wait_for(up, 30, kind)
        yield


def certificate(folder: Path) -> None:
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(folder / "lab.key"), "-out", str(folder / "lab.crt")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True
    )


@pytest.fixture(params=["caddy", "nginx"])
def behind(request, tmp_path) -> Iterator[tuple[Lab, httpx.Client, int]]:
    """A lab, a client that finds it by its public name, and the port."""
    lab, port = Lab(tmp_path), free_port()
    if shutil.which(request.param) is None and shutil.which(request.param, path="/usr/sbin") is None:
        pytest.skip(f"{request.param} is not installed: apt-get install {request.param}")
    with lab.running(), proxy(lab, request.param, port):
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        headers = {"Host": f"{NAME}:{port}"}
        url = f"https://127.0.0.1:{port}"
        sni = {"sni_hostname": NAME}
        with httpx.Client(base_url=url, verify=anybody, headers=headers, timeout=30) as client:
            client.event_hooks["request"].append(lambda sent: sent.extensions.update(sni))
            yield lab, client, port


def bearer(lab: Lab, scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {lab.keys[scope].text}"}


def test_a_lab_behind_a_proxy_lets_in_who_has_a_key_and_nobody_else(behind):
    lab, client, port = behind
    health = wait_for(lambda: (told := client.get("/lab/api/v1/health")).status_code == 200 and told, 30, "the API")
    assert health.json()["status"] == "ok"
    assert client.get("/lab/api/v1/runs").status_code == 401, "the API listens at 127.0.0.1, and this is not from there"
    assert client.get("/lab/api/v1/runs", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    index = client.get("/lab/api/v1", headers=bearer(lab, "read")).json()
    assert index["links"]["list_runs"] == "/lab/api/v1/runs"
    assert client.get(index["links"]["list_runs"], headers=bearer(lab, "read")).json()["items"] == []
    made = {"name": "b", "models": ["resnet20"]}
    assert client.post("/lab/api/v1/baselines", json=made, headers=bearer(lab, "read")).status_code == 403
    foreign = bearer(lab, "submit") | {"Origin": "https://evil.example"}
    assert client.post("/lab/api/v1/baselines", json=made, headers=foreign).status_code == 403
    other = client.get("/lab/api/v1/health", headers={"Host": "evil.example"})
    assert other.status_code != 200 or not other.content  # Caddy answers for no site of its own with nothing
    events(lab, client)
    pages(lab, client, port)


def events(lab: Lab, client: httpx.Client) -> None:
    """They come while the run goes on: an answer that was held back would not begin."""
    (run,), _ = lab.store.sweep_runs(lab.store.add_sweep(new_sweep()).id, 1)
    with client.stream("GET", f"/lab/api/v1/runs/{run.id}/events", headers=bearer(lab, "read")) as stream:
        told = next(line for line in stream.iter_lines() if line.startswith("data:"))
    assert json.loads(told.removeprefix("data:"))["to_status"] == "queued"


def pages(lab: Lab, client: httpx.Client, port: int) -> None:
    page = {"Accept": "text/html"}
    led = client.get("/lab/runs", headers=page, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/lab/sign-in?next=/lab/runs")
    assert client.get("/", follow_redirects=False).headers["location"].endswith("/lab/")
    form = {"key": lab.keys["read"].text, "next": "/lab/runs"}
    signed = client.post(
        "/lab/sign-in", data=form, headers={"Origin": f"https://{NAME}:{port}"}, follow_redirects=False
    )
    assert (signed.status_code, signed.headers["location"]) == (303, "/lab/runs")
    assert "Secure" in signed.headers["set-cookie"]
    ticket = signed.headers["set-cookie"].partition(";")[0]
    assert "<html" in client.get("/lab/runs", headers=page | {"Cookie": ticket}, follow_redirects=False).text
    assert "101" in handshake(port, f"https://{NAME}:{port}")
    assert "403" in handshake(port, "https://evil.example")


def handshake(port: int, origin: str) -> str:
    """The first line of the answer to a WebSocket's opening."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    lines = ("GET /lab/_stcore/stream HTTP/1.1", f"Host: {NAME}:{port}", f"Origin: {origin}", "Upgrade: websocket")
    lines += ("Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvZg==")
    lines += ("Sec-WebSocket-Protocol: streamlit", "", "")
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        anybody.wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall("\r\n".join(lines).encode())
        return connection.recv(4096).decode().split("\r\n")[0]
