"""Grades of circumstances that are made up."""

import pytest

from mgic.measure.host import Facts
from mgic.measure.rounds import Average
from mgic.measure.validity import Evidence, judge

FACTS = Facts(processor="A processor", cores=4, quota=None, virtual=False, governor="performance")
QUIET = Average(1.0, 0.99, 1.01)
UNKNOWN = Average(1.0, None, None)  # too few rounds


def facts(**changes) -> Facts:
    return Facts(**{**vars(FACTS), **changes})


def evidence(**changes) -> Evidence:
    """Of a machine with nothing to say against."""
    good = {
        "facts": FACTS,
        "device": "cpu",
        "threads": 1,
        "rounds": 5,
        "load_before": 0.2,
        "foreign_cpu": [0.0, 0.05, 0.01],
        "clocks_mhz": [3300.0, 3310.0],
        "throttle_events": 0,
        "restless": {"resnet20": 0},
        "spread": {"resnet20": 0.02},
        "cpu_spread": {"resnet20": 0.02},
        "controlled": True,
        "control": UNKNOWN,
        "cpu_control": UNKNOWN,
    }
    return Evidence(**{**good, **changes})


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_a_quiet_machine_is_an_a_without_reasons(clock):
    assert judge(evidence(), clock) == ("A", [])
    assert judge(evidence(control=QUIET, cpu_control=QUIET), clock) == ("A", [])


@pytest.mark.parametrize(
    ("changes", "grade", "word"),
    [
        ({"facts": facts(virtual=True)}, "B", "virtual"),
        ({"facts": facts(governor=None)}, "B", "governor"),
        ({"facts": facts(governor="powersave")}, "B", "powersave"),
        ({"threads": 4}, "B", "all cores"),
        ({"device": "cuda"}, "B", "GPU"),
        ({"clocks_mhz": [2000.0, 3300.0]}, "B", "2000 and 3300 MHz"),
        ({"throttle_events": 3}, "C", "3 times"),
        ({"load_before": 2.5}, "B", "2.5 processes"),
        ({"load_before": 4.5}, "C", "4.5 processes"),
        ({"foreign_cpu": []}, "B", "cannot be read"),
        ({"foreign_cpu": [0.1, 0.3]}, "B", "0.20 cores on average, at most 0.30"),
        ({"foreign_cpu": [0.6, 0.6]}, "C", "0.60 cores"),
        ({"foreign_cpu": [3.4, 3.4]}, "D", "left fewer"),
        ({"rounds": 4}, "B", "rounds=4"),
        ({"rounds": 2}, "D", "rounds=2"),
        ({"restless": {"resnet20": 2}}, "C", "in 2 of 5 rounds"),
        ({"spread": {"resnet20": 0.06}}, "B", "resnet20 differs by 6 %"),
        ({"spread": {"resnet20": 0.2}}, "C", "resnet20 differs by 20 %"),
        ({"spread": {"resnet20": 0.5}}, "D", "resnet20 differs by 50 %"),
    ],
)
def test_each_thing_against_it_is_a_reason(changes, grade, word):
    found, reasons = judge(evidence(**changes))
    assert found == grade
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{grade}: ")
    assert word in reasons[0]


def test_a_quota_of_less_than_a_core_stops_a_pass_and_takes_no_cpu_time():
    limited = evidence(facts=facts(cores=1, quota=0.5), foreign_cpu=[0.0])
    found, reasons = judge(limited)
    assert (found, reasons[0]) == ("C", "C: a quota of 0.5 cores stops it in the middle of its passes")
    assert judge(limited, "cpu") == ("A", [])
    assert judge(evidence(facts=facts(quota=1.5)))[0] == "A"


def test_the_gravest_reason_is_the_grade_and_stands_first():
    found, reasons = judge(evidence(rounds=4, throttle_events=1, spread={"a": 0.9, "b": 0.1}))
    assert found == "D"
    assert [reason[0] for reason in reasons] == ["D", "C", "B", "B"]


def test_what_cannot_be_read_is_not_held_against_the_clock_twice():
    assert judge(evidence(clocks_mhz=[], throttle_events=None, load_before=None)) == ("A", [])


@pytest.mark.parametrize(
    ("low", "high", "grade"),
    [
        (0.98, 1.029, "A"),
        (0.96, 1.01, "B"),  # 1 / 0.96 is 4 % more than 1
        (0.98, 1.09, "B"),
        (0.98, 1.2, "C"),
        (0.7, 1.05, "D"),
        (0.5, 1.9, "D"),
        (1.001, 1.02, "B"),  # near 1, and without it
        (1.001, 1.05, "C"),
        (0.8, 0.99, "D"),
        (1.4, 1.9, "D"),
    ],
)
@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_the_control_decides_by_how_far_from_1_its_interval_reaches(low, high, grade, clock):
    named = "control" if clock == "wall" else "cpu_control"
    found, reasons = judge(evidence(**{named: Average((low * high) ** 0.5, low, high)}), clock)
    assert found == grade
    assert len(reasons) == (grade != "A")
    if reasons:
        assert f"{low:.3g} to {high:.3g} times as fast as itself" in reasons[0]
        assert ("leaves out 1" in reasons[0]) == (not low <= 1 <= high)


def test_a_quiet_control_makes_what_one_would_have_expected_a_b():
    """Others took two cores and rounds differed, and yet equal networks were measured to be equal."""
    busy = {"foreign_cpu": [3.4, 3.4], "spread": {"resnet20": 0.5}, "restless": {"resnet20": 2}, "throttle_events": 1}
    assert judge(evidence(**busy))[0] == "D"
    found, reasons = judge(evidence(**busy, control=QUIET, repeated=("resnet20",)))
    assert found == "B"
    assert [reason[0] for reason in reasons] == ["B"] * 4


def test_no_control_outweighs_that_the_rounds_are_too_few():
    assert judge(evidence(rounds=2, control=UNKNOWN))[0] == "D"
    found, reasons = judge(evidence(rounds=3, control=QUIET))
    assert (found, len(reasons)) == ("B", 1)


def test_without_a_control_nothing_is_better_than_b():
    for clock in ("wall", "cpu"):
        found, reasons = judge(evidence(controlled=False, control=None, cpu_control=None), clock)
        assert found == "B"
        assert "no control was measured" in reasons[0]


def test_other_processes_are_held_against_cpu_time_for_the_caches_only():
    busy = evidence(foreign_cpu=[3.4, 3.4], load_before=4.5, spread={"resnet20": 0.5}, restless={"resnet20": 2})
    found, reasons = judge(busy, "cpu")
    assert found == "B"
    assert len(reasons) == 1
    assert "same caches" in reasons[0]


@pytest.mark.parametrize(("spread", "grade"), [(0.04, "A"), (0.06, "B"), (0.2, "C"), (0.5, "D")])
def test_cpu_time_has_its_own_spread(spread, grade):
    found, _ = judge(evidence(cpu_spread={"resnet20": spread}, spread={"resnet20": 0.0}), "cpu")
    assert found == grade


def test_what_is_known_of_another_network_itself_the_control_does_not_excuse():
    """A/A within 1 %, and a network beside it that differs by half between its rounds and never settled."""
    names = ("a", "a (control)")
    grade, reasons = judge(evidence(control=QUIET, spread={"a": 0.5, "b": 0.5}, restless={"b": 5}, repeated=names))
    assert grade == "C"
    assert [reason[0] for reason in reasons] == ["C", "C", "B"]
    assert reasons[-1].startswith("B: a differs by 50 %")
