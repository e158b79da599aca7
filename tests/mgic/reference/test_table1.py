"""The recipes of Table 1 ask for what the table prints, and the quick one for little."""

import itertools

from mgic.experiment import EXPERIMENTS
from mgic.records import Recipe
from mgic.reference import recipe


def configs(found: Recipe) -> list:
    config = EXPERIMENTS[found.experiment].config
    return [
        config(**dict(zip(grid, values, strict=True)))
        for grid in found.grids
        for values in itertools.product(*grid.values())
    ]


def test_table1_has_the_group_sizes_and_the_parameters_the_paper_prints():
    points = configs(recipe("table1"))
    estimate = EXPERIMENTS["reconstruction"].estimate
    assert estimate is not None
    assert {point.group_size: estimate(point).cost.params for point in points} == {32: 3328, 16: 1792, 8: 896, 4: 448}
    assert {(point.features, point.images, point.samples, point.coarsest_size) for point in points} == {
        ("resnet50", "imagenet", 1024, 8)
    }


def test_the_quick_one_needs_nothing_that_is_not_installed():
    points = configs(recipe("table1_quick"))
    assert [point.group_size for point in points] == [32, 16, 8, 4]
    assert {(point.features, point.images) for point in points} == {("efficientnet_lite0", "photographs")}
    estimate = EXPERIMENTS["reconstruction"].estimate
    assert estimate is not None
    assert sum(estimate(point).work_macs for point in points) < 1e11
