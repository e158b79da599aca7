"""Secrets are made once, never overwritten, and read by nobody but those who have their group."""

import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from backend import secrets
from backend.keys import mint, read_token
from backend.secrets import SECRETS, make, renew, show
from mgic.errors import BadConfig


@pytest.fixture(autouse=True)
def own_group(monkeypatch):
    """Nobody but root may give a file to a group that is not its own."""
    mine = {name: replace(one, group=os.getgid()) for name, one in SECRETS.items()}
    monkeypatch.setattr(secrets, "SECRETS", mine)


def test_each_is_made_once(tmp_path):
    assert make(tmp_path, {}) == [f"{name} is made" for name in SECRETS]
    before = {name: show(tmp_path, name) for name in SECRETS}
    assert make(tmp_path, {}) == []
    assert {name: show(tmp_path, name) for name in SECRETS} == before
    assert len(set(before.values())) == len(SECRETS)
    assert {len(before[name]) for name in SECRETS if "password" in name} == {48}
    assert all(read_token(before[name]) for name in SECRETS if "key" in name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(SECRETS)


def test_one_that_is_missing_is_made_beside_the_others(tmp_path):
    make(tmp_path, {})
    kept = show(tmp_path, "database-password")
    (tmp_path / "broker-password").unlink()
    assert make(tmp_path, {}) == ["broker-password is made"]
    assert show(tmp_path, "database-password") == kept


def test_nobody_may_write_them_and_only_owner_and_group_may_read_them(tmp_path):
    make(tmp_path, {})
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in SECRETS} == {0o440}


def test_a_password_that_is_given_is_taken_when_there_is_none_and_only_then(tmp_path):
    first, *_ = make(tmp_path, {"POSTGRES_PASSWORD": "of-old"})
    assert first == "database-password is made, as POSTGRES_PASSWORD says"
    assert show(tmp_path, "database-password") == "of-old"
    assert make(tmp_path, {"POSTGRES_PASSWORD": "of-old"}) == []
    (line,) = make(tmp_path, {"POSTGRES_PASSWORD": "other"})
    assert "stays as it is: POSTGRES_PASSWORD says otherwise" in line
    assert "other" not in line.replace("otherwise", "")
    assert show(tmp_path, "database-password") == "of-old"


def test_a_key_that_is_given_is_taken_if_it_is_one(tmp_path):
    given = mint().text
    assert "worker-key is made, as MGIC_WORKER_KEY says" in make(tmp_path, {"MGIC_WORKER_KEY": given})
    assert show(tmp_path, "worker-key") == given
    with pytest.raises(BadConfig, match="MGIC_WORKER_KEY: there is no key in it") as refused:
        make(tmp_path, {"MGIC_WORKER_KEY": "of old"})
    assert "of old" not in str(refused.value)


def test_a_renewed_one_is_another_and_the_rest_stay(tmp_path):
    make(tmp_path, {})
    before = {name: show(tmp_path, name) for name in SECRETS}
    renew(tmp_path, "broker-password")
    assert {name for name in SECRETS if show(tmp_path, name) != before[name]} == {"broker-password"}
    assert stat.S_IMODE((tmp_path / "broker-password").stat().st_mode) == 0o440


def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path):
    command = [sys.executable, "-P", "-m", "backend.secrets", "--folder", str(tmp_path / "none"), "make"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == os.EX_CONFIG
    assert run.stderr.count("\n") == 1
    assert "No such file or directory" in run.stderr
