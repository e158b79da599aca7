"""Steps of training as what is timed, and what only a GPU has."""

import pytest
import torch

from mgic.errors import BadConfig
from mgic.experiments.latency import estimate, latency
from mgic.measure.engines import Setup, forward_of, gradients, on_device
from mgic.tasks.timing import Config
from tests.silent import SilentContext


def setup(**more) -> Setup:
    options = {"width": 8, "num_classes": 4, "in_channels": 3}
    fixed = {"engine": "eager", "device": "cpu", "threads": 1, "batch_size": 4, "precision": "float32"}
    rest = {"memory_format": "contiguous", "seed": 0, "samples": 10, "seconds": 0.1, "warm_up_seconds": 0.1}
    every = {**fixed, **rest, "mode": "training", **more}
    return Setup(model="resnet20", options=options, input_size=(3, 8, 8), **every)


def taken(monkeypatch, setting: Setup) -> list[torch.nn.Module]:
    """The network that the passes of a setup are made with."""
    seen = []
    real = on_device
    monkeypatch.setattr("mgic.measure.engines.on_device", lambda s: (seen.append(real(s)), seen[-1])[1])
    step = forward_of(setting)
    with gradients(setting):
        step()
    return [network for network, _ in seen]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_is_sgd_on_the_mean_square(monkeypatch, precision):
    setting = setup(precision=precision)
    before, example = on_device(setting)
    (network,) = taken(monkeypatch, setting)
    assert network.training
    assert example.dtype is torch.float32
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        output = before(example)
    output.float().square().mean().backward()
    for (name, new), old in zip(network.named_parameters(), before.parameters(), strict=True):
        wanted = old - 1e-6 * (old.grad + 1e-4 * old)
        assert torch.equal(new, wanted) or torch.allclose(new, wanted, rtol=0, atol=1e-9), name
    assert any(not torch.equal(new, old) for new, old in zip(network.parameters(), before.parameters(), strict=True))


def test_a_forward_pass_keeps_no_gradient(monkeypatch):
    (network,) = taken(monkeypatch, setup(mode="inference"))
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


@pytest.mark.thorough
def test_a_run_times_steps(tmp_path):
    config = Config(
        models=["resnet20(width=8)"], mode="training", input_size=[3, 8, 8], rounds=1, control=False, samples=10,
        warm_up_seconds=0.1,
    )  # fmt: skip
    assert estimate(config).work_macs == 3 * estimate(config.model_copy(update={"mode": "inference"})).work_macs
    (row,) = latency(config, SilentContext(tmp_path)).rows
    assert row.n == 10
    assert row.cpu_median_ms is not None


@pytest.mark.parametrize(
    ("field", "fields", "words"),
    [
        ("mode", {"engine": "optimized", "mode": "training"}, "eager or compile"),
        ("mode", {"engine": "onnxruntime", "mode": "training"}, "eager or compile"),
        ("device", {"engine": "cudagraph", "device": "cpu"}, "device=cuda"),
        ("precision", {"device": "cpu", "precision": "tf32"}, "take float32"),
        ("profile", {"mode": "training", "profile": True}, "mode=inference"),
    ],
)
def test_what_does_not_go_together_is_refused_at_its_field(field, fields, words):
    with pytest.raises(ValueError, match=words) as caught:
        Config(**fields)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("fields", [{"engine": "cudagraph"}, {"precision": "ieee_float32"}])
def test_what_is_a_gpu_s_is_refused_where_the_machine_has_none(fields, tmp_path):
    with pytest.raises(BadConfig, match="GPU") as caught:
        latency(Config(**fields), SilentContext(tmp_path))
    assert [problem.pointer for problem in caught.value.problems] == ["device"]
