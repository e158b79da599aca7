"""Settings are refused by the name of their variable, in one line, and name places by whatever characters they have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.disk import refusal
from backend.migrations import state, upgrade
from backend.settings import Settings, read_settings
from backend.store import make_engine, parse_database_url, sqlite_url
from mgic.errors import BadConfig
from tests.cases import thorough

ODD = ["a?b=1", "a#b", "%41", "a b", "a&b;c", "*[a]", "'\"$(a)`", "::a", "ü", "@:,{}\\"]


@pytest.mark.parametrize("name", ODD)
def test_the_database_lies_in_the_home_whatever_that_is_called(tmp_path, name):
    settings = Settings(home=tmp_path / name)
    assert parse_database_url(settings.database).database == str(tmp_path / name / "mgic.db")
    assert state(settings.database) == "none yet, the first start makes it"
    engine = make_engine(settings.database)
    upgrade(engine)
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "mgic.db").stat().st_size > 0
    assert state(settings.database).startswith("schema 0")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MGIC_LEASE_S", "soon", "MGIC_LEASE_S: should be a valid number"),
        ("MGIC_SLOTS", "0", "MGIC_SLOTS: should be greater than or equal to 1"),
        ("MGIC_LEASE_S", "30\r", "MGIC_LEASE_S ends with a carriage return"),
        ("MGIC_HOME", "/tmp/a\nb", "MGIC_HOME has the control character '\\n'"),
        ("MGIC_HOME", "~/lab", "only a shell knows what ~ is"),
        ("MGIC_DATA_DIR", "~/data", "MGIC_DATA_DIR=~/data: only a shell"),
        ("MGIC_DATABASE_URL", "lab.db", "MGIC_DATABASE_URL: an address is wanted"),
        ("MGIC_DATABASE_URL", "mysql://u:secret@h/d", "MGIC_DATABASE_URL: postgresql:// or sqlite:// is wanted"),
        ("MGIC_BROKER_URL", "localhost:6379", "MGIC_BROKER_URL: an address of Redis is wanted"),
        ("MGIC_BROKER_URL", "amqp://u:secret@h", "MGIC_BROKER_URL: an address of Redis is wanted"),
        ("MGIC_ARTIFACT_URL", "s3://bucket/runs[1]", "MGIC_ARTIFACT_URL: a prefix without *, ? and [ is wanted"),
        ("MGIC_ARTIFACT_URL", "~/artifacts", "only a shell knows what ~ is"),
        ("MGIC_WORKER_KEY", "secret", "MGIC_WORKER_KEY: there is no key in it"),
        ("MGIC_ROOT_PATH", "lab/", "MGIC_ROOT_PATH: a path such as /lab is wanted"),
        ("MGIC_ARTIFACT_URL", "ftp://h", "MGIC_ARTIFACT_URL: a folder or s3://bucket/prefix is wanted"),
    ],
)
def test_a_setting_that_cannot_be_is_78_and_one_line(monkeypatch, capsys, variable, value, said):
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as left:
        read_settings()
    told = capsys.readouterr().err
    assert left.value.code == os.EX_CONFIG == 78
    assert said in told
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.parametrize("module", ["worker.app", *thorough("backend.migrations", "backend")])
def test_whoever_starts_with_it_says_so_and_ends(module):
    done = subprocess.run(
        [sys.executable, "-m", module], env=os.environ | {"MGIC_LEASE_S": "soon"}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.count("\n")) == (78, 1)
    assert done.stderr.startswith("MGIC_LEASE_S: ")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_an_address_of_postgresql_is_read_as_people_have_it(scheme):
    assert parse_database_url(f"{scheme}://u:p@h:5432/d").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["", "x", "://", "oracle://h/d", "sqlite+aiosqlite:///x"])
def test_what_is_no_address_of_a_database_is_refused(url):
    with pytest.raises(BadConfig, match="is wanted"):
        parse_database_url(url)


@pytest.mark.parametrize(
    ("database", "code", "said"),
    [
        ("text", 78, "cannot be used: file is not a database"),
        *thorough(
            ("folder", 69, "cannot be used: unable to open database file"),
            ("text/below/mgic.db", 78, "cannot be made: Not a directory"),
        ),
    ],
)
def test_a_database_that_cannot_be_is_one_line_with_its_place(tmp_path, database, code, said):
    (tmp_path / "text").write_text("no database\n" * 100)
    (tmp_path / "folder").mkdir()
    places = {"MGIC_DATABASE_URL": sqlite_url(tmp_path / database)}
    for flags in ([], ["--check"]):
        if flags and "below" in database:
            continue  # asked only, it would be made by the first start
        command = [sys.executable, "-m", "backend.migrations", *flags]
        done = subprocess.run(command, env=os.environ | places, capture_output=True, text=True)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert said in done.stderr
        assert str(tmp_path) in done.stderr


def test_room_is_asked_for_where_a_folder_would_be_made_and_given_back(tmp_path):
    assert refusal(tmp_path / "not" / "yet") == ""
    assert list(tmp_path.iterdir()) == []
    assert refusal(Path("/proc/nothing")) != ""


POSTGRES, REDIS = "postgresql+psycopg://mgic@db:5432/mgic", "redis://redis:6379/0"


@pytest.mark.parametrize(
    ("kind", "url", "whole"),
    [
        ("database", POSTGRES, "postgresql+psycopg://mgic:p%40s%2F%3A1@db:5432/mgic"),
        ("broker", REDIS, "redis://:p%40s%2F%3A1@redis:6379/0"),
        ("broker", "rediss://lab@redis/1", "rediss://lab:p%40s%2F%3A1@redis/1"),
    ],
)
def test_a_password_comes_from_a_file(kind, url, whole, tmp_path):
    (tmp_path / "password").write_text("p@s/:1\n")
    settings = Settings(**{f"{kind}_url": url, f"{kind}_password_file": tmp_path / "password"})
    assert getattr(settings, f"{kind}_url") == whole


@pytest.mark.parametrize(
    ("given", "text", "words"),
    [
        ({"database_url": "postgresql://mgic:one@db/mgic"}, "two", "it has a password, and so has a file"),
        ({"database_url": POSTGRES}, "", "password is empty"),
        ({"database_url": POSTGRES}, None, "cannot be read: No such file or directory"),
        ({}, "one", "a server's address is wanted beside MGIC_DATABASE_PASSWORD_FILE"),
    ],
)
def test_a_file_with_a_password_that_is_of_no_use_is_refused(given, text, words, tmp_path):
    if text is not None:
        (tmp_path / "password").write_text(text)
    with pytest.raises(ValidationError, match=words):
        Settings(database_password_file=tmp_path / "password", **given)
