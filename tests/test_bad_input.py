"""What no experiment may accept: refused before anything runs, with the field at fault named."""

from typing import NamedTuple

import pytest

from mgic import extras
from mgic.cores import usable_cores
from mgic.describe import plan
from mgic.errors import BadConfig
from mgic.experiment import EXPERIMENTS
from mgic.records import Grid, SweepRequest

CORES = usable_cores()


class Bad(NamedTuple):
    experiment: str
    axes: Grid
    field: str
    words: str


def every(field: str, value: object, words: str, *experiments: str, beside: dict[str, Grid] | None = None) -> list[Bad]:
    """The same fault in several experiments; `beside` has what else they need to be told of it."""
    known = beside or {}
    return [Bad(name, {**known.get(name, {}), field: [value]}, field, words) for name in experiments]


TRAINED = ("classification", "function_fit", "point_cloud", "prune", "segmentation")
MGIC: dict[str, Grid] = {"prune": {"model": ["mgic_resnet20"]}}
BAD = [
    *every("dataset", "no_such", "no_such", "classification", "point_cloud", "prune", "segmentation"),
    Bad("function_fit", {"target": ["no_such"]}, "target", "cos_sin"),
    Bad("reconstruction", {"images": ["no_such"]}, "images", "photographs"),
    Bad("reconstruction", {"features": ["no_such"]}, "features", "efficientnet_lite0"),
    Bad("channel_scaling", {"block": ["no_such"]}, "block", "mgic"),
    # Group and coarsest size of zero
    *every("group_size", 0, "greater than or equal to 1", *TRAINED, "cost", beside=MGIC),
    *every("coarsest_size", 0, "greater than or equal to 1", *TRAINED, "cost", beside=MGIC),
    *every("group_size", 0, "greater than or equal to 1", "channel_scaling", "reconstruction"),
    *every("coarsest_size", 0, "greater than or equal to 1", "channel_scaling", "reconstruction"),
    Bad("latency", {"models": [["mgic_resnet20(group_size=0)"]]}, "models", "group_size should be greater"),
    Bad("latency", {"models": [["mgic_resnet20(coarsest_size=0)"]]}, "models", "coarsest_size should be greater"),
    # A model, or data, for another task
    *every("model", "dgcnn", "dgcnn is a model for point cloud", "classification", "function_fit", "prune"),
    *every("model", "resnet20", "resnet20 is a model for image", "function_fit", "point_cloud", "segmentation"),
    *every("model", "resnet200", "did you mean 'resnet20'?", *TRAINED, "cost"),
    *every("dataset", "solids", "solids", "classification", "prune", "segmentation"),
    *every("dataset", "digits", "digits", "point_cloud", "segmentation"),
    Bad("latency", {"models": [["no_such"]]}, "models", "no_such"),
    Bad("latency", {"models": [["dgcnn"]], "input_size": [[3, 32, 32]]}, "input_size", "dgcnn reads 2 numbers"),
    Bad("reconstruction", {"coarsest_size": [64]}, "coarsest_size", "less than the 32 channels"),
    # Nothing to do
    *every("epochs", 0, "greater than or equal to 1", *TRAINED),
    *every("max_steps", 0, "greater than or equal to 1", *TRAINED),
    *every("batch_size", 0, "greater than or equal to", *TRAINED, "latency"),
    *every("samples", 0, "greater than or equal to", "latency", "reconstruction"),
    Bad("prune", {"finetune_epochs": [0]}, "finetune_epochs", "greater than or equal to 1"),
    Bad("reconstruction", {"iterations": [0]}, "iterations", "greater than or equal to 1"),
    Bad("latency", {"rounds": [0]}, "rounds", "greater than or equal to 1"),
    Bad("latency", {"models": [[]]}, "models", "at least 1 item"),
    Bad("cost", {"side": [0]}, "side", "greater than or equal to 1"),
    Bad("channel_scaling", {"channels": [0]}, "channels", "greater than or equal to 1"),
    # More than there is
    *every("batch_size", 2000, "more than the 1437 samples", "classification", "prune"),
    Bad("function_fit", {"points": [100], "batch_size": [128]}, "batch_size", "more than the 100 samples"),
    Bad("point_cloud", {"batch_size": [2000]}, "batch_size", "more than the 1000 samples"),
    Bad("segmentation", {"batch_size": [2000]}, "batch_size", "more than the 800 samples"),
    Bad("point_cloud", {"points": [16], "neighbours": [20]}, "neighbours", "at most 15"),
    Bad("reconstruction", {"samples": [2000]}, "samples", "there are 16"),
    Bad("latency", {"threads": [CORES + 1]}, "threads", f"this machine has {CORES} cores"),
    *every("processes", 1000, "less than or equal to", *TRAINED),
    *every("processes", 64, "fewer than 2 samples each of a batch", *(name for name in TRAINED if name != "prune")),
    *every("validation_share", 0.9, "less than or equal to 0.5", *TRAINED),
    *every("precision", "float64", "'float32', 'bfloat16' or 'float16'", *(n for n in TRAINED if n != "function_fit")),
    Bad("function_fit", {"precision": ["bfloat16"]}, "precision", "'float32'"),
    Bad("prune", {"macs_ratio": [1e-9]}, "macs_ratio", "greater than or equal to 0.01"),
    Bad("latency", {"engine": ["tensorrt"]}, "engine", "onnxruntime"),
]


def refusal(case: Bad) -> BadConfig:
    """How the catalogue answers a submission with it."""
    with pytest.raises(BadConfig) as raised:
        plan(SweepRequest(experiment=case.experiment, axes=case.axes), refuse=True)
    return raised.value


@pytest.mark.parametrize(
    "case", BAD, ids=[f"{case.experiment}-{case.field}-{case.axes[case.field][0]}" for case in BAD]
)
def test_it_is_refused_at_the_field_at_fault(case):
    (problem,) = refusal(case).problems
    assert problem.pointer == f"#/axes/{case.field}"
    assert case.words in problem.detail
    assert "Error" not in problem.detail
    assert "error," not in problem.detail


def too_little(schema: dict) -> list[float]:
    """A number below the least that the field takes, for each kind of number that it takes."""
    kinds = schema.get("anyOf", [schema])
    return [kind["minimum"] - 1 for kind in kinds if "minimum" in kind] + [
        kind["exclusiveMinimum"] for kind in kinds if "exclusiveMinimum" in kind
    ]


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_a_number_below_the_least_is_refused_at_its_field_whatever_the_experiment(name):
    for field, schema in EXPERIMENTS[name].info.config_schema["properties"].items():
        for value in too_little(schema):
            problems = refusal(Bad(name, {field: [value]}, field, "")).problems
            assert {problem.pointer for problem in problems} == {f"#/axes/{field}"}, field


def test_an_engine_that_is_not_installed_is_refused_at_its_field(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    (problem,) = refusal(Bad("latency", {"engine": ["onnxruntime"]}, "engine", "")).problems
    assert (problem.pointer, "pip install" in problem.detail) == ("#/axes/engine", True)


def test_only_the_value_at_fault_is_named_where_an_axis_has_several():
    case = Bad("classification", {"epochs": [1, 0]}, "epochs", "")
    assert [problem.pointer for problem in refusal(case).problems] == ["#/axes/epochs/1"]
