"""Model specs read back as they were written, and nonsense is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mgic.errors import BadConfig
from mgic.spec import format_spec, parse_spec

SCALARS = (
    st.booleans()
    | st.none()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="'", codec="utf-8"), max_size=20)
    | st.sampled_from(["8", "true", "1e3", "", "it's", "a,b", "x=1", ")"])
)


@pytest.mark.parametrize(
    ("spec", "name", "options"),
    [
        ("resnet20", "resnet20", {}),
        ("resnet20()", "resnet20", {}),
        (
            "mgic_resnet20(group_size=8,coarsest_size=16)",
            "mgic_resnet20",
            {"group_size": 8, "coarsest_size": 16},
        ),
        (" a.b-c ( x = 1e-3 , y=word, z='8' ) ", "a.b-c", {"x": 0.001, "y": "word", "z": "8"}),
        ("m(a=true,b=false,c=null,d=True)", "m", {"a": True, "b": False, "c": None, "d": True}),
        ('m(a="x, (y)=1",b=nan,c=.5,d=-3)', "m", {"a": "x, (y)=1", "b": "nan", "c": 0.5, "d": -3}),
    ],
)
def test_specs_by_hand(spec, name, options):
    parsed = parse_spec(spec)
    assert parsed == (name, options)
    assert [type(value) for value in parsed[1].values()] == [type(value) for value in options.values()]


def test_a_spec_is_written_as_the_vocabulary_shows_it():
    assert (
        format_spec("mgic_resnet20", {"group_size": 8, "coarsest_size": 16})
        == "mgic_resnet20(group_size=8,coarsest_size=16)"
    )
    assert format_spec("resnet20", {}) == "resnet20"
    assert format_spec("m", {"a": True, "b": "paper", "c": "8", "d": None}) == 'm(a=true,b=paper,c="8",d=null)'


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True), SCALARS, max_size=5))
def test_what_is_written_reads_back(options):
    name, back = parse_spec(format_spec("some_model-1.5", options))
    assert (name, back) == ("some_model-1.5", options)
    assert [type(value) for value in back.values()] == [type(value) for value in options.values()]


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "20resnet",
        "a b",
        "m(",
        "m)",
        "m(8)",
        "m(a=)",
        "m(a=1;b=2)",
        "m(a=1 b=2)",
        "m(a=1,,b=2)",
        "m(a=b=c)",
        "m(a=(1))",
        "m(a=1)(b=2)",
        "m(a=1,a=1)",
        "m(a='x)",
        "m(a=1" + "0" * 3000 + ")",
    ],
)
def test_nonsense_is_refused(spec):
    with pytest.raises(BadConfig, match="is no model spec"):
        parse_spec(spec)


@pytest.mark.parametrize("value", [math.nan, math.inf, [1, 2], "both ' and \""])
def test_a_value_no_spec_can_hold_is_refused(value):
    with pytest.raises(BadConfig, match="is no model spec"):
        format_spec("m", {"a": value})


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused(text):
    try:
        name, options = parse_spec(text)
    except BadConfig:
        return
    assert parse_spec(format_spec(name, options)) == (name, options)
