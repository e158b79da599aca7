"""A result against the cost: the front, how sure it is and how that is drawn, budgets, labels."""

import pytest

from mgic.figures.cost_axis import cost_title
from mgic.figures.front import Budget, Point, best_within, staircase, weighed
from mgic.figures.samples import groups, samples
from mgic.figures.style import LIGHT
from mgic.figures.tradeoff import Axes, Printed, arranged, axes_of, draw_tradeoff, rows, strong, tradeoff_info
from mgic.statistics import CostError
from tests.dashboard.test_charts import TOP1, grid_runs

AXES = Axes("Accuracy", "MACs", "top1 (%)")


def point(cost: float, *worth: float, **more) -> Point:
    mean = sum(worth) / len(worth)
    given = {"key": f"{cost}/{worth}", "name": f"net{cost:g}", "label": f"n{cost:g}", "budgets": {"max_macs": cost}}
    return Point(x=cost, y=mean, below=0.1, above=0.1, singles=worth, hover="a<br>b<br>c", worth=worth, **given | more)


def five(mean: float) -> tuple[float, ...]:
    return tuple(mean + gap for gap in (-0.1, -0.05, 0, 0.05, 0.1))


@pytest.mark.parametrize(("goal", "steps"), [("max", [(1, 6), (4, 7)]), ("min", [(1, 5), (3, 4)]), (None, [])])
def test_the_front_is_a_staircase_of_what_nothing_cheaper_beats(goal, steps):
    given = [point(cost, float(worth)) for cost, worth in ((1, 5), (1, 6), (2, 6), (3, 4), (4, 7))]
    assert staircase(weighed(given, goal)) == steps


def test_from_five_seeds_on_a_mark_is_as_large_as_it_is_surely_on_the_front():
    few, many = (tradeoff_info(groups(samples(grid_runs(n)[:-1])), TOP1, "%", goal="max") for n in (4, 5))
    assert {one.probability for one in few.points} == {None}
    made = draw_tradeoff(many, axes_of(TOP1, (cost_title("macs"), "Top-1 accuracy (%)"), True), LIGHT)
    assert "on the front: 90 % and more" in [trace.name for trace in made.data]
    assert "on the front with a probability of" in " ".join(str(trace.hovertext) for trace in made.data)
    few_made = draw_tradeoff(few, axes_of(TOP1, (cost_title("macs"), "Top-1 accuracy (%)"), True), LIGHT)
    assert not any("on the front:" in str(trace.name) for trace in few_made.data)


def test_what_is_dominated_is_hollow_and_has_no_label():
    info = arranged(
        weighed([point(1, *five(90)), point(2, *five(80)), point(3, *five(95))], "max"), lambda _: "m", "max"
    )
    assert [strong(one) for one in info.points] == [True, False, True]
    assert info.points[1].probability < 0.01 < 0.99 < info.points[0].probability
    made = draw_tradeoff(info, AXES, LIGHT)
    symbols = {x: trace.marker.symbol for trace in made.data if trace.customdata is not None for x in trace.x}
    assert symbols == {1: "circle", 2: "circle-open", 3: "circle"}
    assert {text for trace in made.data for text in trace.text or ()} == {"n1", "n3"}


def test_a_measured_cost_has_a_bar_and_makes_the_front_less_sure():
    exact = [point(1.0, *five(90)), point(1.1, *five(89))]
    measured = [point(one.cost, *one.worth, left=0.2, right=0.3, error=CostError(0.15, 4)) for one in exact]
    assert weighed(exact, "max")[1].probability < 0.05 < 0.2 < weighed(measured, "max")[1].probability
    made = draw_tradeoff(arranged(weighed(measured, "max"), lambda _: "m", "max"), AXES, LIGHT)
    bars = [trace.error_x for trace in made.data if trace.customdata is not None]
    assert {(bar.array[0], bar.arrayminus[0]) for bar in bars} == {(0.3, 0.2)}


def test_the_best_within_a_budget_is_said_with_its_doubt():
    budget = Budget("max_macs", 2e6, "MACs")
    given = weighed([point(1e6, *five(90)), point(2e6, *five(95)), point(3e6, *five(99))], "max", [budget])
    assert [one.within for one in given] == [True, True, False]
    words = best_within(given, "max", [budget], "top1", "%")
    assert (
        words == "Best top1 with MACs up to 2 M: net2e+06, 95 ± 0.1 % at 2 M MACs, on the front with over 99 % (n = 5)."
    )
    assert best_within(given, "max", [], "top1", "%") == ""
    tight = Budget("max_ms", 1.0, "latency", "ms")
    unknown = [point(1e6, 90.0, budgets={"max_macs": 1e6})]
    assert (
        best_within(weighed(unknown, "max", [tight]), "max", [tight], "top1", "%")
        == "Nothing meets latency up to 1 ms."
    )


def test_a_budget_is_shaded_and_what_lies_beyond_is_faint():
    budget = Budget("max_macs", 1.5, "MACs")
    points = weighed([point(1, *five(90)), point(2, *five(95))], "max", [budget])
    made = draw_tradeoff(
        arranged(points, lambda _: "m", "max", budgets=(budget,)), Axes("A", "x", "y", limit=1.5), LIGHT
    )
    (shade,) = made.layout.shapes
    assert (shade.x0, shade.x1 > 2) == (1.5, True)
    assert [strong(one) for one in points] == [True, False]


def test_printed_rows_have_a_symbol_of_their_own_and_are_not_on_the_front():
    points = weighed([point(1, *five(90)), point(2, *five(95))], "max")
    info = arranged(points, lambda _: "m", "max", printed=(Printed(0.5, 99.0, "theirs"),))
    assert info.frontier == [(1, 90), (2, 95)]
    made = draw_tradeoff(info, AXES, LIGHT)
    (printed,) = [trace for trace in made.data if trace.name == "printed in the paper"]
    assert printed.marker.symbol not in {trace.marker.symbol for trace in made.data if trace is not printed}
    assert rows(info, "macs", "top1")[-1] == {
        "series": "printed in the paper",
        "network": "theirs",
        "macs": 0.5,
        "top1": 99.0,
    }
