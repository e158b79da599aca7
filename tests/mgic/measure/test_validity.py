"""Grades of circumstances that are made up."""

import pytest

from mgic.measure.host import Facts
from mgic.measure.validity import Evidence, judge

FACTS = Facts(processor="A processor", cores=4, virtual=False, governor="performance")


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
        "spread": {"resnet20": 0.02},
        "restless": {"resnet20": 0},
    }
    return Evidence(**{**good, **changes})


def test_a_quiet_machine_is_an_a_without_reasons():
    assert judge(evidence()) == ("A", [])


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


def test_the_gravest_reason_is_the_grade_and_stands_first():
    found, reasons = judge(evidence(rounds=4, throttle_events=1, spread={"a": 0.9, "b": 0.1}))
    assert found == "D"
    assert [reason[0] for reason in reasons] == ["D", "C", "B", "B"]


def test_what_cannot_be_read_is_not_held_against_the_clock_twice():
    assert judge(evidence(clocks_mhz=[], throttle_events=None, load_before=None)) == ("A", [])
