"""Every recipe asks for something that exists, and the quick one for little."""

import itertools
import json

import pytest

from mgic.errors import UnknownName
from mgic.experiment import EXPERIMENTS
from mgic.records import Recipe
from mgic.reference import list_recipes, recipe

NAMES = [each.name for each in list_recipes()]


def configs(found: Recipe) -> list:
    experiment = EXPERIMENTS[found.experiment]
    return [
        experiment.config(**dict(zip(grid, values, strict=True)))
        for grid in found.grids
        for values in itertools.product(*grid.values())
    ]


def test_the_promised_recipes_are_there():
    assert {"ablation_quick", "table5", "table5_quick", "table13", "table13_quick"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_point_is_a_config_that_can_be_built(name):
    found = recipe(name)
    points = configs(found)
    unique = {json.dumps(point.model_dump(mode="json"), sort_keys=True) for point in points}
    assert len(unique) == len(points), "a point is in two grids"
    estimate = EXPERIMENTS[found.experiment].estimate
    if estimate is not None:
        for point in points:
            estimate(point)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    found = recipe(name)
    assert found.name == name
    assert found.title
    assert found.summary.endswith(".")
    assert name.endswith("_quick") == (found.scale == "quick")


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
    def networks(found: Recipe) -> set[str]:
        return {json.dumps([point.model, point.options], sort_keys=True) for point in configs(found)}

    assert networks(recipe(f"{name}_quick")) == networks(recipe(name))


@pytest.mark.parametrize("name", ["table5_quick", "table13_quick"])
def test_a_quick_recipe_takes_few_steps(name):
    """ResNet-56 on 8x8 is bound by the number of its layers: a step of 64 images took 0.07 to 0.26 s of one core."""
    points = configs(recipe(name))
    assert {(point.dataset, point.batch_size) for point in points} == {("digits", 64)}
    steps_an_epoch = 1437 // 64 + 1
    assert sum(point.epochs for point in points) * steps_an_epoch <= 1700
