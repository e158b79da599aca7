"""`mgic baseline` and `mgic gate`: what they write, what they say, and every exit code."""

import json
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code

NOWHERE = "http://127.0.0.1:9"
TINY = ("model=mgic_resnet20", "dataset=digits", "width=8", "batch_size=32", "epochs=1", "max_steps=1")
SPEC = "mgic_resnet20(width=8,group_size=8)"


def call(*arguments, **environment: str):
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"MGIC_API_URL": NOWHERE} | environment)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What `mgic run` printed: a run with groups of 4, and one with groups of 8."""
    done = call("run", "classification", *TINY, "group_size=4,8", "--quiet")
    assert done.exit_code == 0, done.stderr
    path = tmp_path_factory.mktemp("runs") / "runs.jsonl"
    path.write_text(done.stdout)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory, runs):
    """A baseline of two models, one of them with top-1."""
    path = tmp_path_factory.mktemp("baseline") / "main.json"
    done = call("baseline", "resnet20", SPEC, "--top1", f"{SPEC}={runs}", "--out", path)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    return path


def changed(file, tmp_path, **figures):
    """The same baseline with other figures of its second model."""
    document = json.loads(file.read_text())
    document["models"][1] |= figures
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document))
    return path


def test_a_baseline_says_what_it_counted_and_where_top1_is_from(file, runs):
    document = json.loads(file.read_text())
    plain, mgic = document["models"]
    assert (document["schema_version"], document["name"], document["id"]) == (1, "main", None)
    assert (plain["model"], plain["input_size"], plain["params"]) == ("resnet20", [3, 32, 32], 269_722)
    assert plain["macs"] == 40_551_040  # 40.55M, as published
    assert plain["size_bytes"] > 4 * plain["params"]
    assert plain["top1"] is None
    assert mgic["model"] == "mgic_resnet20(group_size=8,width=8)"  # in the model's own order
    second = json.loads(runs.read_text().splitlines()[1])
    assert mgic["top1"]["value"] == second["result"]["top1"]
    assert (mgic["top1"]["dataset"], mgic["top1"]["epochs"], mgic["top1"]["seed"]) == ("digits", 1, 0)
    assert mgic["top1"]["training"]["batch_size"] == 32
    assert not {"model", "group_size", "device"} & mgic["top1"]["training"].keys()


def test_without_a_file_the_baseline_is_printed_at_the_size_asked_for():
    done = call("baseline", "resnet20", "--input-size", "1,16,16", "--name", "small")
    assert done.exit_code == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert (model["input_size"], model["options"]["in_channels"]) == ([1, 16, 16], 1)
    assert model["params"] == 269_722 - 2 * 9 * 16  # the stem has one channel instead of three


def test_0_what_has_not_changed_passes(file, runs, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    arguments = ("--baseline", file, "--run", runs, "--fail-on", "macs:+1%", "--format", "md")
    done = call("gate", *arguments, GITHUB_STEP_SUMMARY=str(summary))
    assert done.exit_code == Code.OK, done.stderr
    assert done.stdout.startswith("**pass**: 7 of 7 figures are within their limits")
    assert "| +1% | pass |" in done.stdout
    assert summary.read_text() == "before\n" + done.stdout


def test_0_an_improvement_passes_and_is_said(file, tmp_path):
    done = call("gate", "--baseline", changed(file, tmp_path, params=10**9))
    assert done.exit_code == Code.OK
    assert "pass, better" in done.stdout
    assert "Renew the baseline" in done.stdout


def test_0_a_top1_that_was_not_asked_for_need_not_be_measured(file):
    done = call("gate", "--baseline", file)
    assert done.exit_code == Code.OK
    assert done.stdout.startswith("pass: 6 of 7 figures are within their limits, 1 not measured")
    assert "no run of it was given" in done.stdout


def test_1_a_network_that_grew_is_a_regression(file):
    done = call("gate", "--baseline", file, "mgic_resnet20(width=16)")
    assert done.exit_code == Code.REGRESSION == 1
    assert done.stdout.startswith("regression: 3 of 4 figures are worse than allowed")
    assert "mgic_resnet20(width=16) against mgic_resnet20(group_size=8,width=8)" in done.stdout
    assert "mgic: regression" in done.stderr


def test_1_a_top1_that_fell_is_a_regression(file, runs, tmp_path):
    found = json.loads(file.read_text())["models"][1]["top1"]
    better = changed(file, tmp_path, top1=found | {"value": found["value"] + 0.75})
    assert call("gate", "--baseline", better, "--run", runs, "--fail-on", "top1:-1pp").exit_code == Code.OK
    done = call("gate", "--baseline", better, "--run", runs, "--json")
    assert done.exit_code == Code.REGRESSION
    verdict = json.loads(done.stdout)
    (row,) = [row for row in verdict["rows"] if row["verdict"] == "regression"]
    assert (verdict["verdict"], row["metric"], row["limit"]) == ("regression", "top1", "-0.5pp")
    assert row["change"] == pytest.approx(-0.75)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mgic_resnet21",), "did you mean 'mgic_resnet"),
        (("mgic_resnet20(groupsize=8)",), "group_size"),
        (("mgic_resnet20(width=8",), "no model spec"),
        (("resnet20", "resnet20"), "models: resnet20 stands there twice"),
        (("--fail-on", "latency:+5%"), "--fail-on: there is no metric 'latency'"),
        (("--fail-on", "top1:-1%"), "top1: should be how far it may fall, such as -0.5pp"),
        (("--fail-on", "macs:+nan%"), "macs: should be how far it may rise, such as +1%"),
        (("--fail-on", ""), "--fail-on: metric:limit is wanted"),
        (("--run", "nothing.json"), "--run: 'nothing.json' is neither a file nor the id of a run"),
    ],
)
def test_2_a_slip_is_named(file, arguments, said):
    done = call("gate", "--baseline", file, *arguments)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ("", "Invalid JSON"),
        ("[]", "is no baseline: Input should be an object"),
        ("{}", "schema_version"),
        ("\udcff", "Invalid JSON"),
    ],
)
def test_2_a_file_that_is_no_baseline_is_refused(tmp_path, text, said):
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    done = call("gate", "--baseline", path)
    assert done.exit_code == Code.USAGE
    assert "is no baseline" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    ("field", "value"), [("schema_version", 2), ("params", -1), ("size_bytes", 1e400), ("models", [])]
)
def test_2_a_baseline_with_figures_that_cannot_be_is_refused_at_the_figure(file, tmp_path, field, value):
    document = json.loads(file.read_text())
    (document if field in document else document["models"][0])[field] = value
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    done = call("gate", "--baseline", path)
    assert done.exit_code == Code.USAGE
    assert field in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet20", "--input-size", "3,32"), "channels,height,width"),
        (("resnet20", "--input-size", "3,x,32"), "--input-size: channels,height,width"),
        (("resnet20", "resnet20"), "models: resnet20 stands there twice"),
        (("resnet20", "--name", "<b>"), "name: "),
        (("resnet20", "--top1", "resnet20"), "--top1: MODEL=RUN is wanted"),
        (("resnet20", "--top1", "resnet56=x"), "--top1: resnet56 is not among the models: resnet20"),
        (("resnet20", "--top1", "resnet20=x"), "--top1: 'x' is neither a file nor the id of a run"),
        (("resnet20", "--out", "/proc/nothing.json"), "--out: /proc/nothing.json cannot be written"),
        ((), "Missing argument 'models'"),
    ],
)
def test_2_a_baseline_that_cannot_be_is_named(arguments, said):
    done = call("baseline", *arguments)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
    assert done.stdout == ""


def test_2_a_run_of_another_network_is_named_with_both(file, runs, tmp_path):
    done = call("baseline", "mgic_resnet20(width=4)", "--top1", f"mgic_resnet20(width=4)={runs}")
    assert done.exit_code == Code.USAGE
    assert "trained mgic_resnet20(" in done.stderr
    assert "not mgic_resnet20(width=4)" in done.stderr
    twice = call("gate", "--baseline", file, "--run", runs, "--run", runs)
    assert twice.exit_code == Code.USAGE
    assert "one run a model is wanted" in twice.stderr
    no_runs = tmp_path / "x.jsonl"
    no_runs.write_text('{"status": "succeeded"}\n')
    assert "is not what `mgic run` prints" in call("gate", "--baseline", file, "--run", no_runs).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnet56",), "resnet56 is not in the baseline main, which has resnet20"),
        (("--fail-on", "top1:-0.5pp"), "not measured: 1 of 7 figures was wanted and not measured"),
    ],
)
def test_4_nothing_to_hold_against_is_no_verdict(file, arguments, said):
    done = call("gate", "--baseline", file, *arguments)
    assert done.exit_code == Code.NOTHING
    assert said in done.stderr


def test_4_a_run_without_a_result_is_no_verdict(file, runs, tmp_path):
    outcome = json.loads(runs.read_text().splitlines()[1]) | {"status": "failed", "result": None}
    path = tmp_path / "outcome.json"
    path.write_text(json.dumps(outcome, indent=2))
    done = call("gate", "--baseline", file, "--run", path)
    assert done.exit_code == Code.NOTHING
    assert "failed; one that has succeeded is wanted" in done.stderr


@pytest.mark.parametrize("name", ["gone.json", "dir/gone", "x" * 5000])
def test_4_no_file_is_no_baseline(name):
    done = call("gate", "--baseline", name)
    assert done.exit_code == Code.NOTHING
    assert "there is no file" in done.stderr


@pytest.mark.parametrize("arguments", [("--baseline", "main"), ("--run", str(uuid4()))])
def test_5_a_service_out_of_reach_is_told_from_a_regression(file, arguments):
    done = call("gate", "--baseline", file, *arguments)
    assert done.exit_code == Code.UNREACHABLE
    assert "mgic up" in done.stderr
    assert done.stdout == ""
