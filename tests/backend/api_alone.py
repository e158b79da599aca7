"""The API by itself on a database of its own: no worker takes its runs, so what is queued stays queued."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx

from backend.migrations import upgrade
from backend.store import make_engine
from mgic.client import Client, Unreachable
from tests.conftest import PATIENCE, free_port, wait_for

PREFIX = "/api/v1"
JSON = {"Content-Type": "application/json"}
INSIDE = re.compile(
    r'Traceback|File \\?"|\.py\b|sqlite|sqlalchemy|select |insert |pydantic|"input"|"ctx"', re.IGNORECASE
)


@dataclass
class Api:
    """A running `python -m backend`."""

    process: subprocess.Popen
    folder: Path
    port: int
    http: httpx.Client  # its paths start with a slash and leave out `/api/v1`
    client: Client

    def close(self) -> None:
        self.http.close()
        self.client._http.close()
        self.process.terminate()
        self.process.wait(30)

    def stored(self) -> tuple[int, int]:
        """Sweeps and runs in the database."""
        with closing(sqlite3.connect(self.folder / "mgic.db")) as connection:
            return connection.execute("select (select count(*) from sweeps), (select count(*) from runs)").fetchone()

    def log(self) -> str:
        return (self.folder / "api.log").read_text()

    def catalogue_pid(self) -> int | None:
        """The process that has the core in it, while there is one."""
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for child in path.read_text().split():
                with suppress(FileNotFoundError):
                    if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
        return None


def start_api(folder: Path, database: str | None = None, **settings: str) -> Api:
    """It on a free port, with its catalogue loaded; on a SQLite file in the folder if no database is named."""
    port, database = free_port(), database or f"sqlite:///{folder / 'mgic.db'}"
    engine = make_engine(database)
    upgrade(engine)
    engine.dispose()
    places = {"MGIC_HOME": str(folder), "MGIC_DATABASE_URL": database, "MGIC_DATA_DIR": str(folder / "data")}
    nobody = {"MGIC_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0"}
    command = ["backend", "--port", str(port)]
    with (folder / "api.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=os.environ | places | nobody | settings, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{port}"
    patient = PATIENCE * 30  # seconds: an answer may have to wait for a new catalogue, which loads torch
    file = settings.get("MGIC_ADMIN_KEY_FILE")  # with it whoever uses `http` and `client` is an admin
    key = Path(file).read_text().strip() if file else None
    client = Client(url, key, patient)
    http = httpx.Client(base_url=url + PREFIX, timeout=patient, headers=dict(client._http.headers))
    api = Api(process, folder, port, http, client)

    def loaded() -> bool:
        assert process.poll() is None, api.log()
        with suppress(Unreachable):
            return api.client.ready().catalogue == "ok"
        return False

    wait_for(loaded, 90, "the API with its catalogue")
    return api


@contextmanager
def running_api(folder: Path, database: str | None = None, **settings: str):
    api = start_api(folder, database, **settings)
    try:
        yield api
    finally:
        api.close()


def check_refused(api: Api, status: int, kind: str, answer, before: tuple[int, int]) -> dict:
    """The answer is a problem of this status and type, shows nothing of the inside, and nothing was stored."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] in api.log()
    assert not INSIDE.search(answer.text)
    assert len(problem.get("errors", ())) <= 50
    assert len(answer.content) < 100_000
    assert api.stored() == before
    return problem


def check_get_refused(api: Api, status: int, kind: str, path: str) -> dict:
    before = api.stored()
    return check_refused(api, status, kind, api.http.get(path), before)


def check_post_refused(api: Api, status: int, kind: str, body, headers=JSON, path: str = "/sweeps") -> dict:
    before = api.stored()
    content = body.encode() if isinstance(body, str) else body
    return check_refused(api, status, kind, api.http.post(path, content=content, headers=headers), before)
