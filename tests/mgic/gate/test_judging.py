"""From samples to effects of blocks, to states of metrics, to rows."""

import math

import pytest

from mgic.errors import BadConfig
from mgic.gate.effects import blocks, centre
from mgic.gate.judging import Judged, as_log_ratio, judge, rows
from mgic.gate.limits import movement, parse_limits
from mgic.records import Limits, ModelFigures, Sampled

FIGURES = ModelFigures(model="m", options={}, input_size=(1,), params=1, macs=1, size_bytes=1)


def block(number: int, base: float, control: float, head: float, **more) -> list[Sampled]:
    known = {"stage": "first", "instructions": None, "peak_bytes": None}
    return [
        Sampled(model="m", block=number, place=place, arm=arm, cpu_ms=ms, wall_ms=2 * ms, p50_ms=ms, **known | more)
        for place, (arm, ms) in enumerate((("base", base), ("head", head), ("head", head), ("control", control)))
    ]


def measured(ratio: float, count: int, first: int = 0) -> list[Sampled]:
    """Blocks whose head takes `ratio` times as long, each with a noise of its own that the next one turns round."""
    found: list[Sampled] = []
    for number in range(first, first + count):
        noise = 0.001 * (number % 5 - 2)
        found += block(number, 2.0, 2.0 * math.exp(-noise), 2.0 * ratio * math.exp(noise))
    return found


def judged(samples, limits: Limits, until: int, last_block: int) -> Judged:
    state = Judged()
    for number in range(until):
        so_far = [one for one in samples if one.block <= number]
        state = judge(so_far, "m", limits, state, number == last_block, 1)
    return state


def test_the_effect_of_a_block_is_over_both_times_of_the_base():
    (only,) = blocks(block(0, 1.0, 4.0, 3.0), "m", "cpu_time")
    assert only.effect == pytest.approx(math.log(3 / 2))  # the geometric mean of 1 and 4 is 2
    assert only.difference == pytest.approx(math.log(4))


def test_a_block_counts_only_if_the_metric_was_read_in_all_of_its_samples():
    samples = block(0, 1.0, 1.0, 1.0) + block(1, 1.0, 1.0, 1.0)[:3]
    assert len(blocks(samples, "m", "cpu_time")) == 1
    assert blocks(samples, "m", "instructions") == []
    assert blocks(samples, "other", "cpu_time") == []
    assert len(blocks(block(0, 1.0, 1.0, 1.0) + block(1, 1.0, 1.0, 1.0), "m", "cpu_time", first=1)) == 1


def test_a_centre_is_a_geometric_mean():
    assert centre(block(0, 1.0, 4.0, 3.0), "m", "cpu_time", ("base", "control")) == pytest.approx(2.0)
    assert centre([], "m", "cpu_time", ("head",)) is None


@pytest.mark.parametrize(
    ("metric", "limit", "base", "ratio"),
    [
        ("cpu_time", "+5%", 2.0, 1.05),
        ("cpu_time", "+500us", 2.0, 1.25),
        ("peak_memory", "+1MB", 4e6, 1.25),
        ("throughput", "-20%", 100.0, 1.25),  # as a time: 1 / 0.8
    ],
)
def test_a_limit_is_a_ratio_of_head_to_base(metric, limit, base, ratio):
    assert as_log_ratio(metric, limit, base) == pytest.approx(math.log(ratio))


def test_the_same_code_passes_as_soon_as_six_blocks_say_so():
    samples = measured(1.0, 6)
    assert not judged(samples, Limits(), 5, 99).settled
    state = judged(samples, Limits(), 6, 99)
    assert state.settled
    assert {metric: one.verdict for metric, one in state.states.items()} == {"cpu_time": "pass"}


def test_a_regression_is_called_one_only_after_a_second_measurement_of_its_own():
    samples = measured(1.1, 20)
    first = judged(samples, Limits(), 6, 99)
    assert (first.stage, first.settled, first.states["cpu_time"].suspected_at) == ("confirming", False, 6)
    state = judged(samples, Limits(), 20, 99)
    assert state.states["cpu_time"].verdict == "regression"
    (row,) = [one for one in rows(samples, FIGURES, FIGURES, Limits(), state, 1) if one.metric == "cpu_time"]
    assert (row.verdict, row.first_n) == ("regression", 6)
    assert row.change_percent == pytest.approx(10, abs=0.3)
    assert row.low_percent is not None
    assert 9 < row.low_percent < 10
    assert row.base == pytest.approx(2.0, rel=0.01)


def test_what_only_the_first_measurement_saw_is_no_regression():
    samples = measured(1.1, 6) + measured(1.0, 14, first=6)
    state = judged(samples, Limits(), 20, 19)
    assert state.states["cpu_time"].verdict == "inconclusive"
    decision = state.states["cpu_time"].decision
    assert decision is not None
    assert "second measurement" in decision.why


def test_a_suspicion_at_the_end_of_the_time_is_not_settled():
    state = judged(measured(1.1, 6), Limits(), 6, 5)
    assert state.states["cpu_time"].verdict == "inconclusive"
    (row,) = [one for one in rows(measured(1.1, 6), FIGURES, FIGURES, Limits(), state, 1) if one.metric == "cpu_time"]
    assert "no time was left to measure it a second time" in row.note


def test_metrics_without_a_limit_are_told_and_throughput_is_turned():
    samples = measured(1.25, 6)
    state = judged(samples, Limits(), 6, 5)
    told = {one.metric: one for one in rows(samples, FIGURES, FIGURES, Limits(), state, 4) if one.verdict == "shown"}
    assert set(told) == {"wall_time", "p50", "throughput"}
    assert told["throughput"].base == pytest.approx(1000, rel=0.01)  # 4 samples in 4 ms
    assert told["throughput"].change_percent == pytest.approx(-20, abs=0.3)
    assert told["wall_time"].change_percent == pytest.approx(25, abs=0.3)


def test_a_metric_that_was_named_and_cannot_be_read_is_not_measured():
    limits = parse_limits("instructions:+1%", "limits")
    samples = measured(1.0, 6)
    state = judged(samples, limits, 6, 5)
    (row,) = [one for one in rows(samples, FIGURES, FIGURES, limits, state, 1) if one.metric == "instructions"]
    assert row.verdict == "not measured"


def test_a_wall_time_that_was_named_is_judged_too():
    limits = parse_limits("wall_time:+30%", "limits")
    state = judged(measured(1.1, 20), limits, 20, 19)
    assert state.states["wall_time"].verdict == "pass"
    assert state.states["cpu_time"].verdict == "regression"


MEBIBYTE = 2.0**20


@pytest.mark.parametrize(
    ("base", "share"), [(2 * MEBIBYTE, 0.25), (10 * MEBIBYTE, 0.05), (100 * MEBIBYTE, 0.05), (None, 0.05)]
)
def test_of_a_share_and_an_amount_the_one_that_allows_more_counts(base, share):
    assert as_log_ratio("peak_memory", "+5% or +0.5MiB", base) == pytest.approx(math.log1p(share))


@pytest.mark.parametrize("text", ["+5% or +6%", "+1MiB or +1kB", "+5% or ", "+5% or 1MiB", "+5% or +1ms"])
def test_two_limits_are_a_share_and_an_amount(text):
    with pytest.raises(BadConfig, match="peak_memory"):
        parse_limits(f"peak_memory:{text}", "--fail-on")


def test_a_figure_that_is_counted_has_such_a_limit_too():
    assert movement("params", 1000, 1100, "+1% or +100") == (False, False)
    assert movement("params", 1000, 1101, "+1% or +100") == (True, False)
    assert movement("params", 100_000, 101_000, "+1% or +100") == (False, False)
