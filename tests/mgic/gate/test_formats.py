"""The same verdict for a terminal, a test report, a benchmark tracker and a pull request."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from mgic.gate import as_annotations, as_bmf, as_junit, as_markdown, as_smaller_is_better, as_text
from mgic.records import Comparison, MetricVerdict, SideInfo, Source

SOURCE = Source(mgic="0.1.0", commit="unknown", dirty=None)


def row(metric, verdict, base=None, head=None, note="", **more) -> MetricVerdict:
    change = None if base is None or head is None else head - base
    percent = None if not change else 100 * change / base
    known = {"change": change, "change_percent": percent, "improved": False, "note": note, "limit": "+5%"}
    return MetricVerdict(
        model="m", base_model="m", metric=metric, base=base, head=head, verdict=verdict, **known | more
    )


@pytest.fixture
def found() -> Comparison:
    interval = {"low_percent": 8.0, "high_percent": 12.0, "n": 9}
    return Comparison(
        created_at=datetime(2026, 11, 29, tzinfo=UTC),
        verdict="regression",
        summary="1 of 5 figures is worse\nthan allowed",
        baseline="0123456789",
        baseline_created_at=None,
        base_source=SOURCE,
        head_source=SOURCE,
        base_side=SideInfo(ref="main", commit="0123456789", branch=None, dirty=False),
        rows=(
            row("params", "pass", 1000, 1000, limit="+0%"),
            row("cpu_time", "regression", 2.0, 2.2, **interval),
            row("peak_memory", "inconclusive", 1e6, 1.02e6, "it may be more: 3 blocks | of 6"),
            row("throughput", "shown", 500.0, 455.0, limit=""),
            row(None, "gone", note="the base has it, the head does not", limit=""),
        ),
        notes=(),
    )


def test_a_terminal_has_a_line_a_metric(found):
    lines = as_text(found).splitlines()
    assert lines[0] == "regression: 1 of 5 figures is worse\nthan allowed".splitlines()[0]
    (cpu,) = [line.split() for line in lines if line.strip().startswith("CPU time")]
    assert " ".join(cpu) == "CPU time, ms 2 2.2 +10.0 % [+8.0, +12.0], n = 9 +5% regression"


def test_markdown_says_why_and_ends_with_the_mark_by_which_a_comment_is_found(found):
    lines = as_markdown(found).splitlines()
    assert lines[0] == "**regression**: 1 of 5 figures is worse than allowed"
    assert "- m: peak memory, MB: it may be more: 3 blocks \\| of 6." in lines
    assert lines[-1] == "<!-- mgic gate -->"


def test_junit_has_failures_and_skipped_tests(found):
    suite = ElementTree.fromstring(as_junit(found)).find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")} == {
        "tests": "5",
        "failures": "2",
        "skipped": "1",
        "errors": "0",
    }
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["cpu_time", "gone"]


def test_benchers_format_has_the_heads_figures_with_their_interval(found):
    told = json.loads(as_bmf(found))["m"]
    assert told["parameters"] == {"value": 1000.0}
    assert told["cpu-time-ms"] == {"value": 2.2, "lower_value": pytest.approx(2.16), "upper_value": pytest.approx(2.24)}
    assert "top1-percent" not in told


def test_what_should_rise_is_no_smaller_is_better(found):
    assert [one["name"] for one in json.loads(as_smaller_is_better(found))] == [
        "m parameters",
        "m cpu-time-ms",
        "m peak-memory-bytes",
    ]


def test_annotations_are_commands_of_one_line_each(found):
    lines = as_annotations(found).splitlines()
    assert [line.split("::")[1].split(" ")[0] for line in lines] == ["error", "warning", "error"]
    quiet = found.model_copy(update={"rows": found.rows[:1]})
    new = quiet.model_copy(update={"rows": (*quiet.rows, row(None, "new", note="the head has it"))})
    assert as_annotations(new).splitlines()[1] == "::notice title=mgic gate: new::m the head has it"
    assert as_annotations(quiet) == "::notice title=mgic gate::1 of 5 figures is worse%0Athan allowed\n"
