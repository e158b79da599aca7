"""The page about pruning says what its runs measured, and they are runs of this experiment on the same networks."""

from pathlib import Path

from mgic.experiments.prune import Config
from tests.bench.pruning import METHODS, page, read

DOCS = Path(__file__).parents[3] / "docs"
RUNS = read(DOCS / "pruning.jsonl")


def test_the_page_is_what_the_runs_say():
    assert page(RUNS) == (DOCS / "pruning.md").read_text("utf-8")


def test_the_runs_differ_in_method_and_seed_alone():
    configs = [Config.model_validate(outcome.config).model_dump() for outcome in RUNS]
    asked = [(config.pop("method"), config.pop("seed"), config.pop("trained")) for config in configs]
    assert asked == [(method, seed, f"base/{seed}/0") for method in METHODS for seed in (0, 1, 2)]
    searches = [config.pop("search_trials") for config in configs]
    assert len(searches) == len(RUNS)
    assert all(config == configs[0] for config in configs)
    assert all(outcome.result["macs_ratio_reached"] <= 0.5 for outcome in RUNS)
