"""`mgic replay`: the same again, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code

TINY = ("model=resnet20", "dataset=digits", "width=4", "batch_size=64", "epochs=1", "max_steps=1")


def call(*words: str):
    return CliRunner().invoke(app, [str(word) for word in words], env={"MGIC_API_URL": "http://127.0.0.1:9"})


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What a short training left."""
    done = call("run", "classification", *TINY, "--quiet")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def written(outcome, tmp_path):
    """Writes it, with changes."""

    def write(result=None, source=None, subject=None, **changes):
        told = outcome | changes
        told["result"] = told["result"] and told["result"] | (result or {})
        own = {"version": "0.1.0", "commit": "unknown", "dirty": None}
        environment = told["environment"] | {"source": own | (source or {}), "numpy": "1.0"}
        told["environment"] = environment | {"subject": environment["subject"] | (subject or {})}
        path = tmp_path / "outcome.json"
        path.write_text(json.dumps(told))
        return path

    return write


def test_a_training_is_repeated_to_the_last_digit_and_a_change_is_found(written):
    path = written(result={"top1": 99.5})
    done = call("replay", path, "--quiet", "--json")
    assert done.exit_code == Code.RUN_FAILED, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], [one["place"] for one in told["different"]]) == ("differs", ["top1"])
    assert "numpy: 1.0 -> " in " ".join(told["environment"])
    assert told["compared"] > 10, "all others are equal"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"commit": "f" * 40}}, "git checkout ffffffffff"),
        ({"source": {"version": "0.0.1"}}, "made by MGIC Lab 0.0.1"),
        ({"source": {"dirty": True}}, "had been changed"),
        (
            {"subject": {"plugins": [{"module": "their.nets", "fingerprint": "0", "commit": None}]}},
            "--import their.nets",
        ),
        ({"status": "cancelled", "result": None}, "has no result to repeat: it has cancelled"),
    ],
)
def test_another_code_is_refused_before_anything_runs(written, changes, said):
    done = call("replay", written(**changes))
    assert done.exit_code == Code.NOTHING
    assert said in done.stderr


@pytest.mark.parametrize("given", ["nowhere", "pyproject.toml"])
def test_what_is_no_run_is_a_slip(given):
    done = call("replay", given)
    assert done.exit_code == Code.USAGE
    assert "RUN" in done.stderr
