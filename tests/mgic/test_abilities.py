"""What a worker says that it can do is what can be done where it is."""

import json
from pathlib import Path
from typing import get_args

import pytest

from mgic import abilities, plugins
from mgic.cores import usable_cores
from mgic.measure import engines
from mgic.measure.engines import Engine
from mgic.records import Abilities


def test_an_engine_without_its_package_or_its_compiler_is_lacking_and_says_why(monkeypatch, tmp_path):
    monkeypatch.setattr("mgic.extras.find_spec", lambda name: None if name == "openvino" else name)
    monkeypatch.setattr(engines, "_compiler", lambda: None)
    found = abilities.abilities("cpu", tmp_path)
    assert found.engines == ("eager", "optimized", "onnxruntime")
    assert set(found.engines) | set(found.lacking) == set(get_args(Engine))
    assert "pip install 'mgic[openvino]'" in found.lacking["openvino"]
    assert "C++ compiler" in found.lacking["compile"]
    assert found.lacking["cudagraph"] == "it needs a GPU"


def test_a_worker_with_a_gpu_has_the_engines_of_both():
    assert [abilities.lacking(engine, "cuda") for engine in ("eager", "cudagraph")] == ["", ""]


def test_data_sets_are_those_that_lie_in_its_own_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "_compiler", lambda: None)
    (tmp_path / "images" / "train" / "cat").mkdir(parents=True)
    found = abilities.abilities("cpu", tmp_path)
    assert "digits" in found.datasets
    assert not {"cifar10", "imagenet"} & set(found.datasets)
    assert found.cores == usable_cores()


@pytest.mark.parametrize("missing", ["skimage", "torch_pruning"])
def test_an_extra_of_which_a_package_is_missing_is_not_told(missing, monkeypatch):
    whole = abilities.installed_extras()
    monkeypatch.setattr("mgic.extras.find_spec", lambda name: None if name == missing else name)
    left = abilities.installed_extras()
    assert set(whole) - set(left) <= {{"skimage": "pictures", "torch_pruning": "prune"}[missing]}
    assert {"skimage": "pictures", "torch_pruning": "prune"}[missing] not in left


def test_the_program_writes_what_a_record_reads(monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "_compiler", lambda: "/usr/bin/c++")
    abilities.main([str(tmp_path / "looked.json"), "cpu", str(tmp_path), *plugins.words_for([])])
    looked = json.loads(Path(tmp_path / "looked.json").read_text())
    assert Abilities.model_validate(looked["able"]).engines[:3] == ("eager", "optimized", "compile")
    assert looked["files"] == []
