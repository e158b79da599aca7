"""`mgic gate --seeds` and `--metric`: top1 of several trainings, and of a measurement elsewhere."""

import json

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code


def gate(baseline, *arguments):
    words = ["gate", "--baseline", baseline, *arguments, "--format", "json"]
    return CliRunner().invoke(app, list(map(str, words)), env={"MGIC_API_URL": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "main.json"
    assert CliRunner().invoke(app, ["baseline", "resnet20", "--out", str(path)]).exit_code == Code.OK
    return path


def runs(folder, name: str, scores: list[float]):
    lines = [
        {
            "status": "succeeded",
            "config": {"model": "resnet20", "dataset": "digits", "epochs": 1, "seed": seed},
            "result": {"top1": score, "dataset_hash": "h"},
            "environment": {"experiment": "classification"},
            "seconds": 1.0,
        }
        for seed, score in enumerate(scores)
    ]
    path = folder / name
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_1_a_loss_over_several_seeds_is_a_regression(baseline, tmp_path):
    before = runs(tmp_path, "base.jsonl", [90.0, 90.4, 89.8])
    done = gate(baseline, "--seeds", f"{before},{runs(tmp_path, 'head.jsonl', [88.1, 88.4, 87.9])}")
    assert done.exit_code == Code.REGRESSION, done.stderr
    row = json.loads(done.stdout)["rows"][-1]
    assert (row["metric"], row["verdict"], row["n"]) == ("top1", "regression", 3)
    one = gate(baseline, "--seeds", f"{before},{runs(tmp_path, 'one.jsonl', [80.0])}")
    assert json.loads(one.stdout)["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("words", "verdict"), [("top1=75.0,73.0:n=50000", "regression"), ("resnet20=top1=75.0", "pass")]
)
def test_a_number_from_elsewhere_is_marked_as_imported(baseline, words, verdict):
    done = gate(baseline, "--metric", words)
    found = json.loads(done.stdout)
    assert found["verdict"] == verdict, done.stderr
    assert found["rows"][-1]["note"].startswith("imported, measured elsewhere")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--metric", "top5=3"), "--metric: top1=74.8:n=50000"),
        (("--metric", "other=top1=3"), "--metric: there is no model 'other'"),
        (("--seeds", "base.jsonl"), "--seeds: BASE,HEAD or MODEL=BASE,HEAD is wanted"),
        (("--seeds", "nowhere.jsonl,head.jsonl"), "'nowhere.jsonl' is neither a file nor the id of a run"),
    ],
)
def test_2_what_is_wrong_is_named(baseline, words, said):
    done = gate(baseline, *words)
    assert done.exit_code == Code.USAGE
    assert said in done.stderr
