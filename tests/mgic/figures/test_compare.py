"""Runs against each other: sides, differences with their intervals, overlaid curves."""

import pytest

from mgic.errors import BadConfig
from mgic.figures.curves import curve_title
from mgic.figures.differences import BETTER, compared, held_against, how_note, metric_rows
from mgic.figures.overlay import EPOCH, STEP, overlays, steps_an_epoch
from mgic.figures.scenes import compare
from mgic.figures.scenes.compare import Data
from mgic.figures.sides import BY_CONFIG, BY_RUN, Metric, best_configs, config_rows, environment_rows, sides
from mgic.figures.style import DARK, LIGHT
from mgic.records import CurvePoint, RunStatus
from tests.dashboard.made import experiment, run

INFO = experiment(
    {}, result_schema={"properties": {"top1": {"title": "Top-1", "unit": "%", "goal": "max"}, "macs": {"goal": "min"}}}
)
INFOS = {"classification": INFO}
TOP1 = Metric("top1")


def trained(number: int, top1: float | None, group_size: int = 8, seed: int = 0, **more):
    status = RunStatus.SUCCEEDED if top1 is not None else RunStatus.RUNNING
    result = {"top1": top1, "macs": 100 * group_size} if top1 is not None else None
    return run(number, status, result, model="mgic_resnet20", group_size=group_size, seed=seed, **more)


def two_configs(n: int = 3):
    """Of which the second is better by 1, 2, 3, ... at equal seeds."""
    first = [trained(seed, 80.0 + seed, 8, seed) for seed in range(n)]
    return [*first, *(trained(10 + seed, 81.0 + 2 * seed, 16, seed) for seed in range(n))]


def test_a_side_is_a_run_or_all_seeds_of_a_config_and_is_called_by_what_differs():
    by_config = sides(two_configs(), BY_CONFIG)
    assert [(one.letter, one.label, len(one.runs)) for one in by_config] == [
        ("A", "group_size=8", 3),
        ("B", "group_size=16", 3),
    ]
    by_run = sides(two_configs(2), BY_RUN)
    assert [one.label for one in by_run][:2] == ["group_size=8, seed=0", "group_size=8, seed=1"]


def test_a_label_has_no_more_fields_than_tell_the_sides_apart():
    given = [trained(n, 80.0, 2**n, width=n, lr=n) for n in range(3)]
    assert [one.label for one in sides(given, BY_RUN)] == ["group_size=1", "group_size=2", "group_size=4"]


def test_a_seed_that_differs_is_always_in_the_label_of_a_run():
    given = [trained(0, 80.0, 8, seed=0), trained(1, 81.0, 16, seed=1)]
    assert [one.label for one in sides(given, BY_RUN)] == ["group_size=8, seed=0", "group_size=16, seed=1"]


def test_a_curve_has_the_title_of_what_it_is_of():
    assert curve_title("test/top1") == "Top-1 accuracy, test"
    assert curve_title("loss") == "Loss"


def test_runs_of_one_config_are_told_apart_by_their_ids():
    given = [trained(0, 80.0), trained(1, 81.0)]
    assert [one.label for one in sides(given, BY_RUN)] == [f"run {str(one.id)[:8]}" for one in given]


def test_no_more_than_eight_sides_are_made():
    assert len(sides([trained(n, 80.0, n + 1) for n in range(12)], BY_RUN)) == 8


def test_equal_seeds_are_paired():
    gap, how = held_against({"0": 80.0, "1": 81.0, "2": 82.0}, {"0": 81.0, "1": 83.0, "2": 85.0})
    # gaps 1, 2, 3: mean 2, sd 1, t(2, 97.5 %) = 4.3027
    assert (gap.mean, how) == (2.0, "paired by seed, n = 3")
    assert gap.interval == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)


def test_other_seeds_are_compared_by_welch_and_single_runs_claim_nothing():
    gap, how = held_against({"0": 80.0, "1": 82.0}, {"2": 90.0, "3": 91.0, "4": 92.0})
    assert (gap.mean, how) == (10.0, "Welch's t, n = 2 and 3")
    assert gap.interval is not None
    alone, how = held_against({"0": 80.0}, {"0": 90.0})
    assert (alone.mean, alone.interval, how) == (10.0, None, "n = 1 and 1: no interval is known")
    assert held_against({}, {"0": 1.0}) == (None, "a side has no number")


def test_what_no_seed_changes_has_no_interval():
    gap, how = held_against({"0": 100.0, "1": 100.0}, {"0": 50.0, "1": 50.0})
    assert (gap.mean, gap.interval, how) == (-50.0, None, "the same for every seed")


def test_better_is_said_only_where_the_interval_leaves_out_zero():
    few, many = two_configs(3), two_configs(8)
    assert compared(sides(few, BY_CONFIG), TOP1, INFOS)[1].verdict == ""
    assert compared(sides(many, BY_CONFIG), TOP1, INFOS)[1].verdict == BETTER


def test_the_table_has_means_differences_and_the_change_of_a_cost():
    rows = metric_rows(sides(two_configs(), BY_CONFIG), [TOP1, Metric("macs")], INFOS)
    assert rows[0] == {
        "metric": "Top-1 (%)",
        "A": "81 ± 2.5 (n = 3)",
        "B": "83 ± 5 (n = 3)",
        "B - A": "+2 (-0.484 to +4.48)",
    }
    assert rows[1]["B - A"] == "+800, +100 %"
    assert how_note(compared(sides(two_configs(), BY_CONFIG), TOP1, INFOS)) == "B - A: paired by seed, n = 3."


def test_fields_and_environments_that_differ_are_shown_or_all():
    given = two_configs()
    given[3] = given[3].model_copy(update={"environment": {"torch": "2.14", "source": {"commit": "b"}}})
    given[0] = given[0].model_copy(update={"environment": {"torch": "2.14", "source": {"commit": "a"}}})
    made = sides(given, BY_CONFIG)
    assert config_rows(made, False) == [{"field": "group_size", "A": "8", "B": "16"}]
    assert {row["field"] for row in config_rows(made, True)} == {"experiment", "model", "group_size", "seeds"}
    assert environment_rows(made, False) == [{"key": "source.commit", "A": "a", "B": "b"}]
    assert len(environment_rows(made, True)) == 2


def test_of_many_configs_the_best_are_chosen_with_all_their_seeds():
    given = [trained(10 * n + seed, 50.0 + n, n + 1, seed) for n in range(10) for seed in range(2)]
    best, words = best_configs(given, INFOS, 3)
    assert [one.config["group_size"] for one in best] == [10, 10, 9, 9, 8, 8]
    assert words == "the 3 of 10 configs with the best mean top1"


def points(*rows, name="test/top1"):
    return [CurvePoint(name=name, step=step, value=value, fence=1) for step, value in rows]


def test_curves_of_seeds_are_faint_and_their_mean_is_where_all_have_a_value():
    given = two_configs(2)
    known = {given[0].id: points((10, 1.0), (20, 3.0)), given[1].id: points((10, 3.0), (20, None), (30, 9.0))}
    (found,) = overlays(sides(given, BY_CONFIG), known, "test/top1", STEP, 0.8)
    assert (found.side.letter, len(found.lines)) == ("A", 2)
    assert (found.mean.xs, found.mean.values) == ([10.0], [2.0])


def test_an_epoch_is_as_long_as_it_takes_to_the_first_score():
    known = points((50, 1.0), (100, 2.0))
    assert steps_an_epoch(known) == 50
    assert steps_an_epoch(known[:1]) is None
    given = two_configs(1)
    (found,) = overlays(sides(given, BY_RUN), {given[0].id: known}, "test/top1", EPOCH, 0.0)
    assert found.lines[0].xs == [1.0, 2.0]


@pytest.mark.parametrize("by", [BY_RUN, BY_CONFIG])
def test_every_plot_of_the_scene_is_drawn_with_its_numbers(by):
    given = [*two_configs(3), trained(99, None, 4)]
    data = Data(tuple(given), INFOS, {one.id: points((10, 1.0), (20, 3.0)) for one in given})
    values = {one.name: one.default for one in compare.switches(data)} | {"by": by, "x": EPOCH}
    plots = compare.plots(data, values)
    assert [one.name for one in plots] == ["values", "difference", "curve-test-top1"]
    for one in plots:
        assert one.rows()
        for look in (LIGHT, DARK):
            assert one.draw(look).data


class One:
    """A client that knows some runs, and no curve."""

    def __init__(self, *runs):
        self.known = {str(one.id): one for one in runs}

    def run(self, which):
        return self.known[str(which)]

    def experiments(self):
        return [INFO]


@pytest.mark.parametrize("asked", [{}, {"run": "x"}, {"run": str(trained(0, 1.0).id)}])
def test_an_address_that_compares_nothing_is_answered_in_words(asked):
    with pytest.raises(BadConfig):
        compare.load(One(trained(0, 1.0)), asked)
