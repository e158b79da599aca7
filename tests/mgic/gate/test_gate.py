"""Limits without rounding, verdicts over all metrics, and which run tells of which model."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mgic.errors import BadConfig, Conflict, NotInBaseline
from mgic.gate import Training, as_markdown, compare, find_base, joined, parse_rules, read_rules, with_runs
from mgic.gate.limits import movement, parse_limits
from mgic.records import Baseline, ComparisonRequest, ModelFigures, RunStatus, Source, Top1

RUN = UUID("00000000-0000-4000-8000-000000000001")
SOURCE = Source(mgic="0.1.0", commit="0123456789abcdef", dirty=False)
CONFIG = {"model": "m", "width": 16, "dataset": "digits", "epochs": 3, "seed": 0, "device": "cpu", "momentum": 0.9}


def top1(value: float = 90.0, **more) -> Top1:
    told = {"run_id": RUN, "experiment": "classification", "experiment_version": 2, "seed": 0}
    told |= {"dataset": "digits", "dataset_hash": "a", "epochs": 3, "training": {"momentum": 0.9}}
    return Top1(value=value, **told | more)


def model(spec: str = "m", score: Top1 | None = None, **more) -> ModelFigures:
    options = {"width": 16, "in_channels": 3}
    cost = {"params": 1000, "macs": 5000, "size_bytes": 4200} | more
    return ModelFigures(model=spec, options=options, input_size=(3, 32, 32), top1=score, **cost)


def baseline(*models: ModelFigures) -> Baseline:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    return Baseline(schema_version=1, name="main", created_at=at, source=SOURCE, models=models)


def held(base: ModelFigures, head: ModelFigures, limits: str | None = None):
    return compare(baseline(base), [(base, head)], SOURCE, parse_rules([limits] if limits else [], "limits"))


def verdicts(found) -> dict[str, str]:
    return {row.metric: row.verdict for row in found.rows}


# Limits


@pytest.mark.parametrize(
    ("metric", "base", "head", "limit", "worse", "better"),
    [
        ("params", 1000, 1000, "+0%", False, False),
        ("params", 1000, 1001, "+0%", True, False),
        ("params", 1000, 999, "+0%", False, True),
        ("macs", 1000, 1010, "+1%", False, False),
        ("macs", 1000, 1011, "+1%", True, False),
        ("macs", 10**17, 10**17 + 10**15, "+1%", False, False),
        ("macs", 10**17, 10**17 + 10**15 + 1, "+1%", True, False),
        ("macs", 0, 1, "+1000%", True, False),
        ("top1", 90.2, 89.7, "-0.5pp", False, False),  # 0.5000000000000142 as floats
        ("top1", 90.2, 89.69, "-0.5pp", True, False),
        ("top1", 89.7, 90.2, "-0.5pp", False, False),
        ("top1", 89.7, 90.3, "-0.5pp", False, True),
        ("top1", 90.0, 90.0, "-0pp", False, False),
    ],
)
def test_a_limit_is_kept_to_the_last_digit(metric, base, head, limit, worse, better):
    assert movement(metric, base, head, limit) == (worse, better)


@given(st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 1000))
def test_a_rise_is_judged_as_in_whole_numbers(base, head, percent):
    assert movement("macs", base, head, f"+{percent}%")[0] == (head * 100 > base * (100 + percent))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "metric:limit is wanted"),
        ("params", "metric:limit is wanted"),
        ("latency:+5%", "there is no metric 'latency'"),
        ("param:+5%", "did you mean 'params'"),
        ("params:+0%,params:+1%", "params stands there twice"),
        ("params:+0%,", "metric:limit is wanted"),
    ],
)
def test_what_names_no_limit_is_refused(text, said):
    with pytest.raises(BadConfig, match=said):
        parse_limits(text, "limits")


@pytest.mark.parametrize(
    ("metric", "limit", "said"),
    [
        *(("params", limit, "may rise") for limit in ("", "0%", "-5%", "+5 %", "+nan%", "+inf%", "+1001%", "+1e2%")),
        *(("macs", limit, "may rise") for limit in ("-0.5pp", "+5pp", "+ 5%", "+9999999999%", "+٣%", "+1KiB", "-5")),
        *(("size_bytes", limit, "may rise") for limit in ("+1kib", "+1pp", "-1KiB", "+1TiB")),
        *(("cpu_time", limit, "may rise") for limit in ("+5", "+5KiB", "+5ns")),
        *(("throughput", limit, "may fall") for limit in ("+5%", "-101%", "-5")),
        *(("top1", limit, "may fall") for limit in ("-1%", "0.5pp", "+0.5pp", "-nanpp", "-101pp", "-0.5")),
    ],
)
def test_a_limit_has_a_direction_and_a_unit(metric, limit, said):
    with pytest.raises(BadConfig, match=f"limits: {metric}: .*{said}"):
        parse_limits(f"{metric}:{limit}", "limits")


@pytest.mark.parametrize(
    ("metric", "base", "head", "limit", "worse"),
    [
        ("params", 1000, 1005, "+5", False),
        ("params", 1000, 1006, "+5", True),
        ("size_bytes", 10_000, 11_024, "+1KiB", False),
        ("size_bytes", 10_000, 11_025, "+1KiB", True),
        ("cpu_time", 2.0, 2.5, "+500us", False),
        ("cpu_time", 2.0, 2.501, "+0.5ms", True),
        ("throughput", 100.0, 90.0, "-10%", False),
        ("throughput", 100.0, 89.9, "-10%", True),
    ],
)
def test_a_limit_is_a_share_or_an_amount(metric, base, head, limit, worse):
    assert movement(metric, base, head, limit)[0] is worse


def test_a_pattern_has_limits_of_its_own_by_name_or_by_spec():
    rules = parse_rules(["macs:+1%", "ours:*=macs:+2%,params:+7", "net(width=8)=params:+0%"], "--fail-on")
    assert (rules.of("net").macs, rules.of("net").params) == ("+1%", None)
    assert (rules.of("ours:net(width=16)").macs, rules.of("ours:net").params) == ("+2%", "+7")
    assert rules.of("net(width=8)").params == "+0%"


def test_a_table_is_read_like_the_command():
    table = {"macs": "+1%", "ours:*": {"macs": "+2%"}}
    assert read_rules(table, "limits") == parse_rules(["macs:+1%", "ours:*=macs:+2%"], "limits")
    for bad, said in (({"mcas": "+1%"}, "did you mean 'macs'"), ({"x": {"macs": 3}}, "limits.x: macs"), (3, "a table")):
        with pytest.raises(BadConfig, match=said):
            read_rules(bad, "limits")


def test_what_both_name_the_command_decides():
    file, command = parse_rules(["macs:+1%,params:+1%"], "a"), parse_rules(["macs:+3%"], "b")
    assert joined(file, command).of("net").model_dump(exclude_none=True) == {"params": "+1%", "macs": "+3%"}


# Verdicts


def test_equal_figures_pass_without_a_word_of_top1():
    found = held(model(), model())
    assert (found.verdict, found.notes) == ("pass", ())
    assert verdicts(found) == {"params": "pass", "macs": "pass", "size_bytes": "pass"}
    assert [(row.change, row.change_percent) for row in found.rows] == [(0, 0.0)] * 3
    assert [row.limit for row in found.rows] == ["+0%", "+0%", "+1KiB"]


def test_one_figure_that_is_worse_decides():
    found = held(model(), model(params=1010), "macs:+5%")
    assert found.verdict == "regression"
    assert verdicts(found) == {"params": "regression", "macs": "pass", "size_bytes": "pass"}
    assert (found.rows[0].change, found.rows[0].change_percent) == (10, 1.0)
    assert "1 of 3 figures is worse" in found.summary


def test_a_rise_within_its_limit_passes():
    assert held(model(), model(params=1010), "params:+1%").verdict == "pass"


def test_an_improvement_passes_with_the_advice_to_renew():
    found = held(model(), model(macs=4000))
    assert found.verdict == "pass"
    assert [row.improved for row in found.rows] == [False, True, False]
    assert "macs of m" in found.notes[0]
    assert "Renew the baseline" in found.notes[0]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (top1(), None, "no run of it was given"),
        (None, top1(), "the baseline has no run of it"),
        (top1(), top1(epochs=4), "epochs 3 -> 4"),
        (top1(), top1(experiment_version=3), "experiment_version 2 -> 3"),
        (top1(), top1(dataset="fashion_mnist"), "dataset digits -> fashion_mnist"),
        (top1(), top1(dataset_hash="b"), "dataset_hash a -> b"),
        (top1(), top1(training={"momentum": 0.5}), "momentum 0.9 -> 0.5"),
        (top1(), top1(training={"momentum": 0.9, "ema": 0.1}), "ema none -> 0.1"),
    ],
)
def test_a_top1_that_cannot_be_compared_is_said_and_fails_only_where_it_was_wanted(before, after, said):
    base, head = model(score=before), model(score=after)
    found = held(base, head)
    assert found.verdict == "pass"
    assert verdicts(found)["top1"] == "not measured"
    assert said in found.rows[-1].note
    assert said in found.notes[0]
    assert held(base, head, "top1:-0.5pp").verdict == "not measured"
    assert held(base, model(score=after, params=2000), "top1:-0.5pp").verdict == "regression"


def test_a_top1_that_nobody_has_is_missed_only_where_it_was_wanted():
    assert "top1" not in verdicts(held(model(), model()))
    assert verdicts(held(model(), model(), "top1:-1pp"))["top1"] == "not measured"


def test_a_top1_that_was_wanted_is_missed_only_of_models_that_have_one():
    first, second = model("a", top1()), model("b")
    found = compare(
        baseline(first, second), [(first, first), (second, second)], SOURCE, parse_rules(["top1:-1pp"], "limits")
    )
    assert found.verdict == "pass"
    assert [(row.model, row.verdict) for row in found.rows if row.metric == "top1"] == [("a", "pass")]


def test_another_seed_is_compared_and_said():
    found = held(model(score=top1(90.0)), model(score=top1(89.0, seed=5)))
    assert found.verdict == "regression"
    assert (found.rows[-1].change, found.rows[-1].limit) == (-1.0, "-0.5pp")
    assert "seed 5 is held against seed 0" in found.notes[0]
    assert held(model(score=top1(90.0)), model(score=top1(89.0)), "top1:-1pp").verdict == "pass"


# Pairs


def test_a_model_is_held_against_its_own_spec_or_the_only_one_of_its_name():
    base = baseline(model("a(width=1)"), model("a(width=2)"), model("b"))
    assert find_base(base, "a(width=2)", "models").model == "a(width=2)"
    assert find_base(base, "b(width=7)", "models").model == "b"
    for spec in ("a(width=3)", "a", "c", "b2"):
        with pytest.raises(NotInBaseline, match="not in the baseline main, which has a"):
            find_base(base, spec, "models")


# Runs


def training(status=RunStatus.SUCCEEDED, result=None, experiment="classification", **config) -> Training:
    result = {"top1": 91.5, "dataset_hash": "a"} if result is None else result
    return Training("run 1", "#/runs/0", RUN, experiment, status, CONFIG | config, result, {"experiment_version": 2})


def test_a_run_tells_of_the_model_it_trained():
    first, second = with_runs([model("m"), model("other")], [training()])
    assert first.top1 == top1(91.5)
    assert second.top1 is None


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (training(width=8), r"run 1 trained m\(width=8\), not m"),
        (training(model="n"), "run 1 trained n, not m"),
        (training(experiment="cost"), "a run of cost"),
        (training(experiment="prune"), "a run of prune"),
        (training(result={"top1": None, "dataset_hash": "a"}), "has no top1"),
        (training(result={"dataset_hash": "a"}), "has no top1"),
        (training(result={"top1": 101.0, "dataset_hash": "a"}), "has no top1"),
        (training(epochs="many"), "has no top1"),
    ],
)
def test_a_run_that_tells_nothing_of_the_model_is_refused(run, said):
    with pytest.raises(BadConfig, match=said) as refusal:
        with_runs([model()], [run])
    assert refusal.value.problems[0].pointer == "#/runs/0"


def test_two_runs_of_a_model_are_one_too_many():
    with pytest.raises(BadConfig, match="one run a model is wanted"):
        with_runs([model()], [training(), training()])


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.SUCCEEDED])
def test_a_run_that_has_not_succeeded_is_a_conflict(status):
    with pytest.raises(Conflict, match=status):
        with_runs([model()], [training(status)])


# The document, and the table


def test_a_document_comes_back_as_it_was_written():
    written = baseline(model(score=top1()), model("n(width=2,kind='a b')"))
    assert Baseline.model_validate_json(written.model_dump_json()) == written


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema_version",), 2),
        (("models",), []),
        (("name",), "<b>"),
        (("created_at",), "2026-11-22T00:00:00"),  # of no time zone
        (("models", 0, "params"), -1),
        (("models", 0, "macs"), 1.5),
        (("models", 0, "macs"), "5000"),
        (("models", 0, "size_bytes"), 2**63),
        (("models", 0, "input_size", 2), 0),
        (("models", 0, "model"), "m|x"),
        (("models", 0, "model"), "m(a=`b`)"),
        (("models", 0, "top1", "value"), float("nan")),
        (("models", 0, "top1", "value"), 100.1),
        (("models", 0, "extra"), 1),
    ],
)
def test_a_fault_of_a_document_is_told_at_its_place(place, value):
    document = baseline(model(score=top1())).model_dump(mode="json")
    *path, last = place
    part = document
    for step in path:
        part = part[step]
    if isinstance(part, dict) or last < len(part):
        part[last] = value
    for parse, prefix in ((Baseline.model_validate, ()), (inline, ("baseline",))):
        with pytest.raises(ValidationError) as refusal:
            parse(document)
        assert refusal.value.errors()[0]["loc"] == (*prefix, *place)


def inline(document: dict) -> ComparisonRequest:
    return ComparisonRequest.model_validate({"baseline": document})


def test_a_model_stands_once_in_a_document():
    with pytest.raises(ValidationError, match="m stands there twice"):
        baseline(model(), model())


def test_the_table_says_it_in_its_first_line():
    first, _, header, _, *rows = as_markdown(held(model(), model("m(width=8)", params=1500))).splitlines()
    assert first == (
        "**regression**: 1 of 3 figures is worse than allowed (baseline main of 2026-11-22, commit 0123456789)"
    )
    assert header == "| model | metric | base | head | change | limit | verdict |"
    assert rows[0] == (
        "| `m(width=8)` against `m` | parameters | 1,000 | 1,500 | +500 (+50.00 %) | +0% | **regression** |"
    )
    assert rows[1] == "| `m(width=8)` against `m` | MACs | 5,000 | 5,000 | 0 | +0% | pass |"
    assert len(rows) == 5
    assert rows[-1] == "<!-- mgic gate -->"


def test_a_note_cannot_be_markup():
    head = model(score=top1(dataset="<img src=x>|[a](b)"))
    table = as_markdown(held(model(score=top1()), head))
    assert "dataset digits -\\> \\<img src=x\\>\\|\\[a\\](b)" in table
