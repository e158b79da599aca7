"""`mgic gate --predictions`: answers of two networks to the same samples, beside what else is compared."""

import json

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code


def call(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], env={"MGIC_API_URL": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "main.json"
    assert call("baseline", "resnet20", "--out", path).exit_code == Code.OK
    return path


def answers(folder, name: str, wrong, n: int = 1000):
    """All right, but for the samples of these places."""
    rows = [f"{place},1,{2 if place in wrong else 1}" for place in range(n)]
    path = folder / name
    path.write_text("\n".join(["id,label,prediction", *rows]))
    return path


@pytest.fixture
def sides(tmp_path):
    """The head loses twelve samples of a thousand, and gains two."""
    return f"{answers(tmp_path, 'base.csv', {1, 2})},{answers(tmp_path, 'head.csv', set(range(100, 112)))}"


def gate(baseline, *arguments):
    return call("gate", "--baseline", baseline, *arguments)


def test_1_a_loss_of_the_same_weights_is_a_regression(baseline, sides):
    done = gate(baseline, "--predictions", sides, "--weights-from-base", "--format", "json")
    assert done.exit_code == Code.REGRESSION, done.stderr
    row = json.loads(done.stdout)["rows"][-1]
    assert (row["metric"], row["verdict"], row["limit"]) == ("top1", "regression", "-0.2pp")
    assert (row["base"], row["head"], row["change"]) == (99.8, 98.8, -1.0)
    assert row["low_percent"] < -1 < row["high_percent"] < 0
    assert "12 of 1000 samples are lost and 2 gained" in row["note"]
    text = gate(baseline, "--predictions", f"resnet20={sides}", "--weights-from-base").stdout
    assert text.startswith("regression: 1 of 4 figures is worse than allowed (baseline main")
    assert "-1.00 pp [-1.7" in text


def test_0_it_is_shown_where_nothing_says_that_the_weights_are_the_same(baseline, sides):
    done = gate(baseline, "--predictions", sides, "--format", "json")
    assert done.exit_code == Code.OK
    assert json.loads(done.stdout)["rows"][-1]["verdict"] == "shown"


def test_the_limit_of_top1_counts(baseline, sides):
    arguments = ("--predictions", sides, "--weights-from-base", "--fail-on", "top1:-1pp", "--on-inconclusive", "fail")
    assert gate(baseline, *arguments).exit_code == Code.INCONCLUSIVE
    arguments = ("--predictions", sides, "--weights-from-base", "--fail-on", "top1:-2pp")
    assert gate(baseline, *arguments).exit_code == Code.OK


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("one.csv", "BASE,HEAD or MODEL=BASE,HEAD is wanted"),
        ("one.csv,", "BASE,HEAD or MODEL=BASE,HEAD is wanted"),
        ("other={sides}", "there is no model 'other'"),
    ],
)
def test_2_what_is_wrong_is_named(baseline, sides, given, said):
    done = gate(baseline, "--predictions", given.format(sides=sides))
    assert done.exit_code == Code.USAGE
    assert f"--predictions: {said}" in done.stderr


def test_2_files_of_other_samples_are_refused_before_anything_is_counted(tmp_path, baseline):
    base, head = answers(tmp_path, "a.csv", set()), answers(tmp_path, "b.csv", set(), 999)
    done = call("gate", "--baseline", tmp_path / "none.json", "--predictions", f"{base},{head}")
    assert done.exit_code == Code.USAGE
    assert "--predictions: id: a.csv has 1000 samples, b.csv 999" in done.stderr


def test_4_a_file_that_is_not_there_is_no_verdict(baseline, tmp_path):
    done = gate(baseline, "--predictions", f"{tmp_path / 'no.csv'},{tmp_path / 'no.csv'}")
    assert done.exit_code == Code.NOTHING
    assert "there is no file" in done.stderr
