"""`mgic doctor`: what is missing on this machine, and what each missing thing is for."""

import fcntl
import os
import shutil
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

import typer

from mgic.cli.loading import bare_core, wanted
from mgic.cli.local import AsJson, DataDir
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Code, put_json, put_table, say
from mgic.cli.up import migrations, valkey_server
from mgic.client import ApiError, Unreachable
from mgic.cores import cpu_quota, usable_cores
from mgic.errors import BadConfig
from mgic.extras import ALONE, has_service
from mgic.place import check_folder
from mgic.plugins import load_tried
from mgic.records import Health, Record
from mgic.transport import NoAnswerInTime

OLDEST_PYTHON = (3, 11)
SERVICE_PACKAGES = ("alembic", "celery", "fastapi", "psutil", "pydantic_settings", "redis", "sqlalchemy", "uvicorn")
DASHBOARD_PACKAGES = ("pandas", "plotly", "streamlit")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_S = 2.0
ROOM_BYTES = 64 * 2**20  # a service that has less will not get far
FEW_BYTES = 2**30  # with less than this it will soon be full


class Check(Record):
    """One thing looked at. `required`: without it `mgic up` cannot run."""

    name: str
    status: Literal["ok", "missing", "unused"]
    required: bool
    detail: str


def doctor(
    as_json: AsJson = False,
    home: Annotated[Path, typer.Option(envvar="MGIC_HOME", help="Where `mgic up` would keep everything.")] = Path(
        ".mgic"
    ),
    data_dir: DataDir = Path("data"),
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
    broker_url: Annotated[str | None, typer.Option(envvar="MGIC_BROKER_URL", help="Redis to look for.")] = None,
    database_url: Annotated[
        str | None, typer.Option(envvar="MGIC_DATABASE_URL", help="PostgreSQL to look for.")
    ] = None,
    artifact_url: Annotated[str, typer.Option(envvar="MGIC_ARTIFACT_URL", help="Where runs leave files.")] = "",
    api_port: Annotated[int, typer.Option(envvar="MGIC_API_PORT", help="The API's port.")] = 8000,
    dashboard_port: Annotated[int, typer.Option(envvar="MGIC_DASHBOARD_PORT", help="The dashboard's port.")] = 8501,
) -> None:
    """What is missing here. Exit 0 if the embedded service (`mgic up`) could run, 5 if not."""
    running, there = _service(api_url, api_key)
    placed = _home(home)
    checks = [
        _python(),
        _cores(),
        *_torch(),
        _packages("service", SERVICE_PACKAGES),
        _packages("dashboard", DASHBOARD_PACKAGES),
        _valkey(broker_url),
        placed,
        *([_database(home), *_artifacts(home, artifact_url), _room(home)] if placed.status == "ok" else []),
        running,
        *([] if there else [_port("API port", api_port), _port("dashboard port", dashboard_port)]),
        _server("broker", broker_url, "MGIC_BROKER_URL", 6379),
        _server("database", database_url, "MGIC_DATABASE_URL", 5432),
        *_plugins(),
        *_datasets(data_dir),
        _browser(),
    ]
    able = all(check.status == "ok" for check in checks if check.required)
    if as_json:
        put_json({"able": able, "checks": checks})
    else:
        put_table(("what", "status", "detail"), [(c.name, c.status, c.detail) for c in checks])
        say("`mgic up` can run here" if able else "`mgic up` cannot run here: get what is missing first")
    raise typer.Exit(Code.OK if able else Code.UNREACHABLE)


def _check(name: str, found: bool, detail: str, required: bool = False) -> Check:
    return Check(name=name, status="ok" if found else "missing", required=required, detail=detail)


def _python() -> Check:
    running = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, OLDEST_PYTHON))
    return _check("python", sys.version_info >= OLDEST_PYTHON, f"{running}; {wanted} or newer is needed", required=True)


def _cores() -> Check:
    """How many threads and slots there are by default, and what limits them."""
    quota = cpu_quota()
    limit = "no quota" if quota is None else f"the quota of this control group is {quota:g} cores"
    return _check("cores", True, f"{usable_cores()} to use of {os.cpu_count()} in this machine; {limit}")


def _torch() -> list[Check]:
    if find_spec("torch") is None or find_spec("torchvision") is None:
        return [_check("torch", False, "pip install torch torchvision, both together", required=True)]
    found = [_check("torch", True, "installed", required=True)]
    try:
        bare_core().find_device("cuda")
    except BadConfig:
        return [*found, Check(name="gpu", status="unused", required=False, detail="no CUDA device; runs go to the CPU")]
    return [*found, _check("gpu", True, "torch sees a CUDA device")]


def _plugins() -> list[Check]:
    """Each is imported in a process of its own: one that fails takes nothing else down."""
    return [
        _check(
            f"plug-in {info.module}",
            not info.error,
            f"{info.asked_by}: {info.error or ', '.join(info.registers) or 'it registers nothing'}",
        )
        for info in (load_tried(wanted()) if find_spec("torch") else ())
    ]


def _packages(extra: str, names: tuple[str, ...]) -> Check:
    lacking = [name for name in names if find_spec(name) is None]
    detail = f"{', '.join(lacking)}: pip install 'mgic[{extra}]'" if lacking else "installed"
    return _check(f"{extra} packages", not lacking, detail, required=True)


def _valkey(broker_url: str | None) -> Check:
    """What `mgic up` starts on a private socket, unless it is told of another broker."""
    try:
        return _check("valkey", True, valkey_server(), required=True)
    except BadConfig as error:
        return _check("valkey", False, str(error), required=not broker_url)


def _home(home: Path) -> Check:
    """Whether `mgic up` can keep its state there; nothing is left behind by asking."""
    try:
        check_folder("MGIC_HOME", home)
        why = _refusal(Path(os.path.realpath(home)))
    except BadConfig as error:
        why = str(error)
    return _check("home", not why, why or os.path.realpath(home), required=True)


def _nearest(folder: Path) -> Path:
    """It, or of the folders above it the nearest that is there."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder


def _refusal(place: Path, variable: str = "MGIC_HOME") -> str:
    folder = _nearest(place)
    if not folder.is_dir():
        return f"{folder} is no folder: give {variable} another place"
    try:
        with TemporaryFile(dir=folder) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        return f"{folder} takes no file of {ROOM_BYTES // 2**20} MB with a lock on it: {error.strerror}"
    return ""


def _database(home: Path) -> Check:
    """Asked in a process of its own, in the words of what would bring it to this version's schema."""
    if not has_service():
        return _check("schema", False, ALONE, required=True)
    if find_spec("sqlalchemy") is None:
        return _check("schema", False, "the service packages are missing", required=True)
    done = migrations({"MGIC_HOME": os.path.realpath(home)}, "--check")
    return _check("schema", done.returncode == 0, (done.stdout + done.stderr).strip()[-500:], required=True)


def _artifacts(home: Path, url: str) -> list[Check]:
    """Whether runs can leave files there; a bucket is asked by the service, which has its keys."""
    if url.startswith("s3://"):
        return [Check(name="artifacts", status="unused", required=False, detail=f"{url}: a running service says more")]
    folder = Path(url.removeprefix("file://")) if url else Path(os.path.realpath(home)) / "artifacts"
    why = _refusal(folder, "MGIC_ARTIFACT_URL")
    return [_check("artifacts", not why, why or str(folder), required=True)]


def _room(home: Path) -> Check:
    """What is left there, before it is too little."""
    folder = _nearest(Path(os.path.realpath(home)))
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:,.1f} GB are free at {folder}"
    if free < FEW_BYTES:
        detail += ": `mgic prune --older-than 90d --dry-run` says what old sweeps take, or give MGIC_HOME another disk"
    return _check("disk", free >= FEW_BYTES, detail)


def _service(url: str, key: str | None) -> tuple[Check, bool]:
    """A service that runs knows its own database and broker: it is asked, nothing of it is imported here.

    Returns:
        What it says, and whether anything answered.
    """
    try:
        with connect(url, key) as client:
            health = client.ready()
            detail = f"{health.status} at {client.url}; {_parts(health)}"
            return _check("running service", health.status == "ok", detail), True
    except BadConfig as error:
        return _check("running service", False, str(error)), False
    except NoAnswerInTime:
        words = f"{url} is taken by something that does not answer: it is frozen, or has too much to do"
        return _check("running service", False, words), True
    except Unreachable:
        return Check(name="running service", status="unused", required=False, detail=f"none at {url}"), False
    except ApiError as error:
        return _check("running service", False, f"at {url}: {error}"), True


def _parts(health: Health) -> str:
    named = {
        "database": health.database,
        "schema": health.schema_version,
        "broker": health.broker,
        "artifacts": health.artifacts,
        "disk": health.disk,
    }
    return ", ".join([*(f"{name} {state}" for name, state in named.items() if state), *health.notes])


def _server(name: str, url: str | None, variable: str, port: int) -> Check:
    """Whether anything listens where the setting points to; without a setting the embedded part is used."""
    if url is None:
        return Check(
            name=name, status="unused", required=False, detail=f"{variable} is not set; the embedded one serves"
        )
    parts = urlsplit(url)
    if parts.scheme.startswith("sqlite"):
        return _check(name, True, "SQLite, embedded")
    try:
        _connect(parts, port)
    except (OSError, ValueError) as error:
        return _check(name, False, f"{variable}: {error}", required=True)
    return _check(name, True, f"listens at {parts.hostname or parts.path}", required=True)


def _connect(parts: SplitResult, port: int) -> None:
    if "socket" in parts.scheme or (parts.hostname is None and parts.path):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect(parts.path)
        return
    host = parts.hostname or parse_qs(parts.query).get("host", ["127.0.0.1"])[0]
    socket.create_connection((host, parts.port or port), PATIENCE_S).close()


def _port(name: str, port: int) -> Check:
    """Free for `mgic up` to take."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            return _check(name, False, f"{port}: {error.strerror}", required=True)
    return _check(name, True, f"{port} is free", required=True)


def _datasets(data_dir: Path) -> list[Check]:
    if find_spec("torch") is None:
        return []
    return [
        _check(f"data {found.name}", found.present, "here" if found.present else found.how_to_get)
        for found in bare_core().datasets(data_dir)
        if found.task != "function"  # a formula is always there
    ]


def _browser() -> Check:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    return _check(
        "browser", found is not None, found or "chromium: it draws figures as SVG, PDF and PNG; the tests need one too"
    )
