"""Every example is executed, as it stands and where it stands; what it says of itself is held to."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Service

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOK = """
import sys
import nbformat
from nbclient import NotebookClient

book = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(book, timeout=200, kernel_name="python3").execute()
print("".join(output.text for cell in book.cells for output in cell.get("outputs", []) if output.name == "stdout"))
"""


def said(folder: Path, *words: str | Path, path: Path | None = None) -> str:
    paths = os.pathsep.join(map(str, (ROOT, path) if path else (ROOT,)))
    environment = os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder), "IPYTHONDIR": str(folder)}
    command = [sys.executable, "-P", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """Executes a script in this process, which has torch loaded already, and gives what it printed."""
    monkeypatch.chdir(tmp_path)

    def execute(name: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *words])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return execute


def test_a_block_is_put_into_mgic_in_15_lines(here):
    lines = (EXAMPLES / "own_block.py").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.startswith('"""')]) <= 15
    plain, hierarchy = here("own_block.py").splitlines()
    assert plain == f"plain: {9 * 256**2 + 2 * 256:,} parameters, {9 * 256**2 * 32**2:,} MACs"
    assert hierarchy.startswith("in MGIC: ")


@pytest.mark.thorough
def test_a_network_is_converted_counted_and_timed(here):
    text = here("own_network.py")
    assert text.startswith("2 blocks in MGIC")
    assert [line.split(":")[0] for line in text.splitlines() if line.endswith(" ms")] == ["as it was", "converted"]


@pytest.mark.thorough
def test_a_package_brings_a_network_and_an_experiment(tmp_path):
    """Installed, so that its entry point is found; no command names it."""
    quiet = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    copy = tmp_path / "plugin"
    for file in (EXAMPLES / "plugin").rglob("*.*"):
        if file.suffix in (".py", ".toml"):
            place = copy / file.relative_to(EXAMPLES / "plugin")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.read_text())
    site = tmp_path / "site"
    said(tmp_path, "-m", "pip", "install", *quiet, "--target", site, copy)
    lines = said(tmp_path, "-m", "mgic", "run", "transfer_share", "width=64,256", path=site).splitlines()
    outcomes = [json.loads(line) for line in lines]
    assert [outcome["config"]["width"] for outcome in outcomes] == [64, 256]
    assert all(0 < outcome["result"]["share"] < 100 for outcome in outcomes)


def test_a_sweep_is_drawn_from_python(service: Service, here, tmp_path):
    assert here("sweep_figure.py", service.url) == "8 succeeded\n"
    page = (tmp_path / "cost-against-width.html").read_text()
    assert "MACs of one block" in page
    assert 'src="http' not in page


@pytest.mark.thorough
def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    pytest.importorskip("nbclient")
    text = said(tmp_path, "-c", NOTEBOOK, EXAMPLES / "first_steps.ipynb")
    assert "resnet20: 269,722 parameters, 40,551,040 MACs" in text
    assert "blocks in MGIC" in text
    assert "network.onnx: " in text
