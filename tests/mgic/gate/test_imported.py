"""Top-1 that was measured elsewhere: how it is written, and what follows from the number of samples."""

import math

import pytest

from mgic.errors import BadConfig
from mgic.gate.imported import Imported, difference, of_imported, parse_imported, read_imported


def test_it_is_written_with_or_without_model_and_base():
    assert parse_imported("top1=74.8:n=50000", "f") == Imported(head=74.8, n=50000)
    named = parse_imported("our.nets:net(width=4)=top1=75.1,74.8", "f")
    assert named == Imported(model="our.nets:net(width=4)", base=75.1, head=74.8)
    assert read_imported(b'[{"model": "a", "base": 90, "head": 89.5, "n": 100}]', "f")[0].base == 90


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("top5=74.8", "all else is measured here"),
        ("top1=1,2,3", "is wanted"),
        ("top1=174.8", "head: Input should be less than or equal to 100"),
        ("top1=74.8:n=0", "n: Input should be greater than or equal to 1"),
        ("top1=7.4.8", "head: Input should be a valid number"),
    ],
)
def test_what_is_no_such_number_is_named(text, said):
    with pytest.raises(BadConfig, match=said):
        parse_imported(text, "--metric")


@pytest.mark.parametrize("document", [b"{}", b"[{}]", b"nothing", b'[{"head": 5, "other": 1}]'])
def test_a_file_of_something_else_is_refused(document):
    with pytest.raises(BadConfig, match="--metric: "):
        read_imported(document, "--metric")


def test_the_interval_is_close_to_the_normal_one_where_samples_are_many():
    low, high = difference(75.0, 74.8, 50_000)
    error = 100 * math.sqrt((0.75 * 0.25 + 0.748 * 0.252) / 50_000)
    assert low == pytest.approx(-0.2 - 1.96 * error, abs=0.01)
    assert high == pytest.approx(-0.2 + 1.96 * error, abs=0.01)


@pytest.mark.parametrize(
    ("base", "head", "n", "verdict"),
    [
        (75.0, 75.3, 50_000, "pass"),
        (75.0, 74.8, 50_000, "inconclusive"),
        (75.0, 73.0, 50_000, "regression"),
        (75.0, 74.0, 1_000, "inconclusive"),
        (75.0, 60.0, None, "shown"),
        (None, 60.0, 50_000, "shown"),
    ],
)
def test_it_is_judged_by_its_interval_and_the_limit(base, head, n, verdict):
    row = of_imported("m", Imported(head=head, n=n), base, "-0.5pp")
    assert row.verdict == verdict
    assert row.note.startswith("imported, measured elsewhere")
