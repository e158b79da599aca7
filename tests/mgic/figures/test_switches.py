"""What an address may say of a switch, and what is said of an address that says something else."""

import pytest

from mgic.figures.switches import Switch, read, words

SCALE = Switch("scale", "Cost axis", {"log": "log", "linear": "linear"}, "log")
PARTS = Switch("part", "Parts", {"a": "A", "b": "B, or so"}, "a", many=True)
SMOOTHING = Switch("smoothing", "Smoothing", {}, "0.8", bounds=(0.0, 0.99, 0.01))
TEXT = Switch("find", "Find", {})


def test_an_address_that_says_nothing_leaves_the_defaults():
    values, faults = read((SCALE, PARTS, SMOOTHING, TEXT), {"sweep": "no switch"})
    assert values == {"scale": "log", "part": "a", "smoothing": "0.8", "find": ""}
    assert faults == []


def test_what_the_address_says_holds():
    asked = {"scale": "linear", "part": "b;a", "smoothing": "0.5", "find": "x, y"}
    assert read((SCALE, PARTS, SMOOTHING, TEXT), asked) == (asked, [])
    assert words("b;a") == ["b", "a"]


@pytest.mark.parametrize(
    ("switch", "text", "said"),
    [
        (SCALE, "lin", "did you mean linear?"),
        (SCALE, "zz", "it is log or linear."),
        (PARTS, "a;c9", "it is a or b."),
        (SMOOTHING, "1.5", "it is a number from 0 to 0.99."),
        (SMOOTHING, "much", "it is a number from 0 to 0.99."),
        (SMOOTHING, "nan", "it is a number from 0 to 0.99."),
    ],
)
def test_what_it_cannot_be_is_named_and_the_default_holds(switch, text, said):
    values, faults = read((switch,), {switch.name: text})
    assert values == {switch.name: switch.default}
    assert faults == [f"{switch.name}={text} in the address: {said} Shown is {switch.default}."]
