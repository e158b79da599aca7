"""The compose files say what they should, read without a Docker daemon, and by Compose itself where that is there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from mgic.doors.callers import read_hosts
from tests.docker.compose import ROOT, Unset, load

PASSWORDS = {"POSTGRES_PASSWORD": "pg", "REDIS_PASSWORD": "rd"}
FILES = ("docker-compose.yml", "docker-compose.cpu.yml")
OURS = ("migrate", "api", "worker-cpu", "worker-gpu", "worker-timing", "dashboard", "data")
SERVICES = (*OURS, "postgres", "redis")


@pytest.fixture
def gpu() -> dict:
    return load(FILES[0], environment=PASSWORDS)


@pytest.fixture
def cpu() -> dict:
    return load(*FILES, environment=PASSWORDS)


def compose_config(*files: str) -> subprocess.CompletedProcess[str]:
    named = [part for file in files for part in ("-f", file)]
    environment = {**os.environ, **PASSWORDS}
    command = ["docker", "compose", *named, "config", "-q"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def has_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60).returncode == 0


def reserves_a_gpu(service: dict) -> bool:
    devices = service.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
    return any(device["driver"] == "nvidia" and "gpu" in device["capabilities"] for device in devices)


@pytest.mark.parametrize("files", [FILES[:1], FILES])
def test_the_files_are_valid(files):
    if has_compose():
        assert compose_config(*files).stderr == ""
    document = load(*files, environment=PASSWORDS)
    assert set(document["services"]) == set(SERVICES)
    for name, service in document["services"].items():
        assert "image" in service, name
        assert set(service.get("depends_on", {})) <= set(document["services"]), name
        assert set(service["networks"]) <= set(document["networks"]), name
        named = {v.split(":")[0] for v in service.get("volumes", []) if not v.startswith(("/", "."))}
        assert named <= set(document["volumes"]), name


@pytest.mark.parametrize("missing", PASSWORDS)
def test_a_missing_password_is_said_by_name(missing):
    with pytest.raises(Unset, match=missing):
        load(FILES[0], environment={name: value for name, value in PASSWORDS.items() if name != missing})


def test_every_port_is_published_on_the_loopback_only(cpu):
    ports = [port for service in cpu["services"].values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:8000:8000", "127.0.0.1:8501:8501"]


def test_the_gpu_is_reserved_for_the_gpu_and_the_timing_worker(gpu):
    assert {name for name, service in gpu["services"].items() if reserves_a_gpu(service)} == {
        "worker-gpu",
        "worker-timing",
    }


def test_the_cpu_override_resets_the_gpu(cpu):
    assert not any("deploy" in service for service in cpu["services"].values())
    assert cpu["services"]["worker-gpu"]["profiles"]
    assert cpu["services"]["worker-timing"]["environment"]["MGIC_DEVICE"] == "cpu"
    assert cpu["services"]["worker-timing"]["environment"]["MGIC_QUEUE"] == "timing"


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_can_do_more_than_it_must(gpu, name):
    service = gpu["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "/tmp" in service["tmpfs"]
    assert service["pids_limit"] <= 4096
    assert ":" in service["image"], "an image is pinned by tag"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_it_is(gpu, name):
    service = gpu["services"][name]
    one_shot = service["restart"] == "no"
    assert service["healthcheck"].get("disable", False) is one_shot
    assert one_shot or service["healthcheck"]["test"]
    assert one_shot or service["restart"] == "unless-stopped"


def test_database_and_broker_are_out_of_the_dashboards_reach(gpu):
    assert gpu["networks"]["inner"]["internal"] is True
    for name in ("postgres", "redis", "worker-cpu", "worker-gpu", "worker-timing"):
        assert gpu["services"][name]["networks"] == ["inner"]
    dashboard = gpu["services"]["dashboard"]
    assert dashboard["networks"] == ["edge"]
    assert dashboard["environment"] == {"MGIC_API_URL": "http://api:8000", "MGIC_ALLOWED_HOSTS": ""}


@pytest.mark.parametrize("given", ["", "lab.example.org", "lab.example.org,lab"])
def test_hosts_that_are_given_are_added_to_those_that_the_services_need(given):
    services = load(*FILES, environment=PASSWORDS | {"MGIC_ALLOWED_HOSTS": given})["services"]
    own = {"127.0.0.1", "localhost", "[::1]"}
    more = set(filter(None, given.split(",")))
    assert set(read_hosts(services["dashboard"]["environment"]["MGIC_ALLOWED_HOSTS"])) == own | more
    assert set(read_hosts(services["api"]["environment"]["MGIC_ALLOWED_HOSTS"])) == own | more | {"api"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_volume_has_a_name_so_that_none_is_left_behind(gpu, name):
    volumes = gpu["services"][name].get("volumes", [])
    assert all(":" in volume for volume in volumes), volumes


@pytest.mark.parametrize("name", SERVICES)
def test_no_health_check_starts_an_interpreter(gpu, name):
    assert "python" not in str(gpu["services"][name]["healthcheck"])


@pytest.mark.parametrize("readme", ["README.md", "docker/README.md"])
def test_the_line_that_makes_passwords_makes_them_once(readme, tmp_path):
    (line,) = [line for line in (ROOT / readme).read_text().splitlines() if "REDIS_PASSWORD=%s" in line]
    said = []
    for _ in range(2):
        subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True)
        said.append((tmp_path / ".env").read_text())
    assert said[0] == said[1]
    names = [entry.split("=")[0] for entry in said[0].splitlines()]
    assert names == ["POSTGRES_PASSWORD", "REDIS_PASSWORD"]
    assert all(len(entry.split("=")[1]) == 48 for entry in said[0].splitlines())
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu", "worker-timing"])
def test_a_worker_listens_to_the_queue_it_says_it_serves(gpu, name):
    service = gpu["services"][name]
    command, environment = service["command"], service["environment"]
    assert command[command.index("-Q") + 1] == environment["MGIC_QUEUE"] == name.removeprefix("worker-")
    assert command[command.index("-c") + 1] == environment["MGIC_SLOTS"]
    assert service["stop_grace_period"] == "30s"
    assert service["shm_size"]


@pytest.mark.parametrize("name", ["service", "dashboard"])
def test_images_are_pinned_and_run_without_root(name):
    lines = (ROOT / "docker" / f"{name}.Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert next(line for line in lines if line.startswith("ARG PYTHON_TAG")).endswith("=3.11-slim-bookworm")
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    stages = {line.split(" AS ")[1] for line in lines if " AS " in line}
    assert set(bases) <= {"python:${PYTHON_TAG}"} | stages


def test_what_the_dockerfiles_copy_reaches_the_builder():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for dockerfile in (ROOT / "docker").glob("*.Dockerfile"):
        for line in dockerfile.read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                assert {source.split("/")[0] for source in line.split()[1:-1]} <= allowed


@pytest.fixture(scope="module")
def role():
    """The script that the Dockerfiles run, as a module."""
    spec = importlib.util.spec_from_file_location("requirements", ROOT / "docker" / "requirements.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboards_image_has_no_torch_and_no_database(role):
    names = set(map(role.name, role.requirements("dashboard")))
    assert {"streamlit", "plotly", "httpx2", "pydantic"} <= names
    assert not names & {"torch", "torchvision", "sqlalchemy", "psycopg", "celery"}
    assert {"torch", "torchvision", "fastapi", "celery"} <= set(map(role.name, role.requirements("service")))


def test_the_dashboards_image_has_a_browser_that_draws_files_and_its_user_is_not_root():
    """Chromium comes with the image, as root, before the user is changed; the limit of memory has room for it."""
    text = (ROOT / "docker" / "dashboard.Dockerfile").read_text()
    assert re.search(r"apt-get install [^&]*\bchromium\b[^&]*\bfonts-liberation\b", text)
    assert text.index("apt-get install") < text.index("USER 10001")


def test_a_dependency_that_the_dashboard_lost_stops_the_build(role, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["torch"]\n[project.optional-dependencies]\ndashboard = []\n'
    )
    with pytest.raises(ValueError, match="numpy, pillow, pydantic"):
        role.requirements("dashboard", tmp_path / "pyproject.toml")


def test_the_dashboards_image_has_all_that_its_code_imports(role):
    code = (
        "import sys, pkgutil, importlib, mgic.client, mgic.records, mgic.statistics\n"
        "import dashboard, mgic.figures.scenes\n"
        "from dashboard.pages import SCRIPTS\n"
        "scripts = {f'dashboard.{script[:-3].replace(chr(47), chr(46))}' for script in SCRIPTS.values()}\n"
        "for m in pkgutil.walk_packages(dashboard.__path__, 'dashboard.'):\n"
        "    if m.name not in {'dashboard.app', *scripts}:\n"
        "        importlib.import_module(m.name)\n"
        "print(*{m.partition('.')[0] for m in sys.modules})"
    )
    loaded = set(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split())
    assert not loaded & {"torch", "sqlalchemy", "celery", "fastapi"}
    listed = set(map(role.name, role.requirements("dashboard")))
    written = {line for path in _light_sources() for line in path.read_text().splitlines()}
    imported = {line.split()[1].partition(".")[0] for line in written if line.startswith(("import ", "from "))}
    homes = packages_distributions()
    named = {homes[top][0].lower() for top in imported if top in homes} - {"mgic"}
    assert named <= listed | {"pydantic_core", "typing_extensions"}


def _light_sources() -> list[Path]:
    core = [ROOT / "mgic" / name for name in ("__init__.py", "client.py", "errors.py")]
    folders = ("mgic/records", "mgic/statistics", "mgic/figures", "dashboard")
    return core + [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
