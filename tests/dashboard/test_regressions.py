"""What is drawn of comparisons: blocks as the gate takes them, a metric over time, words for what is known."""

import math
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from mgic.figures.regressions.blocks import draw_blocks, sampled_metrics, strips
from mgic.figures.regressions.history import draw_changes, draw_values, history_of
from mgic.figures.regressions.words import differences, limit_percent, origin_words, rows_of
from mgic.figures.scenes.regressions import Data, history_switches, plots, switches
from mgic.figures.style import DARK, LIGHT
from mgic.gate import row_in_words, worst_of
from mgic.records import MetricPoint, MetricVerdict, Sampled, SideInfo
from tests.comparisons import drawn

ONE = ("resnet20",)
START = datetime(2026, 1, 1, tzinfo=UTC)


def sample(block: int, place: int, arm: str, cpu_ms: float | None, wall_ms: float = 1.0) -> Sampled:
    return Sampled(
        model="m", stage="first", block=block, place=place, arm=arm, cpu_ms=cpu_ms, wall_ms=wall_ms, p50_ms=1.0,
        instructions=None, peak_bytes=None,
    )  # fmt: skip


def row(metric: str, **more) -> MetricVerdict:
    given = {"model": "m", "base_model": "m", "base": 8.0, "head": 8.8, "change": 0.8, "change_percent": 10.0}
    given |= {"metric": metric, "limit": "+5%", "verdict": "regression", "improved": False, "note": ""}
    return MetricVerdict.model_validate(given | more)


def points(values, metric: str = "macs", testbeds=("t",), **more) -> list[MetricPoint]:
    return [
        MetricPoint(
            comparison_id=UUID(int=at),
            created_at=START + timedelta(days=at),
            branch="main",
            commit=f"{at:040x}",
            testbed=testbeds[at % len(testbeds)],
            row=row(metric, base=value, head=value, change=0, change_percent=0.0, verdict="pass", **more),
        )
        for at, value in enumerate(values)
    ]


# Blocks


def test_a_block_is_the_head_against_the_mean_of_both_bases_in_logarithms():
    """Base 2 and 8, control 4: the geometric mean of the bases is 4; the head, 5 and 5, is 25 % more."""
    samples = [sample(0, 0, "base", 2.0), sample(0, 1, "head", 5.0), sample(0, 2, "head", 5.0)]
    samples += [sample(0, 3, "base", 8.0), sample(0, 4, "control", 4.0), sample(1, 0, "head", 9.0)]
    samples += [sample(2, 0, "base", 4.0), sample(2, 1, "head", 2.0), sample(3, 0, "head", None)]
    given = drawn("pass", 0, ONE, rows=[row("cpu_time"), row("throughput", limit="-10%")], samples=samples)
    (strip,) = strips(given, "cpu_time")
    assert [(one.number, pytest.approx(one.effect)) for one in strip.blocks] == [(0, 25), (2, -50)]
    assert (strip.blocks[0].control, strip.blocks[1].control) == (pytest.approx(0), None)
    assert sampled_metrics(given) == ["cpu_time", "throughput"]


def test_a_pass_that_takes_twice_as_long_halves_the_throughput():
    samples = [sample(0, 0, "base", 1.0, 2.0), sample(0, 1, "control", 1.0, 2.0), sample(0, 2, "head", 1.0, 4.0)]
    given = drawn("pass", 0, ONE, rows=[row("throughput", limit="-10%")], samples=samples)
    (strip,) = strips(given, "throughput")
    assert (strip.blocks[0].effect, strip.limit) == (pytest.approx(-50), -10)


@pytest.mark.parametrize(
    ("metric", "limit", "percent"),
    [("cpu_time", "+5%", 5), ("cpu_time", "+0.4ms", 5), ("peak_memory", "", None), ("macs", "soon", None)],
)
def test_a_limit_is_in_per_cent_of_the_base(metric, limit, percent):
    assert limit_percent(row(metric, limit=limit)) == percent


def test_the_blocks_of_a_regression_lie_beyond_its_limit_and_its_control_does_not():
    found = drawn("regression", 1)
    worse, fine = strips(found, "cpu_time")
    assert {one.stage for one in worse.blocks} == {"first", "confirming"}
    assert all(one.effect > worse.limit for one in worse.blocks)
    assert all(abs(one.control) < worse.limit for one in (*worse.blocks, *fine.blocks))
    for look in (LIGHT, DARK):
        made = draw_blocks([worse, fine], "cpu_time", "t <b>", look)
        assert "limit" in [trace.name for trace in made.data]
        low, high = made.layout.xaxis.range
        assert low < min(one.effect for one in fine.blocks)
        assert high > max(one.effect for one in worse.blocks)


def test_the_metric_that_is_drawn_first_is_that_of_the_worst_row():
    (switch,) = switches(Data(drawn("regression")))
    assert (switch.default, list(switch.options)) == ("cpu_time", ["cpu_time", "peak_memory", "wall_time"])
    (plot,) = plots(Data(drawn("regression")), {"metric": "wall_time"})
    assert (plot.name, len(plot.rows())) == ("blocks-wall-time", 36)
    assert "load 3.9 before, 4.2 after" in plot.caption
    without = Data(drawn("pass", samples=[]))
    assert switches(without) == ()
    assert plots(without, {}) == []


# History


def test_an_interval_is_that_of_the_change_applied_to_the_base_of_its_own():
    (point,) = points([8.0], "cpu_time")
    worse = row("cpu_time", low_percent=9.0, high_percent=11.0)
    history = history_of("cpu_time", [point.model_copy(update={"row": worse})])
    (mark,) = history.marks
    assert [mark.low, mark.value, mark.high, mark.most] == pytest.approx([8.72, 8.8, 8.88, 8.4])
    assert (mark.change, mark.limit) == (10, 5)


def test_few_points_and_several_testbeds_have_no_change_points_and_it_is_said():
    assert (
        "from 12 comparisons on; these are 11" in history_of("cpu_time", points([8.0] * 11, "cpu_time")).why_no_changes
    )
    several = history_of("cpu_time", points([8.0] * 20, "cpu_time", ("a", "b")))
    assert "one testbed" in several.why_no_changes
    assert several.changes == []
    exact = history_of("macs", points([100, 100, 120], testbeds=("a", "b")))
    assert [one.at for one in exact.changes] == [2]


def test_a_change_of_level_is_drawn_with_its_size():
    values = [8 * math.exp(0.01 * math.sin(7 * at)) for at in range(15)]
    history = history_of("cpu_time", points(values + [1.1 * value for value in values], "cpu_time"))
    (found,) = history.changes
    assert (found.at, found.percent) == (15, pytest.approx(10, abs=0.5))
    made = draw_values(history, "t", LIGHT)
    assert [note.text for note in made.layout.annotations] == ["+10.0 %"]
    assert sum(trace.name == "level" for trace in made.data) == 2
    assert [trace.name for trace in draw_changes(history, "t", DARK).data] == ["limit", "✔ pass"]


def test_each_comparison_is_a_step_however_soon_after_another_it_came():
    at_once = [one.model_copy(update={"created_at": START + timedelta(minutes=5)}) for one in points([3, 4], "macs")]
    made = draw_values(history_of("macs", [*points([1, 2], "macs")[:1], *at_once]), "t", LIGHT)
    assert list(next(trace for trace in made.data if trace.name == "✔ pass").x) == [1, 2, 3]
    assert list(made.layout.xaxis.ticktext) == [
        "2026-01-01<br>00:00", "2026-01-01<br>00:05", "2026-01-01<br>00:05",
    ]  # fmt: skip


def test_points_without_a_value_are_left_out():
    gone = [point.model_copy(update={"row": row("macs", head=None)}) for point in points([1, 2])]
    assert history_of("macs", gone).marks == ()
    assert plots(Data(None, points=tuple(gone), latest=drawn()), {"metric": "macs", "model": "m"}) == []


def test_without_a_metric_there_is_nothing_to_choose():
    assert history_switches(Data(None)) == ()
    assert history_switches(Data(None, latest=drawn("pass", rows=[]))) == ()


# Words


def test_a_comparison_in_words():
    found = drawn("regression", 1)
    assert row_in_words(worst_of(found.rows)).startswith("CPU time of resnet20: +")
    assert row_in_words(worst_of(found.rows)).endswith(" %), limit +5%")
    assert row_in_words(worst_of(drawn("gone").rows)) == "mgic_resnet20(group_size=8) is gone"
    assert row_in_words(row("top1", base=90.0, head=89.0, change=-1.0, limit="-0.5pp")) == (
        "top-1 of m: -1.00 pp, limit -0.5pp"
    )
    assert rows_of(found)[0]["verdict"] == "✖ regression"
    assert {one["what"]: one["head"] for one in differences(found)} == {"commit": f"{2:040x}", "branch": "faster-stem"}
    two = [SideInfo(ref="r", commit=letter * 40, branch="main", dirty=False) for letter in "ab"]
    of_two = differences(drawn("pass", 1, base_side=two[0], head_side=two[1]))
    assert of_two == [{"what": "commit", "base": "a" * 12, "head": "b" * 12}]
    dirty = SideInfo(ref="head", commit=f"{1:040x}", branch="main", dirty=True)
    (only,) = differences(drawn("pass", 1, head_side=dirty))
    assert only == {"what": "changed since that commit", "base": "no", "head": "yes"}
    assert "which has not seen the code" in origin_words(found)
    assert "this service" in origin_words(drawn("pass", origin="service", conditions=None))
