"""What `field=value,value` means, by examples and by round trips."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.cli.values import fit, gather_lists, parse_axes, parse_options, parse_size
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
        ("0..4", [0, 1, 2, 3, 4]),
        ("-1 .. +1", [-1, 0, 1]),
        ("7..7", [7]),
        ("0..2,8", [0, 1, 2, 8]),
        ("range(3)", [0, 1, 2]),
        ("range(0,5)", [0, 1, 2, 3, 4]),
        ("Range( 4, 20, 8 )", [4, 12]),
        ("range(3,0,-1)", [3, 2, 1]),
        ("[1..3,9]", [[1, 2, 3, 9]]),
        ("'0..4'", ["0..4"]),
        ("0...4,0..,1.5..2", ["0...4", "0..", "1.5..2"]),
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
        (["model=a\udcff"], "'model=a'... has bytes in it that are no UTF-8"),
        (["seed=4..0"], "seed: there is no number in 4..0; a series goes up"),
        (["seed=range(0)"], "there is no number in"),
        (["seed=range(a)"], r"a series is written 0..4, range\(5\) or range\(0,5\)"),
        (["seed=range()"], "a series is written"),
        (["seed=range(0,9,0)"], "a series is written"),
        (["seed=range(1,2,3,4)"], "a series is written"),
        (["seed=0..2000"], "has 2001 values, a sweep has at most 2000 runs"),
        (["seed=0..999999999999999999"], "a sweep has at most"),
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


SCHEMA = {
    "properties": {
        "seed": {"type": "integer"},
        "max_steps": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "rate": {"type": "number"},
        "augment": {"type": "boolean"},
        "model": {"type": "string"},
        "sizes": {"type": "array", "items": {"type": "integer"}},
    }
}


def fitted(argument: str) -> list:
    ((_, values),) = fit(parse_axes([argument]), SCHEMA).items()
    return values


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("seed=1e2,10.0,-3.,5", [100, 10, -3, 5]),
        ("max_steps=1E3,null", [1000, None]),
        ("rate=1.0,2", [1.0, 2]),
        ("augment=true", [True]),
        ("model=resnet20", ["resnet20"]),
        ("sizes=8.0,1e1", [[8, 10]]),
        ("sizes=1..3", [[1, 2, 3]]),
        ("group_size=8.0,0.5,auto", [8, 0.5, "auto"]),
        ("seed=1.5", [1.5]),
        ("seed=1e17", [1e17]),
    ],
)
def test_a_whole_number_is_one_however_it_is_written(argument, meant):
    found = fitted(argument)
    assert found == meant
    assert [type(value) for value in found] == [type(value) for value in meant]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("seed=0-4", "seed: a whole number is written 10, 1e2 or 10.0, several 0,1,2 or 0..2; '0-4' is not"),
        ("seed={0..2}", "'{0..2}' is not"),
        ("seed=0:5", "'0:5' is not"),
        ("seed=\u22121", "'\u22121' is not"),
        ("seed='5'", "'5' is not"),
        ("max_steps=1k", "'1k' is not"),
        ("rate=1/3", "rate: a number is written 0.1 or 1e-3"),
        ("rate=10%", "'10%' is not"),
        ("augment=yes", "augment: it is written true or false; 'yes' is not"),
    ],
)
def test_what_is_no_number_is_shown_how_one_is_written(argument, said):
    with pytest.raises(BadConfig) as refused:
        fitted(argument)
    assert said in str(refused.value)


def test_an_option_is_one_whole_number_too():
    assert parse_options(["group_size=16.0", "width=1e1"]) == {"group_size": 16, "width": 10}
    with pytest.raises(BadConfig, match=r"group_size: one value is wanted here, not the 3 of 4\.\.6"):
        parse_options(["group_size=4..6"])
