"""Intervals that a run knows of its own result, boxes of its samples, and what is said of them."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError
from streamlit.testing.v1 import AppTest

from dashboard.tables.frames import result_tables
from mgic.figures.box import box_info, box_note, draw_boxes
from mgic.figures.columns import description_of, goal_of, is_result, unit_of
from mgic.figures.samples import groups, samples
from mgic.figures.style import LIGHT
from mgic.figures.tradeoff import tradeoff_info
from mgic.figures.view import draw_view, view_info
from mgic.figures.views import PLOTS, views_of, views_of_run
from mgic.records import View, ViewKind, tables_of
from tests.dashboard.made import experiment, run

BAR = View(title="Latency", kind="bar", table="rows", x="model", y="ms", series="engine", low="low", high="high")
BOX = View(
    title="Passes",
    kind="box",
    table="rows",
    x="model",
    y="p50",
    series="engine",
    q1="p25",
    q3="p75",
    low="p5",
    high="p95",
)
COST = View(
    title="Cost", kind="scatter", table="rows", x="macs", y="ms", series="model", low="low", high="high", log_x=True
)
COLUMNS = {
    "ms": {"unit": "ms", "goal": "min"},
    "low": {"description": "Lower end of the interval of `ms`"},
    "macs": {"goal": "min"},
}
RESULT = {
    "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}}, "grade": {}},
    "$defs": {"Row": {"type": "object", "properties": {"model": {"key": True}, **COLUMNS}}},
}
TABLE = tables_of(RESULT)["rows"]


def row(model: str, ms: float, **more):
    interval = {"low": ms - 1, "high": ms + 3}
    box = {"p5": ms - 2, "p25": ms - 1, "p50": ms, "p75": ms + 1, "p95": ms + 4}
    return {"model": model, "macs": int(1000 * ms), "ms": ms, **interval, **box, **more}


def timed(number: int, *rows, engine: str = "eager", seed: int = 0):
    return run(number, result={"rows": list(rows), "grade": "A"}, models=["a", "b"], engine=engine, seed=seed)


def rows(runs):
    return samples(runs, TABLE)


def marks(view, *runs):
    return [mark for found in view_info(view, rows(runs)).series.values() for mark in found]


def test_a_single_run_has_its_own_interval():
    first, second = marks(BAR, timed(0, row("a", 4.0), row("b", 8.0, low=None, high=None)))
    assert (first.below, first.above, first.has_bar) == (1.0, 3.0, True)
    assert "low 3 to high 7" in first.hover
    assert (second.below, second.above, second.has_bar) == (0.0, 0.0, False)


def test_over_seeds_the_spread_between_them_wins():
    (mark,) = marks(BAR, timed(0, row("a", 4.0)), timed(1, row("a", 8.0), seed=1))
    assert (mark.y, mark.below, mark.above) == (6.0, 2.0, 2.0)
    assert "low" not in mark.hover


def test_a_bar_without_an_interval_has_none_drawn():
    info = view_info(BAR, rows([timed(0, row("a", 4.0), row("b", 8.0, low=None, high=None))]))
    (bars, ends) = draw_view(BAR, info, ("model", "ms"), LIGHT).data
    assert (list(bars.x), list(ends.x)) == (["a", "b"], ["a"])
    assert (list(ends.error_y.array), list(ends.error_y.arrayminus)) == ([3.0], [1.0])


def test_the_front_of_a_result_that_is_good_when_small():
    given = groups(rows([timed(0, row("a", 4.0, macs=10), row("b", 2.0, macs=20), row("c", 3.0, macs=30))]))
    assert tradeoff_info(given, COST, goal="min").frontier == [(10.0, 4.0), (20.0, 2.0)]
    (mark, *_) = tradeoff_info(given, COST, goal="min").series["a"]
    assert (mark.below, mark.above, mark.label) == (1.0, 3.0, "a")


def test_a_box_a_model_and_engine():
    runs = [timed(0, row("a", 4.0), row("b", 8.0)), timed(1, row("a", 2.0), engine="optimized")]
    info = box_info(BOX, rows(runs))
    assert {name: [(b.x, b.q1, b.median, b.q3, b.ends) for b in boxes] for name, boxes in info.items()} == {
        "engine=eager": [("a", 3.0, 4.0, 5.0, (2.0, 8.0)), ("b", 7.0, 8.0, 9.0, (6.0, 12.0))],
        "engine=optimized": [("a", 1.0, 2.0, 3.0, (0.0, 6.0))],
    }
    box = draw_boxes(BOX, info, ("model", "ms"), LIGHT).data[0]
    assert [list(box.q1), list(box.upperfence)] == [[3.0, 7.0], [8.0, 12.0]]


def test_boxes_of_several_seeds_are_not_averaged():
    info = box_info(BOX, rows([timed(0, row("a", 4.0)), timed(1, row("a", 8.0), seed=1)]))
    assert {name: [box.median for box in boxes] for name, boxes in info.items()} == {
        "engine=eager, seed=0": [4.0],
        "engine=eager, seed=1": [8.0],
    }


def test_a_box_without_its_outer_quantiles_has_no_whiskers_and_says_why():
    bare = row("b", 8.0, p5=None, p95=None)
    info = box_info(BOX, rows([timed(0, row("a", 4.0), bare, row("c", 1.0, p50=None))]))
    assert [(box.x, box.ends) for box in info["engine=eager"]] == [("a", (2.0, 8.0)), ("b", None)]
    drawn = draw_boxes(BOX, info, ("model", "ms"), LIGHT).data[0]
    assert (drawn.lowerfence[1], drawn.upperfence[1]) == (7.0, 9.0)
    assert box_note(BOX, info, {"p95": "too few"}).endswith(
        "Whiskers: p5 to p95. 1 have no whiskers, for p5 or p95 is empty. p95: too few."
    )


def test_what_the_schema_says_of_a_column_of_the_rows():
    info = experiment({"side": {"unit": "pixels"}}, result_schema=RESULT)
    assert (unit_of(info, "ms"), unit_of(info, "side"), unit_of(info, "nothing")) == ("ms", "pixels", "")
    assert [goal_of(info, name) for name in ("ms", "low", "side")] == ["min", None, None]
    assert (is_result(info, "ms"), is_result(info, "side")) == (True, False)
    assert description_of(info, "low") == "Lower end of the interval of ms"


def test_a_run_with_rows_draws_its_own_plots_and_one_with_numbers_only_none():
    line = View(title="Line", x="side", y="ms")
    info = experiment({}, views=(BAR, BOX, COST, line), result_schema=RESULT)
    assert [view.title for view in views_of_run(info, timed(0, row("a", 4.0), row("b", 8.0)))] == [
        "Latency",
        "Passes",
        "Cost",
    ]
    assert [view.title for view in views_of_run(info, timed(0, row("a", 4.0)))] == ["Passes"]
    assert views_of_run(experiment({}, views=(line,)), run(0, result={"ms": 1.0}, side=3)) == []


def test_the_heat_map_that_is_added_is_of_the_first_metric():
    shown = View(title="MSE", kind="scatter", x="macs", y="mse")
    info = experiment({}, views=(shown,), result_schema={"properties": {"mse": {"goal": "min"}, "macs": {}}})
    runs = [run(n, group_size=4 + n % 2, coarsest_size=8 + n // 2) for n in range(4)]
    assert [(view.kind, view.z) for view in views_of(info, runs)] == [("scatter", None), ("heatmap", "mse")]


def test_rows_are_a_table_with_what_differs_between_their_runs():
    info = experiment({}, result_schema=RESULT)
    one, other = timed(0, row("a", 4.0)), timed(1, row("a", 2.0), row("b", 3.0), engine="optimized")
    ((name, table),) = result_tables([one, other, run(2, engine="eager")], info).items()
    assert name == "rows"
    assert list(table.columns)[:4] == ["open", "Engine", "Model", "MACs"]
    assert list(table["Ms"]) == [4.0, 2.0, 3.0]
    assert list(table["Engine"]) == ["eager", "optimized", "optimized"]
    assert result_tables([run(0, result={"ms": 1.0})], info) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"low": "a"},
        {"kind": "heatmap"},
        {"z": "a"},
        {"kind": "box"},
        {"kind": "box", "q1": "a"},
        {"q1": "a", "q3": "b"},
        {"kind": "images", "y": "*/*.png"},
        {"y": "*"},
        {"kind": "images", "y": "*.png", "low": "a", "high": "b"},
        {"kind": "images", "y": "*.png", "table": "rows"},
    ],
)
def test_a_view_that_cannot_be_drawn_is_refused_where_it_is_declared(wrong):
    with pytest.raises(ValidationError, match="V: "):
        View(**{"title": "V", "x": "x", "y": "y", **wrong})


def drawn(script: str, **state) -> AppTest:
    page = AppTest.from_string("import streamlit as st\n" + script, default_timeout=30)
    for name, one in state.items():
        page.session_state[name] = one
    page.run()
    assert not page.exception
    return page


def titles(page: AppTest) -> list[str]:
    return [json.loads(one.proto.spec)["layout"]["title"]["text"] for one in page.get("plotly_chart")]


SHOW_RESULT = """
from dashboard.runs.sections import show_result
show_result(st.session_state.run, st.session_state.info)
"""
SHOW_PLOTS = """
from dashboard.sweeps.plots import show_sweep_plots
show_sweep_plots(None, st.session_state.info, st.session_state.runs, {})
"""


def test_the_page_of_a_run_of_several_networks_begins_with_their_rows_and_plots():
    info = experiment({}, views=(BAR, BOX, COST), result_schema=RESULT)
    made = timed(0, row("a", 4.0), row("b", 8.0, p95=None))
    extra = {"cores": 2, "virtual": True, "gpu": None, "reasons": ["B: <few> rounds"]}
    page = drawn(SHOW_RESULT, run=made.model_copy(update={"result": made.result | extra}), info=info)
    assert list(page.dataframe[0].value["Model"]) == ["a", "b"]
    assert titles(page) == ["Latency", "Passes", "Cost"]
    assert [one.label for one in page.metric] == ["Cores"]
    assert "- B: \\<few> rounds" in page.markdown[-1].value
    assert dict(page.dataframe[1].value.values.tolist()) == {"Grade": "A", "Virtual": "true", "GPU": "none"}
    told = [one.value for one in page.caption]
    assert "Bars: low to high. low: Lower end of the interval of ms." in told[0]
    assert "1 have no whiskers" in told[1]


def test_every_kind_of_view_has_a_plot():
    assert set(PLOTS) == set(get_args(ViewKind))


def test_an_unknown_kind_is_refused_where_the_view_is_declared():
    with pytest.raises(ValidationError, match="kind"):
        View(title="V", kind="violin", x="x", y="y")


def test_the_page_of_a_run_draws_every_row_of_a_table_with_a_numeric_key():
    noise = {"sigma": {"key": True, "type": "number"}, "top1": {"unit": "%"}}
    schema = {
        "properties": {"mean": {}, "noise": {"type": "array", "items": {"type": "object", "properties": noise}}},
    }
    view = View(title="Noise", table="noise", x="sigma", y="top1")
    given = [{"sigma": sigma, "top1": 90 - 100 * sigma} for sigma in (0.0, 0.1, 0.3)]
    given.append({"sigma": 0.5, "top1": None})
    page = drawn(
        SHOW_RESULT,
        run=run(0, result={"mean": 1.0, "noise": given}),
        info=experiment({}, views=(view,), result_schema=schema),
    )
    (points,) = [
        one
        for one in json.loads(page.get("plotly_chart")[0].proto.spec)["data"]
        if one.get("showlegend") is False and one["x"]
    ]
    assert (points["x"], points["y"]) == ([0.0, 0.1, 0.3], [90.0, 80.0, 60.0])
    assert list(page.dataframe[0].value["Sigma"]) == [0.0, 0.1, 0.3, 0.5]
    assert page.caption[-1].value.endswith("Left out: 1 without top1.")


def test_the_page_of_a_sweep_draws_the_rows_of_all_its_runs():
    info = experiment({}, views=(BAR, BOX, COST), result_schema=RESULT)
    runs = [timed(0, row("a", 4.0), row("b", 8.0)), timed(1, row("a", 2.0), engine="optimized")]
    page = drawn(SHOW_PLOTS, runs=runs, info=info)
    assert titles(page) == ["Latency", "Passes", "Cost"]
    assert len(json.loads(page.get("plotly_chart")[1].proto.spec)["data"]) == 4, "a box and its median, twice"
