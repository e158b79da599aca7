"""Every recipe asks for something that exists, and the quick one for little."""

import itertools
import json

import pytest

from mgic.errors import UnknownName
from mgic.experiment import EXPERIMENTS
from mgic.records import Recipe
from mgic.reference import list_recipes, list_references, recipe
from tests.cases import thorough

NAMES = [each.name for each in list_recipes()]


def configs(found: Recipe) -> list:
    experiment = EXPERIMENTS[found.experiment]
    return [
        experiment.config(**dict(zip(grid, values, strict=True)))
        for grid in found.grids
        for values in itertools.product(*grid.values())
    ]


def networks(found: Recipe) -> set[str]:
    return {json.dumps([point.model, point.options], sort_keys=True) for point in configs(found)}


def test_what_the_paper_measures_has_a_recipe_at_its_scale_and_a_quick_one():
    items = [f"table{n}" for n in (1, 2, 3, 5, 7, 8, 10, 11, 13)] + [f"figure{n}" for n in (2, 3, 4)]
    assert {name + scale for name in items for scale in ("", "_quick")} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_point_is_a_config_and_in_one_grid(name):
    points = configs(recipe(name))
    unique = {json.dumps(point.model_dump(mode="json"), sort_keys=True) for point in points}
    assert len(unique) == len(points), "a point is in two grids"


def larger(found: Recipe) -> bool:
    """Whether it has the networks of a quick one at another size, or converted and timed ones, of which others tell."""
    return found.scale == "paper" or found.name.startswith(("convert_", "benchmark_"))


LARGER = [each.name for each in list_recipes() if larger(each)]


@pytest.mark.parametrize("name", [*(name for name in NAMES if name not in LARGER), *thorough(*LARGER)])
def test_every_point_can_be_built(name):
    found = recipe(name)
    estimate = EXPERIMENTS[found.experiment].estimate
    if estimate is not None:
        for point in configs(found):
            estimate(point)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    found = recipe(name)
    assert found.name == name
    assert found.title
    assert found.summary.endswith(".")
    assert not (name.endswith("_quick") and found.scale == "paper")
    if found.scale == "paper":  # what it redoes is in its title, Table 13 of table13
        assert name.removesuffix("_pruned").replace("table", "Table ").replace("figure", "Figure ") in found.title


def test_an_unknown_recipe_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'table13_quick'"):
        recipe("table13_quik")


def test_table13_has_the_pairs_the_paper_prints_and_its_settings():
    points = configs(recipe("table13"))
    pairs = {
        (point.options["coarsest_size"], point.options["group_size"])
        for point in points
        if point.model == "mgic_resnet56"
    }
    assert pairs == {(64, 16), (32, 16), (16, 16), (16, 32), (16, 8), (16, 4)}
    assert len(points) == 7 * 3
    assert {point.seed for point in points} == {0, 1, 2}
    assert {(point.dataset, point.epochs, point.batch_size, point.learning_rate) for point in points} == {
        ("cifar10", 100, 128, 0.001)
    }
    assert {point.options["coarsening"] for point in points if point.model != "resnet56"} == {"released"}


def test_the_quick_ablation_compares_networks_that_differ():
    """Two cells of the same cost would be the same network drawn twice."""
    points = [point for point in configs(recipe("ablation_quick")) if point.seed == 0]
    estimate = EXPERIMENTS["classification"].estimate
    assert estimate is not None
    costs = [(found.cost.params, found.cost.macs) for found in map(estimate, points)]
    assert len(set(costs)) == len(costs) == 10


def test_the_quick_ablation_stays_quick():
    """Work, not seconds: 20 runs of which each took under 20 s of one core."""
    estimate = EXPERIMENTS["classification"].estimate
    assert estimate is not None
    points = configs(recipe("ablation_quick"))
    assert len(points) == 20
    assert sum(estimate(point).work_macs for point in points) < 2.5e12
    assert {point.dataset for point in points} == {"digits"}


def test_table5_has_the_networks_that_can_be_trained_as_they_are():
    points = configs(recipe("table5"))
    assert {(point.model, point.seed) for point in points} == {
        (model, seed) for model in ("mgic_resnet56", "ghost_resnet56", "resnet56") for seed in (0, 1, 2)
    }
    assert {(p.options["group_size"], p.options["coarsest_size"]) for p in points if p.model == "mgic_resnet56"} == {
        (8, 16)
    }


@pytest.mark.parametrize("name", ["table5", "table13"])
def test_the_quick_recipe_of_a_table_has_its_networks(name):
    assert networks(recipe(f"{name}_quick")) == networks(recipe(name))


@pytest.mark.parametrize("name", ["table2", "table7", "table8"])
def test_the_quick_recipe_of_a_table_of_imagenet_has_some_of_its_networks(name):
    quick = networks(recipe(f"{name}_quick"))
    assert quick < networks(recipe(name))
    assert len(quick) >= 4


@pytest.mark.parametrize("suffix", ["", "_quick"])
@pytest.mark.parametrize(("figure", "table"), [("figure2", "table1"), ("figure3", "table2")])
def test_a_figure_is_the_sweep_of_its_table_under_its_own_name(figure, table, suffix):
    drawn, printed = recipe(figure + suffix), recipe(table + suffix)
    assert (drawn.experiment, drawn.scale, drawn.grids) == (printed.experiment, printed.scale, printed.grids)
    assert printed.name in drawn.summary


def test_fashion_mnist_compares_two_networks_seed_by_seed():
    points = configs(recipe("fashion_mnist"))
    pair = ["resnet20", "mgic_resnet20"]
    assert [(point.seed, point.model) for point in points] == [(seed, model) for seed in (0, 1, 2) for model in pair]
    assert {point.dataset for point in points} == {"fashion_mnist"}


@pytest.mark.parametrize("name", ["table5_quick", "table13_quick"])
def test_a_quick_recipe_takes_few_steps(name):
    """ResNet-56 on 8x8 is bound by the number of its layers: a step of 64 images took 0.07 to 0.26 s of one core."""
    points = configs(recipe(name))
    assert {(point.dataset, point.batch_size) for point in points} == {("digits", 64)}
    steps_an_epoch = 1437 // 64 + 1
    assert sum(point.epochs for point in points) * steps_an_epoch <= 1700


@pytest.mark.parametrize("name", ["table2_quick", "table7_quick", "table8_quick", "figure3_quick"])
def test_a_quick_recipe_of_networks_for_imagenet_takes_few_steps(name):
    """A step of 32 images took 0.05 to 0.33 s of one core, the most for ResNet-50."""
    points = configs(recipe(name))
    assert {(point.dataset, point.batch_size) for point in points} == {("digits", 32)}
    steps_an_epoch = 1437 // 32 + 1
    assert sum(point.epochs for point in points) * steps_an_epoch <= 1600


def test_every_pruned_row_of_the_tables_has_a_run_at_its_scale_and_its_method_a_quick_one():
    quick = {point.method for point in configs(recipe("pruning_quick"))}
    for table in ("5", "7"):
        rows = [row for row in list_references(table) if row.experiment == "prune"]
        points = [point.model_dump() for point in configs(recipe(f"table{table}_pruned"))]
        assert len(points) == 3 * len(rows)
        for row in rows:
            assert sum(point.items() >= row.scale.items() for point in points) == 3
        assert {row.scale["method"] for row in rows} - {"bn_sparsity"} <= quick


def test_a_family_and_its_conversion_are_trained_alike_and_quickly():
    points = configs(recipe("convert_quick"))
    originals = [point for point in points if not point.model.startswith("mgic/")]
    alike = {"dataset", "epochs", "batch_size", "learning_rate", "momentum", "weight_decay", "schedule", "augment"}
    assert len(points) == 2 * len(originals) == 18
    assert {point.model for point in points} == {name + one.model for one in originals for name in ("", "mgic/")}
    assert len({json.dumps(point.model_dump(include=alike)) for point in points}) == 1
    assert {point.seed for point in points} == {0, 1, 2}
    assert points[0].epochs * (1437 // points[0].batch_size + 1) <= 270


def test_fully_connected_networks_are_compared_over_the_same_widths():
    points = configs(recipe("mlp_quick"))
    by_model = {name: [(p.options["width"], p.seed) for p in points if p.model == name] for name in ("mlp", "mgic_mlp")}
    assert by_model["mlp"] == by_model["mgic_mlp"]
    assert len(points) == 30
    estimate = EXPERIMENTS["classification"].estimate
    assert estimate is not None
    assert sum(estimate(point).work_macs for point in points) < 2e12
