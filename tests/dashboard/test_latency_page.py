"""What the pages show of a latency: both clocks, the control beside its network, and results of earlier versions."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from mgic.experiment import EXPERIMENTS
from mgic.experiments.latency import Result, Row
from mgic.figures.samples import groups, samples
from mgic.figures.tradeoff import tradeoff_info
from mgic.figures.view import view_info
from mgic.figures.views import Shown
from tests.dashboard.made import run

INFO = EXPERIMENTS["latency"].info.model_copy(update={"recipes": ()})
VIEWS = {view.title: view for view in INFO.views}
NEW = {"place", "role", "cpu_median_ms", "cpu_low_ms", "cpu_high_ms", "cpu_spread"}
NEW |= {"cpu_speedup", "cpu_speedup_low", "cpu_speedup_high"}
SPEEDUPS = ("Speed-up over the first network", "Speed-up over the first network, by CPU time")

SHOW_RUN = """
import streamlit as st
from dashboard.runs.sections import show_result
show_result(st.session_state.run, st.session_state.info)
"""
SHOW_SWEEP = """
import streamlit as st
from dashboard.sweeps.plots import show_sweep_plots
show_sweep_plots(None, st.session_state.info, st.session_state.runs, {})
"""


def row(place: int, role: str, model: str, ms: float, **changes) -> dict:
    """Of a network whose passes take so many ms by wall time, and half of it by CPU time."""
    given = dict.fromkeys(Row.model_fields) | {"place": place, "role": role, "model": model, "macs": 1000 * (place + 1)}
    given |= {"median_ms": ms, "low_ms": 0.9 * ms, "high_ms": 1.1 * ms, "cpu_median_ms": ms / 2}
    given |= {"cpu_low_ms": 0.49 * ms, "cpu_high_ms": 0.51 * ms, "p25_ms": ms, "p50_ms": ms, "p75_ms": ms}
    given |= {"speedup": 4 / ms, "cpu_speedup": 4 / ms, "peak_memory_mb": 10.0 * (place + 1)}
    if (place, role) != (0, "measured"):
        given |= {"speedup_low": 3.6 / ms, "speedup_high": 4.4 / ms}
        given |= {"cpu_speedup_low": 3.9 / ms, "cpu_speedup_high": 4.1 / ms}
    return given | changes


ROWS = [row(0, "measured", "a", 4.0), row(1, "measured", "b", 8.0), row(0, "control", "a", 5.0)]


def timed(rows, **changes):
    grades = {"grade": "C", "cpu_grade": "B", "control_ratio": 0.8, "control_low": 0.72, "control_high": 0.88}
    grades |= {"control_cpu_ratio": 0.8, "control_cpu_low": 0.78, "control_cpu_high": 0.82}
    grades |= {"reasons": ["C: a reason"], "cpu_reasons": ["B: another"], "rows": rows}
    result = dict.fromkeys(Result.model_fields) | grades | changes
    return run(
        0,
        result=result,
        models=[one["model"] for one in rows if one["role"] == "measured"],
        engine="eager",
        control=True,
        seed=0,
    )


def old(one: dict) -> dict:
    return {name: value for name, value in one.items() if name not in NEW}


def drawn(script: str, **state) -> AppTest:
    page = AppTest.from_string(script, default_timeout=30)
    for name, one in {"info": INFO, **state}.items():
        page.session_state[name] = one
    page.run()
    assert not page.exception
    return page


def graded_title(title: str, wall: str, cpu: str) -> str:
    return title if title == "Peak memory" else f"{title} · grade {cpu if 'CPU' in title else wall}"


def marks(title: str, given) -> dict[str, list]:
    view = VIEWS[title]
    return view_info(view, Shown(INFO, [given], {}).measured(view)).series


@pytest.mark.parametrize(
    ("title", "column"), [("Latency", "median_ms"), ("CPU time of a pass", "cpu_median_ms"), (SPEEDUPS[0], "speedup")]
)
def test_the_control_stands_beside_its_network_and_is_named(title, column):
    found = marks(title, timed(ROWS))
    assert {name: [(mark.x, mark.y) for mark in of] for name, of in found.items()} == {
        "role=control": [("a", ROWS[2][column])],
        "role=measured": [("a", ROWS[0][column]), ("b", ROWS[1][column])],
    }


def test_each_clock_has_its_own_interval():
    (control,) = marks(SPEEDUPS[0], timed(ROWS))["role=control"]
    assert (control.y, control.below, control.above) == pytest.approx((0.8, 0.08, 0.08))
    (control,) = marks(SPEEDUPS[1], timed(ROWS))["role=control"]
    assert (control.y, control.below, control.above) == pytest.approx((0.8, 0.02, 0.02))


@pytest.mark.parametrize("title", ["Latency against MACs", "Peak memory"])
def test_the_control_is_no_network_of_its_own_where_it_would_be_taken_for_one(title):
    rows = Shown(INFO, [timed(ROWS)], {}).measured(VIEWS[title])
    assert [(one.values["model"], one.values["role"]) for one in rows] == [("a", "measured"), ("b", "measured")]


def test_points_against_macs_are_named_by_their_model_alone():
    view = VIEWS["Latency against MACs"]
    found = tradeoff_info(groups(Shown(INFO, [timed(ROWS)], {}).measured(view)), view, "ms", goal="min")
    assert {name: [mark.label for mark in of] for name, of in found.series.items()} == {"a": ["a"], "b": ["b"]}


def test_two_copies_of_a_network_are_told_apart_by_their_place():
    twice = [row(0, "measured", "a", 4.0), row(1, "measured", "a", 5.0), row(0, "control", "a", 6.0)]
    found = marks("Latency", timed(twice))
    assert {name: [mark.y for mark in of] for name, of in found.items()} == {
        "role=control, place=0": [6.0],
        "role=measured, place=0": [4.0],
        "role=measured, place=1": [5.0],
    }


def test_the_page_of_a_run_shows_grades_the_ratios_of_the_control_and_both_clocks():
    page = drawn(SHOW_RUN, run=timed(ROWS))
    titles = [json.loads(one.proto.spec)["layout"]["title"]["text"] for one in page.get("plotly_chart")]
    titles = [title.replace("<br>", " ") for title in titles]
    assert titles == [graded_title(title, "C", "B") for title in VIEWS]
    tiles = [(one.label.replace("\\", ""), one.value, one.delta) for one in page.metric]
    assert tiles == [
        ("Grade", "C", ""),
        ("CPU grade", "B", ""),
        ("A/A control (x)", "0.8", "0.72 to 0.88"),
        ("A/A control by CPU time (x)", "0.8", "0.78 to 0.82"),
    ]
    said = [one.value for one in page.markdown]
    assert "- C: a reason" in said
    assert "- B: another" in said
    others = [what for what, _ in page.dataframe[-1].value.values.tolist()]
    assert not {"Grade", "CPU grade", "A/A control (x)", "A/A control, lower end (x)"} & set(others), (
        "it stands there once"
    )


def test_a_gpu_s_page_says_why_there_is_no_cpu_time():
    none = {"cpu_median_ms": None, "cpu_speedup": None, "cpu_speedup_low": None, "cpu_speedup_high": None}
    page = drawn(SHOW_RUN, run=timed([one | none for one in ROWS], cpu_grade=None, control_cpu_ratio=None))
    told = " ".join(one.value for one in page.caption)
    assert "no finished run has both model and cpu_speedup yet" in told.replace("\\", "")
    assert "empty with more than one thread and on a GPU" in told


def test_a_weak_grade_stands_above_everything_with_its_reasons_and_the_control():
    page = drawn(SHOW_SWEEP, runs=[timed(ROWS)])
    (banner,) = page.warning
    assert "Wall time has grade C: for large differences only" in banner.value
    assert "a reason" in banner.value
    assert "0.8 (0.72 to 0.88) by wall time" in banner.value.replace("\\", "")
    assert not drawn(SHOW_SWEEP, runs=[timed(ROWS, grade="B")]).warning
    assert drawn(SHOW_SWEEP, runs=[timed(ROWS, grade="D")]).error


@pytest.mark.parametrize("script", [SHOW_RUN, SHOW_SWEEP])
def test_a_result_of_an_earlier_version_is_shown_with_what_it_has(script):
    result = {"rows": [old(one) for one in ROWS[:2]], "grade": "B", "reasons": ["B: few rounds"], "cores": 2}
    before = run(0, result=result, models=["a", "b"], engine="eager", seed=0)
    page = drawn(script, run=before, runs=[before])
    titles = [json.loads(one.proto.spec)["layout"]["title"]["text"] for one in page.get("plotly_chart")]
    titles = [title.replace("<br>", " ") for title in titles]
    assert titles == [graded_title(title, "B", "") for title in VIEWS if "CPU" not in title]
    assert [len(samples([before], INFO.tables["rows"], view.columns)) for view in INFO.views] == [2] * len(INFO.views)


def test_results_of_both_versions_stand_in_one_plot():
    before = run(1, result={"rows": [old(one) for one in ROWS[:2]]}, models=["a", "b"], engine="eager", seed=0)
    after = timed(ROWS)
    view = VIEWS["Latency"]
    found = view_info(view, Shown(INFO, [before, after], {}).measured(view)).series
    assert {name: [mark.x for mark in of] for name, of in found.items()} == {
        "no role": ["a", "b"],
        "role=control": ["a"],
        "role=measured": ["a", "b"],
    }
