"""What `pip install mgic` brings, used where there is no checkout: the library, the command and the client."""

import json
import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("mgic", "backend", "worker", "dashboard", "pyproject.toml", "setup.py", "README.md", "LICENSE")


def run(folder: Path, *command: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """In a folder of its own, with nothing of the tests' environment that could lead to the checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MGIC_", "PIP_"))}
    clean |= {"XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def needed(wanted: Distribution) -> set[str]:
    """What it depends on without extras, with all that this depends on; names as they are installed."""
    found: set[str] = set()
    left = [(line, "") for line in wanted.requires or ()]
    while left:
        line, extra = left.pop()
        one = Requirement(line)
        if (one.marker and not one.marker.evaluate({"extra": extra})) or f"{one.name}[{one.extras}]" in found:
            continue
        found |= {one.name, f"{one.name}[{one.extras}]"}
        left += [(more, extra) for more in distribution(one.name).requires or () for extra in ("", *one.extras)]
    return {name for name in found if "[" not in name}


def link(name: str, place: Path) -> None:
    """All that a distribution has in this environment, into another folder."""
    for file in distribution(name).files or ():
        top = file.parts[0]
        if top not in ("..", "__pycache__") and not (place / top).exists():
            (place / top).symlink_to(Path(distribution(name).locate_file(top)))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, since setuptools writes beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in BUILT_FROM:
        source, copy = ROOT / name, folder / "source" / name
        copy.parent.mkdir(exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    offline = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run(folder, sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", folder, folder / "source")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """An environment that has the wheel and what it depends on, and nothing else of what is installed here."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    quiet = ("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check")
    run(folder, sys.executable, "-m", "pip", "--python", python, "install", *quiet, wheel)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (installed,) = distributions(path=[str(site)])
    for name in needed(installed):
        link(name, site)
    return folder


def test_a_wheel_holds_the_library_alone(bare):
    (site,) = (bare / "venv" / "lib").glob("python*/site-packages")
    names = {path.name for path in site.iterdir()}
    assert {"mgic", "torch", "timm"} <= names
    assert not names & {"backend", "worker", "dashboard", "tests", "sklearn", "fastapi", "streamlit", "onnx"}
    assert (site / "mgic" / "py.typed").is_file()
    said = run(bare, bare / "venv/bin/python", "-c", "import mgic, mgic.client; print(mgic.__file__)").stdout.split()
    assert said == [str(site / "mgic" / "__init__.py")]


def test_the_command_runs_without_a_checkout(bare):
    done = run(bare, bare / "venv/bin/mgic", "run", "cost", "model=resnet20,mgic_resnet20")
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["status"], first["result"]["macs"], second["status"]) == ("succeeded", 40551040, "succeeded")


@pytest.mark.thorough
def test_a_wheel_counts_and_what_it_has_not_is_said_in_a_sentence(bare):
    mgic = bare / "venv/bin/mgic"
    assert json.loads(run(bare, mgic, "cost", "resnet20", "--json").stdout)["macs"] == 40551040
    done = run(bare, mgic, "up", status=2)
    assert "the service runs from a checkout of the project, with `make up`" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = run(bare, mgic, "run", "classification", "model=resnet20", "max_steps=1", status=1)
    failure = json.loads(done.stdout)["failure"]
    assert failure["reason"] == "invalid"
    assert failure["message"].endswith("is not installed; get it with: pip install 'mgic[train]'")
