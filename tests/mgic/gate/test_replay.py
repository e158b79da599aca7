"""A result that was repeated: equal, within the noise of seeds, or different; and what may be the cause."""

import pytest

from mgic.gate.replay import environment_differences, replayed

SCHEMA = {
    "properties": {
        "top1": {"type": "number", "unit": "%"},
        "seconds": {"type": "number", "unit": "s"},
        "images_per_second": {"anyOf": [{"type": "number", "unit": "images/s"}, {"type": "null"}]},
        "rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}},
    },
    "$defs": {"Row": {"properties": {"macs": {"type": "integer"}, "median_ms": {"type": "number", "unit": "ms"}}}},
}
BEFORE = {"top1": 90.0, "seconds": 3.0, "images_per_second": 7.0, "rows": [{"macs": 5, "median_ms": 1.0}]}


def test_times_and_rates_are_not_compared():
    after = {"top1": 90.0, "seconds": 4.0, "images_per_second": 9.0, "rows": [{"macs": 5, "median_ms": 2.0}]}
    found = replayed(BEFORE, after, SCHEMA, "top1")
    assert (found.verdict, found.compared, found.different) == ("equal", 2, ())


def test_a_figure_deep_inside_is_found_with_its_place():
    after = BEFORE | {"rows": [{"macs": 6, "median_ms": 1.0}]}
    found = replayed(BEFORE, after, SCHEMA, "top1")
    assert found.verdict == "differs"
    assert [(one.place, one.before, one.after) for one in found.different] == [("rows[0].macs", 5, 6)]


def test_rows_that_are_fewer_or_fields_that_are_gone_differ():
    assert replayed(BEFORE, BEFORE | {"rows": []}, SCHEMA, None).verdict == "differs"
    assert replayed(BEFORE, {"top1": 90.0, "rows": BEFORE["rows"]} | {"more": 1}, SCHEMA, None).verdict == "differs"


@pytest.mark.parametrize(("after", "verdict"), [(91.0, "within noise"), (70.0, "differs")])
def test_noise_is_what_other_seeds_differ_by(after, verdict):
    found = replayed(BEFORE, BEFORE | {"top1": after}, SCHEMA, "top1", [89.0, 90.0, 91.0, 90.5])
    assert found.verdict == verdict
    assert "4 runs of other seeds" in found.why


def test_without_other_seeds_nothing_is_called_noise():
    found = replayed(BEFORE, BEFORE | {"top1": 90.0001}, SCHEMA, "top1", [90.0, 90.1])
    assert found.verdict == "differs"
    assert "not known" in found.why


def test_a_result_of_times_alone_is_no_repetition():
    assert "times and nothing else" in replayed({"seconds": 1.0}, {"seconds": 1.0}, SCHEMA, None).why


def test_causes_come_the_likeliest_first():
    before = {"torch": "2.0", "python": "3.11", "threads": 2, "source": {"commit": "a" * 40, "dirty": False}}
    after = {"torch": "2.1", "python": "3.12", "threads": 2, "source": {"commit": "b" * 40, "dirty": True}}
    assert environment_differences(before, after) == [
        "the lab: aaaaaaaaaa -> bbbbbbbbbb, changed since",
        "torch: 2.0 -> 2.1",
        "python: 3.11 -> 3.12",
    ]
