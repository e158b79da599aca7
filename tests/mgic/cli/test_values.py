"""What `field=value,value` means, by examples and by round trips."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.cli.values import gather_lists, parse_axes, parse_options, parse_size
from mgic.errors import BadConfig


def values(text: str) -> list:
    return parse_axes([f"field={text}"])["field"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("4,8", [4, 8]),
        ("-1,+2,0", [-1, 2, 0]),
        ("0.5,.5,5.,1e-3,-2.5E+1", [0.5, 0.5, 5.0, 1e-3, -25.0]),
        ("true,False", [True, False]),
        ("null,None", [None, None]),
        ("resnet20, mgic_resnet20", ["resnet20", "mgic_resnet20"]),
        ("007,1_000,0x10,nan,inf,1e", ["007", "1_000", "0x10", "nan", "inf", "1e"]),
        ("[1,2]", [[1, 2]]),
        ("[1,2],[],[a]", [[1, 2], [], ["a"]]),
        ("a(group_size=8,coarsest_size=16),b", ["a(group_size=8,coarsest_size=16)", "b"]),
        ("[a(x=1,y=[2,3]),b]", [["a(x=1,y=[2,3])", "b"]]),
        ("'5','a,b',\"true\",''", ["5", "a,b", "true", ""]),
        ("x=y", ["x=y"]),
        ("don't", ["don't"]),
    ],
)
def test_a_value_is_read_as_written(text, meant):
    read = values(text)
    assert read == meant
    assert [type(value) for value in read] == [type(value) for value in meant]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["group_size"], "field=value is wanted"),
        (["=4"], "field=value is wanted"),
        (["group-size=4"], "field=value is wanted"),
        (["seed="], "seed has an empty value"),
        (["seed=1,,2"], "seed has an empty value"),
        (["seed=1,"], "seed has an empty value"),
        (["seed=1", "seed=2"], "seed is given twice"),
        (["models=a(b=1"], "models: '\\)' is missing"),
        (["models=a)"], "models: '\\)' closes nothing"),
        (["models=[a)"], "models: '\\)' closes nothing"),
        (["name='a"], 'name: "\'" is missing'),
        (["name='a'b"], "a comma is missing"),
        (["a=[1]2"], "a comma is missing"),
        (["a=[[1]]"], "a list cannot hold a list"),
        (["a=1e999"], "too large"),
        (["a=" + "9" * 5000], "too large"),
    ],
)
def test_a_slip_is_named_with_its_field(arguments, said):
    with pytest.raises(BadConfig, match=said):
        parse_axes(arguments)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(SCALARS, min_size=1))
def test_what_json_writes_is_read_back(scalars):
    assert values(",".join(map(json.dumps, scalars))) == scalars


@given(st.text(st.characters(blacklist_characters="'", blacklist_categories=["Cs"])))
def test_quotes_keep_any_text(text):
    assert values(f"'{text}'") == [text]


@given(st.text())
def test_any_text_is_a_value_or_a_clear_error(text):
    with suppress(BadConfig):
        assert values(text)


def test_an_option_has_one_value():
    assert parse_options(["group_size=8", "coarsening=released"]) == {"group_size": 8, "coarsening": "released"}
    with pytest.raises(BadConfig, match="group_size: one value is wanted here, not 2"):
        parse_options(["group_size=4,8"])


def test_an_input_size_has_up_to_three_positive_parts():
    assert parse_size("3, 32,48") == (3, 32, 48)
    assert parse_size("3,1024") == (3, 1024)
    assert parse_size("2") == (2,)
    for wrong in ("", "3,", "3,32,32,1", "3,-1,32", "3,0,32", "a,b,c", "3,32,32.5", "1,1,9999999"):
        with pytest.raises(BadConfig, match="channels,height,width"):
            parse_size(wrong)


def test_values_of_a_field_that_takes_only_lists_are_one_list():
    schema = {"properties": {"models": {"type": "array"}, "seed": {"type": "integer"}}}
    axes = {"models": ["a", "b"], "seed": [0, 1], "group_size": [4]}
    assert gather_lists(axes, schema) == {"models": [["a", "b"]], "seed": [0, 1], "group_size": [4]}
    assert gather_lists({"models": [["a"], ["b"]]}, schema) == {"models": [["a"], ["b"]]}
