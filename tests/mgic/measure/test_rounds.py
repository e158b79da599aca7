"""The order of the rounds, and what they say together, worked out by hand."""

import csv
import json
import math
from collections import Counter

import pytest

from mgic.measure.latency import Timing
from mgic.measure.rounds import Contender, compares_cpu, figures, labels, turns, write_processes, write_samples

A = Contender(place=0, role="measured", model="a(width=4,groups=2)")
B = Contender(place=1, role="measured", model="b")
CONTROL = Contender(place=0, role="control", model="a(width=4,groups=2)")


def timing(samples, **changes) -> Timing:
    given = {"pid": 7, "warm_up_passes": 30, "stationary": True, "peak_bytes": 10**6, "baseline_bytes": 5 * 10**6}
    given |= {"cpu_samples_ms": None, "foreign_cpu": 0.1, "clock_mhz": 3300.0}
    return Timing(samples_ms=list(samples), **{**given, **changes})


def order(setups, rounds) -> list[str]:
    return ["".join("ABCDE"[t.setup] for t in turns(setups, rounds) if t.round == number) for number in range(rounds)]


def test_two_setups_take_turns_at_going_first():
    assert order(2, 4) == ["AB", "BA", "BA", "AB"]


def test_three_setups_go_round_forth_and_back():
    assert order(3, 6) == ["ABC", "CBA", "BCA", "ACB", "CAB", "BAC"]


def test_one_setup_just_repeats():
    assert order(1, 3) == ["A", "A", "A"]


@pytest.mark.parametrize("setups", [2, 3, 5])
def test_each_setup_stands_in_each_place_equally_often(setups):
    rounds = order(setups, 2 * setups)
    assert all(sorted(each) == sorted(rounds[0]) for each in rounds)
    places = Counter((name, place) for each in rounds for place, name in enumerate(each))
    assert len(places) == setups**2
    assert set(places.values()) == {2}


def test_the_median_is_the_geometric_mean_of_the_rounds_medians_with_their_interval():
    rounds = [timing([1, 1, 100]), timing([2, 2, 2]), timing([0.5, 4, 90])]  # medians 1, 2, 4
    found = figures(rounds, rounds, True)
    half = 4.302653 / math.sqrt(3) * math.log(2)  # t(0.975, 2 degrees) from a table; the logarithms' sd is ln 2
    assert found.median_ms == pytest.approx(2.0)
    assert (found.low_ms, found.high_ms) == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)), rel=1e-5)
    assert (found.n, found.spread) == (9, 1.5)
    assert found.mean_ms == pytest.approx(202.5 / 9)


def test_the_first_setup_is_once_as_fast_as_itself():
    rounds = [timing([1.0]), timing([2.0]), timing([3.0])]
    found = figures(rounds, rounds, True)
    assert (found.speedup, found.speedup_low, found.speedup_high) == (1.0, None, None)


def test_the_speed_up_pairs_the_rounds():
    """Both became slower from round to round, by the same factors: the ratio did not change."""
    first = [timing([4.0]), timing([8.0]), timing([40.0])]
    own = [timing([2.0]), timing([4.0]), timing([20.0])]
    found = figures(own, first, True)
    assert (found.speedup, found.speedup_low, found.speedup_high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_speed_up_is_the_geometric_mean_with_an_interval_of_logarithms():
    first = [timing([1.0]), timing([2.0]), timing([4.0])]
    own = [timing([1.0]), timing([1.0]), timing([1.0])]
    found = figures(own, first, True)  # ratios 1, 2, 4: logarithms of mean and sd ln 2
    half = 4.302653 / math.sqrt(3) * math.log(2)
    assert found.speedup == pytest.approx(2.0)
    assert found.speedup_low == pytest.approx(2 * math.exp(-half), rel=1e-5)
    assert found.speedup_high == pytest.approx(2 * math.exp(half), rel=1e-5)


def test_two_rounds_give_no_interval():
    found = figures([timing([1.0]), timing([2.0])], [timing([1.0]), timing([2.0])], True)
    assert (found.low_ms, found.high_ms, found.speedup_low, found.speedup_high) == (None,) * 4


@pytest.mark.parametrize(("n", "shown"), [(63, ""), (64, "90"), (129, "90"), (130, "90 95"), (662, "90 95 99")])
def test_percentiles_need_their_number_of_passes_in_all_rounds(n, shown):
    found = figures(
        [timing(range(1, n // 2 + 1)), timing(range(n // 2 + 1, n + 1))], [timing([1.0]), timing([1.0])], True
    )
    values = {"90": found.p90_ms, "95": found.p95_ms, "99": found.p99_ms}
    assert [name for name, value in values.items() if value is not None] == shown.split()
    for name, value in values.items():
        assert value is None or value == pytest.approx(1 + int(name) / 100 * (n - 1))


@pytest.mark.parametrize(
    ("n", "shown"), [(10, ""), (11, "50"), (23, "50"), (24, "25 50 75"), (129, "25 50 75"), (130, "5 25 50 75 95")]
)
def test_a_box_needs_its_number_of_passes_at_either_end(n, shown):
    found = figures([timing(range(1, n + 1))], [timing([1.0])], True)
    values = {name: getattr(found, f"p{name}_ms") for name in ("5", "25", "50", "75", "95")}
    assert [name for name, value in values.items() if value is not None] == shown.split()
    for name, value in values.items():
        assert value is None or value == pytest.approx(1 + int(name) / 100 * (n - 1))


def test_the_median_of_all_passes_weighs_passes_and_not_rounds():
    found = figures([timing([1.0] * 20), timing([4.0] * 10)], [timing([1.0])] * 2, True)
    assert (found.p50_ms, found.median_ms) == (1.0, pytest.approx(2.0))


def test_memory_is_the_most_of_any_round_and_may_be_unknown():
    found = figures([timing([1.0]), timing([1.0], peak_bytes=3 * 10**6, stationary=False)], [timing([1.0])] * 2, True)
    assert (found.peak_memory_mb, found.baseline_memory_mb, found.stationary_rounds) == (3.0, 5.0, 1)
    assert figures([timing([1.0], peak_bytes=None)], [timing([1.0])], True).peak_memory_mb is None


def test_cpu_time_has_its_own_mean_interval_and_spread():
    rounds = [timing([9.0], cpu_samples_ms=[cpu]) for cpu in (1.0, 2.0, 4.0)]
    found = figures(rounds, rounds, True)
    half = 4.302653 / math.sqrt(3) * math.log(2)  # as above
    assert (found.median_ms, found.low_ms, found.high_ms) == pytest.approx((9, 9, 9))
    assert (found.cpu_median_ms, found.cpu_spread) == pytest.approx((2.0, 1.5))
    assert (found.cpu_low_ms, found.cpu_high_ms) == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)), rel=1e-5)
    assert (found.cpu_speedup, found.cpu_speedup_low, found.cpu_speedup_high) == (1.0, None, None)


def test_each_clock_has_its_own_speed_up_paired_by_round():
    """Others took what they would of the wall time; by CPU time it is twice as fast in every round."""
    first = [timing([wall], cpu_samples_ms=[cpu]) for wall, cpu in ((5.0, 4.0), (40.0, 6.0), (7.0, 5.0))]
    own = [timing([wall], cpu_samples_ms=[cpu]) for wall, cpu in ((20.0, 2.0), (10.0, 3.0), (7.0, 2.5))]
    found = figures(own, first, True)
    assert found.speedup == pytest.approx(1.0)  # 1/4, 4, 1
    assert found.speedup_high == pytest.approx(math.exp(4.302653 / math.sqrt(3) * math.log(4)), rel=1e-5)
    assert (found.cpu_speedup, found.cpu_speedup_low, found.cpu_speedup_high) == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize(("device", "threads", "compared"), [("cpu", 1, True), ("cpu", 2, False), ("cuda", 1, False)])
def test_cpu_time_is_compared_at_one_thread_of_a_processor_only(device, threads, compared):
    assert compares_cpu(device, threads) is compared


def test_cpu_time_of_several_threads_is_shown_and_not_compared():
    rounds = [timing([9.0], cpu_samples_ms=[15.0])] * 3
    found = figures(rounds, list(rounds), False)
    assert found.cpu_median_ms == pytest.approx(15.0)
    assert (found.cpu_speedup, found.cpu_speedup_low, found.cpu_speedup_high) == (None,) * 3


@pytest.mark.parametrize("cpu", [None, [0.0, 0.0, 10.0]])
def test_a_gpu_and_a_clock_coarser_than_a_pass_give_no_cpu_time(cpu):
    rounds = [timing([3.0, 3.0, 3.0], cpu_samples_ms=[3.0, 3.0, 3.0]), timing([3.0, 3.0, 3.0], cpu_samples_ms=cpu)]
    found = figures(rounds, list(rounds), True)
    assert (found.cpu_median_ms, found.cpu_low_ms, found.cpu_spread, found.cpu_speedup) == (None,) * 4
    assert found.median_ms == pytest.approx(3.0)


def test_a_label_says_no_more_than_it_takes_to_tell_whom():
    assert labels([A, B, CONTROL]) == ["a(width=4,groups=2)", "b", "a(width=4,groups=2) (control)"]
    twice = [B.model_copy(update={"place": place}) for place in (0, 1)]
    assert labels([*twice, A]) == ["b at place 0", "b at place 1", "a(width=4,groups=2)"]


def test_samples_are_kept_in_full_precision_with_whose_they_are(tmp_path):
    found = [
        [timing([0.1, 1 / 3], cpu_samples_ms=[0.05, 2 / 7]), timing([2.5], cpu_samples_ms=[2.0])],
        [timing([1e-3]), timing([7.0])],
        [timing([8.0], cpu_samples_ms=[4.0]), timing([9.0], cpu_samples_ms=[5.0])],
    ]
    write_samples(tmp_path / "samples.csv", [A, B, CONTROL], found)
    rows = list(csv.DictReader((tmp_path / "samples.csv").read_text().splitlines()))
    assert list(rows[0]) == ["place", "role", "model", "round", "number", "latency_ms", "cpu_ms"]
    assert [tuple(row.values()) for row in rows] == [
        ("0", "measured", A.model, "0", "0", "0.1", "0.05"),
        ("0", "measured", A.model, "0", "1", repr(1 / 3), repr(2 / 7)),
        ("0", "measured", A.model, "1", "0", "2.5", "2.0"),
        ("1", "measured", "b", "0", "0", "0.001", ""),
        ("1", "measured", "b", "1", "0", "7.0", ""),
        ("0", "control", A.model, "0", "0", "8.0", "4.0"),
        ("0", "control", A.model, "1", "0", "9.0", "5.0"),
    ]


def test_processes_are_told_in_the_order_in_which_they_ran(tmp_path):
    found = [[timing([1.0, 2.0], pid=1), timing([1.0], pid=4)], [timing([1.0], pid=2), timing([1.0], pid=3)]]
    write_processes(tmp_path / "processes.json", [A, CONTROL], found)
    rows = json.loads((tmp_path / "processes.json").read_text())
    assert [(row["place"], row["role"], row["round"], row["pid"], row["n"]) for row in rows] == [
        (0, "measured", 0, 1, 2),
        (0, "control", 0, 2, 1),
        (0, "control", 1, 3, 1),
        (0, "measured", 1, 4, 1),
    ]
    assert {row["model"] for row in rows} == {A.model}
    assert not {"samples_ms", "cpu_samples_ms"} & rows[0].keys()
