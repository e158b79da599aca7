"""Where the time of a network goes, and what each network of a run costs."""

import pytest

from mgic.experiments import latency as module
from mgic.experiments.latency import latency
from mgic.measure.profiling import Profiled
from mgic.records import Profile
from mgic.tasks.timing import Config, costs
from tests.mgic.experiments.test_latency import MGIC, SMALL, made, plan, refused
from tests.silent import SilentContext


def profiled(setup, folder, tick) -> Profiled:
    """In place of a process: one part, named for what it is of."""
    tick()
    part = {"block": setup.model, "part": "block", "level": None, "kind": "X", "ms": 2.1, "share": 1.0}
    return Profiled(10, 2.0, 2.1, 0.05, True, "A", [], [part | {"macs": setup.samples, "macs_share": 1.0}])


def test_where_the_time_goes_is_measured_after_the_rounds_in_passes_of_its_own(monkeypatch, tmp_path):
    made(monkeypatch, {"resnet20": [4.0] * 2, "mgic_resnet20": [2.0]})
    context = SilentContext(tmp_path)
    monkeypatch.setattr(module, "profile_fresh", profiled)
    result = latency(Config(models=["resnet20(width=4)", MGIC], rounds=1, profile=True, **SMALL), context)
    assert [row.n for row in result.rows] == [10] * 3
    told = Profile.model_validate_json(context.artifact("profile.json").read_text())
    assert (told.device, told.threads, told.batch_size, told.precision) == ("cpu", 1, 1, "float32")
    assert [(network.place, network.model) for network in told.networks] == [(0, "resnet20(width=4)"), (1, MGIC)]
    assert [network.parts[0].block for network in told.networks] == ["resnet20", "mgic_resnet20"]
    assert context.lines[-1] == f"{MGIC}: 1 parts, together +5.0% of a pass without their timing"
    assert context.progress == sorted(context.progress)
    assert context.progress[-3:-1] == [0.6, 0.8]  # three rounds, then a process for each network


@pytest.mark.parametrize("engine", ["optimized", "compile", "onnxruntime"])
def test_an_engine_that_does_not_run_module_by_module_has_no_parts_to_time(engine, monkeypatch):
    monkeypatch.setattr("mgic.tasks.timing.what_engine_lacks", lambda name: "")
    assert "does not run module by module" in refused(engine=engine, profile=True)["profile"]


def test_a_cell_has_the_cost_of_each_of_its_networks():
    (point,) = plan(models=["resnet20", MGIC])
    assert [network.model for network in point.networks] == ["resnet20", MGIC]
    small, mgic = costs(Config(models=["resnet20", MGIC]))
    assert [network.macs for network in point.networks] == [small.macs, mgic.macs]
    assert [network.transfer_macs for network in point.networks] == [0, mgic.transfer_macs]
