"""A trained run, and a file of weights, as inputs of other runs: the way of a user at a terminal."""

import json
import shutil

from typer.testing import CliRunner

from mgic.cli import app
from mgic.cli.terminal import Code

TINY = ("model=mgic_resnet20", "width=4", "group_size=2", "coarsest_size=4")
NONE = ("noise=0.1", "blur=0.1", "contrast=0.5")


def call(*arguments: str):
    return CliRunner().invoke(app, ["run", *arguments])


def result(*arguments: str) -> dict:
    done = call(*arguments)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["result"]


def test_what_was_trained_is_evaluated_exported_looked_at_and_trained_on(tmp_path):
    learnt = result("classification", *TINY, "max_steps=2", "batch_size=16", "--out", str(tmp_path / "a"))
    run = f"trained={tmp_path / 'a' / '0'}"
    found = result("evaluate", run, *NONE, "--out", str(tmp_path / "b"))
    assert found["top1"] == learnt["top1"]
    assert {row["strength"] for row in found["corruptions"]} == {0, 0.1, 0.5}
    assert (tmp_path / "b" / "0" / "predictions.npz").is_file()
    assert result("reconstruction", run, "images=digits", "samples=4", "coarsest_size=2", "group_size=2")["maps"] == 4
    assert len(result("export", run)["forms"]) == 3
    assert result("classification", run, "max_steps=1")["weights_hash"] == found["weights_hash"]
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tmp_path / "a" / "0" / "model.safetensors", own := tmp_path / "elsewhere" / "own.safetensors")
    again = call("evaluate", f"weights={own}", *TINY, *NONE)
    told = json.loads(again.stdout)
    assert (told["config"]["weights"], told["result"]["weights_hash"]) == ("own", found["weights_hash"])


def test_what_cannot_be_an_input_is_said_before_anything_runs(tmp_path):
    shutil.copy(__file__, tmp_path / "own.pt")
    result("classification", *TINY, "max_steps=1", "batch_size=16", "--out", str(tmp_path / "a"))
    for words, given in (
        ("no file that ends in .safetensors", f"weights={tmp_path / 'own.pt'}"),
        ("there is nothing to evaluate", "seed=1"),
        (f"mgic: trained: {tmp_path} is not the folder of a run", f"trained={tmp_path}"),
        (f"; {tmp_path / 'a' / '0'} is one", f"trained={tmp_path / 'a'}"),
    ):
        done = call("evaluate", given)
        assert done.exit_code == Code.USAGE, done.output
        assert words in done.stderr
