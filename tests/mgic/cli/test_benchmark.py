"""`mgic benchmark`, with a recipe of one small run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.records import Recipe
from mgic.reference import RECIPES

pytestmark = pytest.mark.thorough


@pytest.fixture
def small(monkeypatch):
    models = ["resnet20(width=4)", "mgic_resnet20(width=4,group_size=2,coarsest_size=4)"]
    grid = {"models": [models], "rounds": [1], "samples": [10], "seconds": [0.1], "warm_up_seconds": [0.1]}
    grid |= {"input_size": [[3, 8, 8]], "device": ["cpu"], "seed": [0, 1]}
    made = Recipe(name="small", title="", summary="", scale="quick", experiment="latency", grids=(grid,))
    monkeypatch.setattr("mgic.benchmark.plan.recipe", lambda name: made)
    assert "benchmark_quick" in dict(RECIPES.items())


def call(out: Path, *more: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["benchmark", "--out", str(out), "--device", "cpu", *more])
    return found.exit_code, found.output


def test_it_measures_what_fits_goes_on_and_writes_the_page(small, tmp_path):
    code, text = call(tmp_path / "b", "--budget", "1s")
    assert code == 0
    assert "1 of 2 runs fitted" in text
    code, text = call(tmp_path / "b")
    assert code == 0
    assert "1 of 1 that are left" in text
    lines = (tmp_path / "b" / "outcomes.jsonl").read_text().splitlines()
    assert [json.loads(line)["config"]["seed"] for line in lines] == [0, 1]
    page = (tmp_path / "b" / "benchmarks.md").read_text()
    assert page.count("| mgic\\_resnet20") == 2


def test_a_folder_that_cannot_be_made_is_named(small, tmp_path):
    (tmp_path / "file").write_text("")
    found = CliRunner().invoke(app, ["benchmark", "--out", str(tmp_path / "file" / "b"), "--device", "cpu"])
    assert found.exit_code == 2
    assert "--out" in found.output
