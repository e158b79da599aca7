"""`mgic up` refuses what cannot work, in one line that names the setting, before it starts anything."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mgic.cli.up import SOCKET_BYTES, _make_private, _socket
from mgic.errors import BadConfig
from tests.cases import thorough
from tests.conftest import free_port


def up(home: Path, **settings: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mgic", "up", "--no-demo"]
    environment = os.environ | {"MGIC_HOME": str(home)} | settings
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("variable", ["MGIC_API_PORT", *thorough("MGIC_DASHBOARD_PORT")])
def test_a_port_that_is_taken_is_named_with_its_variable(tmp_path, variable):
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = {"MGIC_API_PORT": str(free_port()), "MGIC_DASHBOARD_PORT": str(free_port())}
        done = up(tmp_path, **ports | {variable: str(other.getsockname()[1])})
    assert done.returncode == 2
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", *thorough("192.168.0.1", "example.org", "127.0.0.1.example.org")])
def test_nobody_outside_is_let_in(tmp_path, host):
    done = up(tmp_path, MGIC_API_HOST=host)
    assert done.returncode == 2
    assert "MGIC_API_HOST" in done.stderr
    assert "mgic key create" in done.stderr or not host[0].isdigit() or host.endswith("org")
    assert list(tmp_path.iterdir()) == []


def test_a_home_has_one_service_at_a_time(service):
    done = up(service.home, MGIC_API_PORT="1", MGIC_DASHBOARD_PORT="1")
    assert done.returncode == 2
    assert "another `mgic up`" in done.stderr
    assert service.client.ready().status == "ok"


def test_a_deep_home_has_its_socket_where_the_path_is_short_enough(tmp_path):
    deep = tmp_path / ("d" * SOCKET_BYTES)
    short = _socket(deep)
    assert len(os.fsencode(short)) <= SOCKET_BYTES
    assert short == _socket(deep)
    assert short != _socket(tmp_path / ("e" * SOCKET_BYTES))
    assert short.parent.stat().st_mode & 0o077 == 0


def test_a_place_for_temporary_files_that_is_too_deep_as_well_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("t" * SOCKET_BYTES)))
    with pytest.raises(BadConfig, match="shorter path"):
        _socket(tmp_path / ("d" * SOCKET_BYTES))


def test_a_home_is_private_and_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    new, empty, ours, shared = (tmp_path / name for name in ("a/new", "empty", "ours", "shared"))
    for folder in (empty, ours, shared):
        folder.mkdir(mode=0o755)
    (ours / "up.lock").touch()
    (shared / "thesis.tex").touch()
    for folder in (new, empty, ours, shared):
        _make_private(folder)
    assert [folder.stat().st_mode & 0o777 for folder in (new, empty, ours, shared)] == [0o700, 0o700, 0o700, 0o755]


def test_a_host_that_is_none_is_said_before_anything_is_made(tmp_path):
    done = up(tmp_path / "home", MGIC_ALLOWED_HOSTS="https://lab.example.org")
    assert done.returncode == 2
    assert "MGIC_ALLOWED_HOSTS: 'https://lab.example.org' is no name of a host" in done.stderr
    assert not (tmp_path / "home").exists()
