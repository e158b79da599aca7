"""The recipes of Table 10 ask for the networks and the setting that the paper names."""

import itertools

from mgic.experiments.latency import estimate
from mgic.reference import list_references, recipe
from mgic.tasks.timing import Config, contenders, costs


def configs(name: str) -> list[Config]:
    found = recipe(name)
    assert found.experiment == "latency"
    return [
        Config(**dict(zip(grid, v, strict=True))) for grid in found.grids for v in itertools.product(*grid.values())
    ]


def test_it_times_the_four_networks_of_the_table_with_one_thread_and_one_image():
    points = configs("table10")
    assert [point.engine for point in points] == ["eager", "optimized"]
    for point in points:
        assert (point.threads, point.batch_size, point.device) == (1, 1, "cpu")
        rows = [row for row in list_references() if row.table == "10"]
        assert [cost.model for cost in costs(point)] == [row.model for row in rows]
        for cost, row in zip(costs(point), rows, strict=True):
            assert row.options.items() <= cost.options.items()
            assert cost.input_size == row.input_size


def test_it_has_enough_passes_for_every_percentile_and_rounds_for_an_interval():
    assert all(point.rounds * point.samples >= 662 and point.rounds >= 5 for point in configs("table10"))


def test_the_quick_one_compares_three_networks_with_an_interval():
    (point,) = configs("table10_quick")
    assert len(point.models) == 3
    assert point.rounds >= 3


def test_both_measure_their_first_network_a_second_time():
    for name in ("table10", "table10_quick"):
        for point in configs(name):
            assert [one.model for one in contenders(point) if one.role == "control"] == [point.models[0]]


def test_the_quick_one_stays_quick():
    """Passes end after so many seconds; what is left is the start of each process, about 4 s of one core."""
    (point,) = configs("table10_quick")
    processes = len(contenders(point)) * point.rounds
    assert processes <= 12
    assert point.seconds + point.warm_up_seconds <= 4
    assert estimate(point).work_macs < 3e11
