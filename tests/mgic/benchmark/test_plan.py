"""What is measured, what is kept of it, and what is gone on with."""

import pytest

from mgic import extras
from mgic.benchmark.plan import CODE, OUTCOMES, Kept, planned
from mgic.errors import BadConfig
from mgic.records import Outcome, RunStatus


def outcome(status: RunStatus = RunStatus.SUCCEEDED, **config) -> Outcome:
    return Outcome(status=status, config=config, result=None, failure=None, environment={}, seconds=1.0)


def test_every_recipe_is_of_points_that_can_run_here():
    plan = planned("benchmark_quick", cores=1)
    assert not plan.left_out
    assert len({str(point.config) for point in plan.points}) == len(plan.points) == 8
    assert {point.config["threads"] for point in plan.points} == {1}


def test_onnx_runtime_is_measured_with_all_threads_too(monkeypatch):
    monkeypatch.setattr("mgic.tasks.timing.usable_cores", lambda: 6)
    more = planned("benchmark_quick", cores=6).points[8:]
    assert {(point.config["threads"], point.config["engine"], point.config["mode"]) for point in more} == {
        (6, "onnxruntime", "inference")
    }
    assert len(more) == 6


def test_what_this_machine_cannot_run_is_left_out_with_its_reason(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    plan = planned("benchmark_quick", cores=1)
    assert {point.config["engine"] for point in plan.points} == {"eager"}
    (why,) = plan.left_out
    assert "pip install 'mgic[onnx]'" in why


def test_what_has_succeeded_is_not_measured_again(tmp_path):
    kept = Kept(tmp_path)
    kept.add(outcome(seed=0))
    kept.add(outcome(RunStatus.FAILED, seed=1))
    again = Kept(tmp_path)
    assert [one.config for one in again.succeeded()] == [{"seed": 0}]
    assert again.has({"seed": 0})
    assert not again.has({"seed": 1})


def test_a_line_that_was_cut_off_is_forgotten(tmp_path):
    Kept(tmp_path).add(outcome(seed=0))
    with (tmp_path / OUTCOMES).open("ab") as file:
        file.write(b'{"status": "succ')
    kept = Kept(tmp_path)
    kept.add(outcome(seed=1))
    assert [one.config["seed"] for one in Kept(tmp_path).outcomes] == [0, 1]


@pytest.mark.parametrize("name", [CODE, OUTCOMES])
def test_what_is_of_other_code_or_no_measurement_is_refused_and_stays(name, tmp_path):
    Kept(tmp_path)
    (tmp_path / name).write_text("something else\n")
    with pytest.raises(BadConfig, match="--out"):
        Kept(tmp_path)
    assert (tmp_path / name).read_text() == "something else\n"
