"""The recipes whose samples are no images: the paper's numbers, and quick ones that stay quick."""

import itertools
import json

import pytest

from mgic.experiment import EXPERIMENTS
from mgic.reference import recipe


def points(name: str) -> list:
    found = recipe(name)
    make = EXPERIMENTS[found.experiment].config
    return [
        make(**dict(zip(grid, values, strict=True)))
        for grid in found.grids
        for values in itertools.product(*grid.values())
    ]


def networks(name: str) -> set[str]:
    return {json.dumps([point.model, point.options], sort_keys=True) for point in points(name)}


def test_figure4_trains_as_appendix_b1_says():
    found = points("figure4")
    assert len(found) == 3 * 3 * 3
    assert {(p.target, p.points, p.epochs, p.batch_size, p.optimizer, p.learning_rate) for p in found} == {
        ("cos_sin", 50_000, 1000, 128, "sgd", 1e-4)
    }
    assert {p.lr_step_epochs for p in found} == {1000}, "a constant rate"
    assert {(p.options["block"], p.options["width_mult"]) for p in found} == set(
        itertools.product(("mgic", "mobilenet_v3", "ghost"), (0.6, 0.8, 1.2))
    )


def test_table3_has_the_points_and_neighbours_of_appendix_b4():
    found = points("table3")
    assert {(p.model, p.seed) for p in found} == set(itertools.product(("dgcnn", "diffgcn", "mgic_diffgcn"), (0, 1, 2)))
    assert {(p.dataset, p.points, p.options["neighbours"]) for p in found} == {("modelnet10", 1024, 10)}


def test_table11_has_the_five_networks_and_the_training_that_appendix_b3_refers_to():
    found = points("table11")
    assert len(found) == 5 * 3
    assert {(p.model, p.options["variant"], p.options.get("group_size")) for p in found} == {
        ("mgic_lraspp", "large", 64),
        ("mgic_lraspp", "large", 32),
        ("mgic_lraspp", "small", 64),
        ("lraspp_mobilenet_v3", "large", None),
        ("lraspp_mobilenet_v3", "small", None),
    }
    assert {(p.dataset, p.crop, p.batch_size, p.schedule) for p in found} == {("cityscapes", 769, 16, "poly")}
    assert {p.epochs * (2975 // 16 + 1) for p in found} == {90_024}


def test_the_quick_recipes_have_the_networks_of_the_large_ones():
    assert networks("figure4_quick") == networks("figure4")
    assert networks("table3_quick") == networks("table3")
    assert networks("table11_quick") < networks("table11"), "those that are small"


@pytest.mark.parametrize(
    ("name", "runs", "work"), [("figure4_quick", 9, 1.1e12), ("table3_quick", 3, 1.2e12), ("table11_quick", 2, 3e11)]
)
def test_a_quick_recipe_is_little_work(name, runs, work):
    found = recipe(name)
    estimate = EXPERIMENTS[found.experiment].estimate
    assert estimate is not None
    assert len(points(name)) == runs
    assert sum(estimate(point).work_macs for point in points(name)) < work
