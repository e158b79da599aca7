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

from backend.secrets import SECRETS
from mgic.doors.callers import read_hosts
from tests.containers.checks import AFTER
from tests.containers.readme import README, blocks
from tests.docker.compose import ROOT, Unset, load

FILES = ("docker-compose.yml", "docker-compose.cpu.yml")
OVERRIDES = [path.name for path in sorted(ROOT.glob("docker-compose.*.yml"))]
GIVEN = {"MGIC_PRIVATE_ADDRESS": "10.0.0.1"}  # what an override asks for
WORKERS = ("worker-cpu", "worker-gpu", "worker-timing")
OURS = ("secrets", "migrate", "api", *WORKERS, "dashboard", "data")
SERVICES = (*OURS, "postgres", "redis")


@pytest.fixture
def gpu() -> dict:
    return load(FILES[0], environment={})


@pytest.fixture
def cpu() -> dict:
    return load(*FILES, environment={})


def compose_config(*files: str) -> subprocess.CompletedProcess[str]:
    named = [part for file in files for part in ("-f", file)]
    environment = {**os.environ, **GIVEN}
    command = ["docker", "compose", *named, "config", "-q"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def has_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60).returncode == 0


def reserves_a_gpu(service: dict) -> bool:
    devices = service.get("deploy", {}).get("resources", {}).get("reservations", {}).get("devices", [])
    return any(device["driver"] == "nvidia" and "gpu" in device["capabilities"] for device in devices)


@pytest.mark.parametrize("more", [(), *((name,) for name in OVERRIDES)])
def test_the_files_are_valid(more):
    files = (FILES[0], *more)
    if has_compose():
        assert compose_config(*files).stderr == ""
    document = load(*files, environment=GIVEN)
    assert set(document["services"]) == set(SERVICES)
    for name, service in document["services"].items():
        assert "image" in service, name
        assert set(service.get("depends_on", {})) <= set(document["services"]), name
        assert service.get("network_mode") == "none" or set(service["networks"]) <= set(document["networks"]), name
        named = {v.split(":")[0] for v in service.get("volumes", []) if not v.startswith(("/", "."))}
        assert named <= set(document["volumes"]), name


def test_up_alone_needs_no_variable():
    assert load(FILES[0], environment={})["services"]["secrets"]["command"] == ["make"]


def test_an_address_for_other_hosts_is_asked_for_by_name():
    with pytest.raises(Unset, match="MGIC_PRIVATE_ADDRESS"):
        load(FILES[0], "docker-compose.hosts.yml", environment={})


def test_no_container_but_the_one_that_makes_them_is_told_a_password_in_its_environment(gpu):
    told = {name for name, one in gpu["services"].items() if "PASSWORD" in " ".join(one.get("environment", {}))}
    files = {key for name in told - {"secrets"} for key in gpu["services"][name]["environment"] if "PASSWORD" in key}
    assert files == {"POSTGRES_PASSWORD_FILE", "MGIC_DATABASE_PASSWORD_FILE", "MGIC_BROKER_PASSWORD_FILE"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_the_groups_of_the_secrets_that_it_reads_and_no_other(gpu, name):
    """Of `secrets` all, since who makes a file gives it away."""
    service = gpu["services"][name]
    read = [one.group for secret, one in SECRETS.items() if name == "secrets" or f"/run/mgic/{secret}" in str(service)]
    assert service.get("group_add", []) == [str(group) for group in read]
    mounted = [volume for volume in service.get("volumes", []) if volume.startswith("secrets:")]
    assert mounted == (["secrets:/run/mgic"] if name == "secrets" else ["secrets:/run/mgic:ro"] if read else [])


def test_who_makes_the_secrets_is_nobody_else_and_owns_the_folder(gpu):
    user = gpu["services"]["secrets"]["user"]
    assert user == "20000:20000"
    assert "-o 20000 -g 20000 /run/mgic" in (ROOT / "docker" / "service.Dockerfile").read_text()
    assert not {"20000"} & {one.get("user", "") for name, one in gpu["services"].items() if name != "secrets"}


def test_database_and_broker_wait_for_their_password(gpu):
    for name in ("postgres", "redis"):
        assert gpu["services"][name]["depends_on"] == {"secrets": {"condition": "service_completed_successfully"}}


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
    for name in ("postgres", "redis", *WORKERS):
        assert gpu["services"][name]["networks"] == ["inner"]
    dashboard = gpu["services"]["dashboard"]
    assert dashboard["networks"] == ["edge"]
    about = {"MGIC_API_URL": "http://api:8000", "MGIC_API_KEY_FILE": "/run/mgic/pages-key", "MGIC_ALLOWED_HOSTS": ""}
    assert {name: value for name, value in dashboard["environment"].items() if value} == {
        name: value for name, value in about.items() if value
    }


@pytest.mark.parametrize("given", ["", "lab.example.org", "lab.example.org,lab"])
def test_hosts_that_are_given_are_added_to_those_that_the_services_need(given):
    services = load(*FILES, environment={"MGIC_ALLOWED_HOSTS": given})["services"]
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


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("secrets", "migrate", "data")])
def test_no_service_that_stays_may_take_all_memory(gpu, name):
    assert re.fullmatch(r"\d+[gm]", gpu["services"][name]["mem_limit"])


def test_data_artifacts_memory_and_gpus_are_chosen_by_variables():
    given = {"MGIC_DATA": "/srv/data", "MGIC_ARTIFACTS": "/srv/artifacts", "MGIC_SHM": "8g", "MGIC_GPU_MEMORY": "64g"}
    services = load(FILES[0], environment=given)["services"]
    for name in ("api", *WORKERS):
        assert services[name]["volumes"][:2] == [
            "/srv/data:/data" + ":ro" * (name == "api"),
            "/srv/artifacts:/artifacts",
        ]
    assert services["data"]["volumes"] == ["/srv/data:/data"]
    assert {services[name]["shm_size"] for name in WORKERS} == {"8g"}
    assert services["worker-gpu"]["mem_limit"] == "64g"
    handed_on = {name for name in WORKERS if services[name]["environment"].get("CUDA_VISIBLE_DEVICES", "") is None}
    assert handed_on == {"worker-gpu", "worker-timing"}


def test_another_host_has_workers_and_secrets_alone_as_hardened_as_here():
    services = load(FILES[0], "docker-compose.worker.yml", environment={})["services"]
    started = {name: one for name, one in services.items() if "profiles" not in one}
    assert set(started) == {"secrets", *WORKERS}
    for name in WORKERS:
        assert set(started[name]["depends_on"]) == {"secrets"}
        assert started[name]["networks"] == ["edge"]
        assert (started[name]["read_only"], started[name]["cap_drop"]) == (True, ["ALL"])


def test_database_and_broker_listen_for_other_hosts_at_one_address_only():
    services = load(FILES[0], "docker-compose.hosts.yml", environment=GIVEN)["services"]
    assert services["postgres"]["ports"] == ["10.0.0.1:5432:5432"]
    assert services["redis"]["ports"] == ["10.0.0.1:6379:6379"]


@pytest.mark.parametrize("name", WORKERS)
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


def test_each_check_in_containers_is_of_a_block_of_the_readme():
    found = blocks(README.read_text())
    assert README.read_text().count("```bash") == len(found)
    headings = [one.heading for one in found]
    numbered = {(one, headings[:place].count(one)) for place, one in enumerate(headings)}
    assert set(AFTER) <= numbered


def test_the_readme_names_files_that_there_are():
    named = re.findall(r"^(?:echo )?COMPOSE_FILE=(\S+)", README.read_text(), re.MULTILINE)
    assert named
    assert {file for names in named for file in names.split(":")} == {FILES[0], *OVERRIDES}


def test_every_variable_of_the_compose_files_is_in_the_readme_or_has_a_default():
    text = "".join((ROOT / name).read_text() for name in (FILES[0], *OVERRIDES))
    chosen = set(re.findall(r"\$\{(MGIC_\w+|TORCH_INDEX|POSTGRES_PASSWORD|REDIS_PASSWORD)", text))
    told = {name for name in chosen if name in README.read_text() or name in (ROOT / "README.md").read_text()}
    assert chosen == told


def _light_sources() -> list[Path]:
    core = [ROOT / "mgic" / name for name in ("__init__.py", "client.py", "errors.py")]
    folders = ("mgic/records", "mgic/statistics", "mgic/figures", "dashboard")
    return core + [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
