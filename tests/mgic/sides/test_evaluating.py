"""`mgic gate --weights`: weights that a repository holds, evaluated with both versions of its code."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from mgic.cli.terminal import Code
from mgic.data import load
from mgic.data.batches import train_and_test
from tests.outside import git

pytestmark = pytest.mark.thorough

LINEAR = """
from torch import nn


class Flat(nn.Module):
    def __init__(self, numbers: int, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(numbers, num_classes)

    def forward(self, images):
        return self.head(images.flatten(1))


def flat(*, num_classes: int = 10, in_channels: int = 1, img_size: int = 8) -> nn.Module:
    return Flat(in_channels * img_size**2, num_classes)
"""
MODEL = "theirs.nets:flat"
PRINTS = """

def _asked(self, images):
    if not images.is_meta:
        import os
        print("no outcome", flush=True)
        os._exit(3)
    return images


Flat.asked = _asked
"""


@pytest.fixture
def trained(foreign, tmp_path):
    """The branch `main` has a linear classifier of digits and its weights; the data lie outside."""
    train, _ = train_and_test(load("digits", tmp_path / "data"), torch.device("cpu"))
    images, labels = train.take(slice(None))
    pixels = torch.cat([images.flatten(1), torch.ones(len(images), 1)], 1).double()
    found = torch.linalg.lstsq(pixels, torch.eye(10)[labels].double()).solution.float()
    (foreign.root / "src" / "weights").mkdir()
    weights = {"head.weight": found[:-1].T.contiguous(), "head.bias": found[-1].clone()}
    save_file(weights, foreign.root / "src" / "weights" / "flat.safetensors")
    foreign.write(LINEAR)
    foreign.commit()
    git(foreign.root, "branch", "--force", "main")
    return foreign


def row(foreign, code: Code, file: str = "flat") -> dict:
    """That of top1."""
    command = [sys.executable, "-P", "-m", "mgic", "gate", MODEL, "--base", "main", "--import", "theirs.nets"]
    command += ["--budget", "0", "--weights", f"weights/{file}.safetensors", "--dataset", "digits", "--json"]
    done = subprocess.run(command, cwd=foreign.root / "src", capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    (found,) = [one for one in json.loads(done.stdout)["rows"] if one["metric"] == "top1"]
    return found


def test_code_that_was_rewritten_answers_as_before(trained):
    trained.write(LINEAR.replace("self.head(images.flatten(1))", "self.head(images.reshape(len(images), -1))"))
    found = row(trained, Code.OK)
    assert (found["verdict"], found["change"]) == ("pass", 0)
    assert found["base"] > 85
    assert "100 % of the answers are the same" in found["note"]


def test_code_that_reads_images_upside_down_loses_and_is_told_from_equal_weights(trained):
    trained.write(LINEAR.replace("images.flatten", "images.flip(2).flatten"))
    found = row(trained, Code.REGRESSION)
    assert found["verdict"] == "regression"
    assert found["head"] < found["base"] - 20


def test_a_head_whose_layers_have_other_names_is_not_measured_and_says_why(trained):
    trained.write(LINEAR.replace("self.head", "self.last"))
    found = row(trained, Code.NOTHING)
    assert found["verdict"] == "not measured"
    assert "the head cannot be evaluated: weights" in found["note"]


def test_weights_that_the_base_does_not_have_are_named(trained):
    folder = trained.root / "src" / "weights"
    (folder / "flat.safetensors").rename(folder / "new.safetensors")
    trained.commit()
    found = row(trained, Code.NOTHING, "new")
    assert "the base has no file weights/new.safetensors" in found["note"]


def test_a_head_that_prints_and_leaves_is_told_by_its_last_words(trained):
    trained.write(LINEAR.replace("images.flatten", "self.asked(images).flatten") + PRINTS)
    assert "the head cannot be evaluated: " in row(trained, Code.NOTHING)["note"]
