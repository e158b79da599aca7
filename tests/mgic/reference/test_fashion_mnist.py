"""The page about Fashion-MNIST says what its runs measured, and these are the runs of the recipe."""

from pathlib import Path

from mgic.experiment import EXPERIMENTS
from mgic.records import SweepRequest
from mgic.sweep import expand
from tests.bench.fashion_mnist import page, read

DOCS = Path(__file__).parents[3] / "docs"
RUNS = DOCS / "fashion-mnist.jsonl"


def test_the_page_is_what_the_runs_say():
    assert page(read(RUNS)) == (DOCS / "fashion-mnist.md").read_text("utf-8")


def test_the_runs_are_those_of_the_recipe():
    asked = [point.config for point in expand(SweepRequest(recipe="fashion_mnist"))]
    ran = [{**outcome.config, "device": "auto"} for outcome in read(RUNS)]
    settings = EXPERIMENTS["classification"].config  # settings that were added since have the value that was in force
    assert [settings.model_validate(config).model_dump(mode="json") for config in ran] == asked
