"""`python -m backend.keys`, and what starts with its keys: JSON, one line of reasons, and an exit code."""

import json
import os

import pytest

from backend.app import from_environment
from backend.keys import mint, read_token
from backend.keys.__main__ import main
from backend.store import Store, sqlite_url


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MGIC_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def told(home, capsys):
    def told(*words: str):
        main(words)
        return json.loads(capsys.readouterr().out)

    return told


@pytest.fixture
def refusal(home, capsys):
    """The code and the one line of a command, or of a start, that ends."""

    def refusal(start) -> tuple[int, str]:
        capsys.readouterr()  # what starts before it have logged
        with pytest.raises(SystemExit) as left:
            start()
        out = capsys.readouterr()
        (line,) = out.err.splitlines()
        assert out.out == ""
        return left.value.code, line

    return refusal


def test_a_key_is_shown_once_listed_and_revoked(home, told):
    made = told("create", "ada", "--scope", "submit", "--expires", "90d")
    token = read_token(made["key"])
    assert (made["id"], made["name"], made["scope"], made["state"]) == (token.id, "ada", "submit", "active")
    (shown,) = told("list")
    assert shown == {name: value for name, value in made.items() if name != "key"}
    assert token.secret not in (home / "mgic.db").read_bytes().decode(errors="replace")
    assert told("check") == [shown]
    assert told("revoke", token.id)["state"] == "revoked"
    assert [key["state"] for key in told("list")] == ["revoked"]


def test_what_cannot_be_made_or_revoked_is_one_line_and_78(home, told, refusal):
    assert refusal(lambda: main(["check"])) == (
        78,
        "there is no key yet: `mgic key create NAME --scope admin` makes one",
    )
    assert list(home.iterdir()) == []
    for words, said in (
        (("create", "", "--scope", "read"), "a key's name has letters"),
        (("create", "a\nb", "--scope", "read"), "a key's name has letters"),
        (("create", "ada", "--scope", "read", "--expires", "soon"), "--expires is written 12h"),
    ):
        code, line = refusal(lambda words=words: main(words))
        assert (code, line.startswith(said)) == (78, True), line
    told("create", "w", "--scope", "worker")
    assert refusal(lambda: main(["revoke", "0" * 16])) == (
        78,
        "there is no key '0000000000000000'; `mgic key list` shows their ids",
    )
    assert refusal(lambda: main(["check"]))[0] == 78, "a worker's opens no route"


def test_a_service_that_others_reach_does_not_start_without_a_key(home, told, refusal, monkeypatch):
    told("create", "w", "--scope", "worker")
    monkeypatch.setenv("MGIC_API_HOST", "0.0.0.0")
    code, line = refusal(from_environment)
    assert (code, "MGIC_API_HOST=0.0.0.0" in line, "mgic key create" in line) == (78, True, True)
    monkeypatch.setenv("MGIC_API_HOST", "127.0.0.1")
    assert from_environment()


def test_keys_in_files_are_taken_in_once(home, told, refusal, monkeypatch):
    told("create", "w", "--scope", "worker")
    monkeypatch.setenv("MGIC_API_HOST", "0.0.0.0")
    admin, pages, worker, file = mint(), mint(), mint(), home / "admin-key"
    monkeypatch.setenv("MGIC_ADMIN_KEY_FILE", str(file))
    assert refusal(from_environment)[1].startswith(f"MGIC_ADMIN_KEY_FILE: {file} cannot be read")
    file.write_text("secret\n")
    code, line = refusal(from_environment)
    assert (code, "has no key in it" in line, "secret" in line) == (78, True, False)
    file.write_text(f"{admin.text}\n")
    (home / "pages-key").write_text(pages.text)
    monkeypatch.setenv("MGIC_PAGES_KEY_FILE", str(home / "pages-key"))
    (home / "worker-key").write_text(worker.text)
    monkeypatch.setenv("MGIC_WORKER_KEY_FILE", str(home / "worker-key"))
    for _ in range(2):
        assert from_environment()
    store = Store.open(sqlite_url(home / "mgic.db"))
    kept = {key.name: (key.id, key.scope) for key in store.every_key() if key.name != "w"}
    assert kept == {name: (key.id, name) for name, key in (("admin", admin), ("pages", pages), ("worker", worker))}
    store.revoke_key(admin.id)
    store.close()
    assert refusal(from_environment)[0] == os.EX_CONFIG, "a file does not bring a revoked key back"
