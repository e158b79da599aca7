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
    assert {"ablation_quick", "table13"} <= set(NAMES)


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
    with pytest.raises(UnknownName, match="did you mean 'table13'"):
        recipe("table31")


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
