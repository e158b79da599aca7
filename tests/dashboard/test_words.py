"""Names come out as typed, numbers with their size."""

import pytest

from dashboard.words import ADVICE, literal
from mgic.figures.words import ICONS, counts, decimals, number, plain, seconds, si
from mgic.records import Reason, RunStatus


@pytest.mark.parametrize(
    ("typed", "escaped"),
    [
        ("group_size", "group_size"),
        ("<b>x</b>", "\\<b>x\\</b>"),
        ("$x$ `y`", "\\$x\\$ \\`y\\`"),
        (":red[q]", "\\:red\\[q\\]"),
        (":smile: :+1: a:b", ":\u2060smile: :\u2060+1: a\\:b"),
        ("# a\n# b", "\\# a # b"),
        ("1. a", "1\\. a"),
    ],
)
def test_markdown_is_written_literally(typed, escaped):
    assert literal(typed) == escaped


def test_plotly_is_given_no_tags():
    assert plain("<b>$x$</b>") == "&lt;b&gt;&#36;x&#36;&lt;/b&gt;"


def test_numbers_are_short():
    assert [si(value) for value in (40_800_000, 1234, 5, None)] == ["40.8 M", "1.23 k", "5", "-"]
    assert [number(value) for value in (0.00012, 91.23456, 128, 40_800_000)] == ["0.00012", "91.23", "128", "40.8 M"]
    assert [seconds(value) for value in (1.25, 45, 600, 7200, 400_000)] == [
        "1.2 s",
        "45 s",
        "10 min",
        "2.0 h",
        "4.6 days",
    ]


def test_a_column_has_one_number_of_decimals():
    assert decimals([98.19, 97.5]) == 2
    assert decimals([0.25, 0.00012]) == 5
    assert decimals([1234.5, 20.0]) == 0
    assert decimals([0.5, float("nan"), float("inf"), 0.0]) == 4
    assert decimals([1e-30]) == 8
    assert decimals([]) == decimals([0.0]) == decimals([8.0, 16.0]) == 0


def test_every_status_has_an_icon_and_every_reason_advice():
    assert set(ICONS) == set(RunStatus)
    assert set(ADVICE) == set(Reason)
    assert counts({RunStatus.FAILED: 1, RunStatus.SUCCEEDED: 3}) == "✔ 3 succeeded · ✖ 1 failed"
