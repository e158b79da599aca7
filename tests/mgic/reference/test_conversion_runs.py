"""The tables of docs/conversion.md say what its runs measured, and these are the runs of the recipes."""

from pathlib import Path

import pytest

from mgic.experiment import EXPERIMENTS
from mgic.figures.samples import groups
from mgic.records import SweepRequest
from mgic.sweep import expand
from tests.bench.conversion import finished, read, row

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", ["mlp_quick", "convert_quick"])
def test_the_page_has_what_the_runs_of_the_recipe_say(name):
    outcomes = read(DOCS / f"{name.replace('_', '-')}.jsonl")
    text = (DOCS / "conversion.md").read_text("utf-8")
    assert [line for line in map(row, groups(finished(outcomes))) if line not in text] == []
    asked = [point.config for point in expand(SweepRequest(recipe=name))]
    settings = EXPERIMENTS["classification"].config  # settings that were added since have the value that was in force
    ran = [settings(**outcome.config | {"device": "auto"}).model_dump(mode="json") for outcome in outcomes]
    assert sorted(map(str, ran)) == sorted(map(str, asked))
