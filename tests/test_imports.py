"""What each entry point loads of the packages that take long to import: what it needs, and nothing else."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dashboard.pages import SCRIPTS

ROOT = Path(__file__).parents[1]
RULE = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["flake8-tidy-imports"]
HEAVY = {
    *RULE["banned-module-level-imports"],
    *("numpy", "torch", "torch._dynamo", "fastapi", "sqlalchemy", "celery", "streamlit"),
}
CORE = {"numpy", "torch"}
LIST = "mgic.cli.local.list_('experiments')"
READ = "from typer.testing import CliRunner; assert CliRunner().invoke(mgic.cli.app, ['reference', '7']).exit_code == 0"
RUN = (
    "import mgic.runner as r; from tests.silent import SilentContext as C; from pathlib import Path; "
    "o = r.run('classification', {'model': 'mgic_resnet20', 'width': 8, 'max_steps': 1}, C(Path.cwd())); "
    "assert o.result, o.failure"
)
# One process a row: after each of its steps it has loaded these, and no other heavy package.
PROCESSES: list[dict[str, set[str]]] = [
    {
        "from mgic import MGICBlock": CORE,
        "import mgic.layers": CORE,
        "import mgic.runner": CORE,
        "import mgic.inference": CORE,
        "from mgic import describe; describe.experiments(); describe.models(); describe.recipes()": CORE,
        "describe.datasets(__import__('pathlib').Path.cwd())": CORE,
        f"import mgic.cli; {LIST}": CORE,  # keeps its answer for the next process
        "import mgic; mgic.create('mgic_resnet20')": CORE,
        "describe.cost('mgic_resnet20', {})": CORE,  # counted without torch's compiler
    },
    {
        "import mgic, mgic.records, mgic.experiment, mgic.client, mgic.kept": set(),
        "import mgic.statistics, mgic.reference, mgic.cli": {"numpy"},
        LIST: {"numpy"},
        READ: {"numpy"},
    },
    {"import backend.app": {"celery", "fastapi", "numpy", "sqlalchemy"}},
    {"import worker.app": {"celery", "sqlalchemy"}},
]
CHILD = """
import contextlib, importlib, io, json, sys
heavy, steps = json.loads(sys.argv[1])
for step in steps:
    with contextlib.redirect_stdout(io.StringIO()):
        exec(step)
    print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def dashboard_modules() -> list[str]:
    """Those that can be imported; pages and the entry file are scripts that draw as they are read."""
    scripts = {ROOT / "dashboard" / script for script in ("app.py", *SCRIPTS.values())}
    modules = [path.relative_to(ROOT).with_suffix("") for path in {*(ROOT / "dashboard").rglob("*.py")} - scripts]
    return sorted(".".join(part for part in module.parts if part != "__init__") for module in modules)


def load(steps: dict[str, set[str]], folder: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-c", CHILD, json.dumps([sorted(HEAVY), list(steps)])]
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    loaded = [set(json.loads(line)) for line in done.stdout.splitlines()]
    assert dict(zip(steps, loaded, strict=True)) == steps


def test_an_entry_point_loads_what_it_needs_and_no_more(tmp_path):
    dashboard = {f"import {', '.join(dashboard_modules())}": {"numpy", "pandas", "plotly", "pyarrow", "streamlit"}}
    for steps in (*PROCESSES, dashboard):
        load(steps, tmp_path)


@pytest.mark.thorough
def test_a_training_loads_what_its_first_step_does_and_no_more(tmp_path):
    """The first step of any optimizer imports torch's compiler, and that scipy."""
    load({RUN: CORE | {"torch._dynamo", "scipy"}}, tmp_path)
