"""A value written as text means one thing, wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.errors import BadConfig
from mgic.literals import parse_literal, parse_ranges


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("-8", -8),
        ("1e-3", 1e-3),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("none", None),
        ("paper", "paper"),
        ("'8'", "8"),
        ('"true"', "true"),
        ("007", "007"),
        ("1.2.3", "1.2.3"),
        ("nan", "nan"),
        ("", ""),
    ],
)
def test_what_a_text_means(text, value):
    found = parse_literal(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 401])
def test_a_number_no_float_holds_is_refused(text):
    with pytest.raises(BadConfig, match="too large"):
        parse_literal(text)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_comes_back(number):
    assert parse_literal(repr(number)) == number


@given(st.text(max_size=50))
def test_any_text_means_something_or_is_refused(text):
    try:
        value = parse_literal(text)
    except BadConfig:
        return
    assert value is None or isinstance(value, bool | int | float | str)


def test_ranges_are_read_as_a_search_takes_them():
    assert parse_ranges(["rate=1e-3:1:log", "width=4:16:4", "side=8:32"]) == {
        "rate": {"min": 0.001, "max": 1, "log": True},
        "width": {"min": 4, "max": 16, "step": 4},
        "side": {"min": 8, "max": 32},
    }


@pytest.mark.parametrize("text", ["", "width", "width=4", "width=4:", "=4:8", "width=4:8:", "width=4:8:2:1"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(BadConfig, match="FIELD=MIN:MAX"):
        parse_ranges([text])


def test_a_field_has_one_range():
    with pytest.raises(BadConfig, match="width has two ranges"):
        parse_ranges(["width=4:8", "width=8:16"])
