"""A small network and its control in turns, and what is refused before anything runs."""

import csv
import json
import math
from dataclasses import replace
from functools import partial
from statistics import mean, median

import pytest
import safetensors.torch

from mgic import extras
from mgic.cores import usable_cores
from mgic.errors import BadConfig, Cancelled, TooExpensive
from mgic.experiment import EXPERIMENTS
from mgic.experiments import latency as module
from mgic.experiments.latency import Result, Row, estimate, latency
from mgic.measure import engines
from mgic.measure.circumstances import Watch
from mgic.measure.host import Facts, Host
from mgic.measure.latency import Timing
from mgic.models import create
from mgic.records import InputRun, SweepRequest, check_keys
from mgic.sweep import expand, measured
from mgic.tasks.timing import Config, costs
from tests.silent import SilentContext

SMALL = {"samples": 10, "seconds": 0.1, "warm_up_seconds": 0.1, "input_size": [3, 16, 16]}
MGIC = "mgic_resnet20(width=4,group_size=2,coarsest_size=4)"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    context = SilentContext(tmp_path_factory.mktemp("latency"))
    return latency(Config(models=[MGIC], rounds=1, **SMALL), context), context


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Two rounds of times that are made up."""
    made(monkeypatch, {"mgic_resnet20": [(4.0, 3.0), (5.0, 4.0), (6.0, 4.5), (8.0, 5.0)]})
    context = SilentContext(tmp_path)
    return latency(Config(models=[MGIC], rounds=2, **SMALL), context), context


def samples_of(context, column) -> dict[tuple[int, str, str], list[list[float]]]:
    """The rounds of each place, role and model, as the file has them."""
    found: dict[tuple[int, str, str], list[list[float]]] = {}
    for row in csv.DictReader(context.artifact("samples.csv").read_text().splitlines()):
        rounds = found.setdefault((int(row["place"]), row["role"], row["model"]), [])
        if int(row["round"]) == len(rounds):
            rounds.append([])
        assert int(row["number"]) == len(rounds[-1])
        rounds[-1].append(float(row[column]))
    return found


def key(row) -> tuple[int, str, str]:
    return row.place, row.role, row.model


def test_there_is_a_row_of_the_model_and_one_of_the_control(ran):
    result, _ = ran
    assert [key(row) for row in result.rows] == [(0, "measured", MGIC), (0, "control", MGIC)]
    assert [row.sample_size for row in result.rows] == [[3, 16, 16]] * 2
    network = create("mgic_resnet20", width=4, group_size=2, coarsest_size=4)
    assert [row.params for row in result.rows] == [sum(p.numel() for p in network.parameters())] * 2
    assert 0 < result.rows[0].transfer_macs < result.rows[0].macs


def test_the_artifact_has_what_the_rows_were_computed_from(told):
    result, context = told
    samples = samples_of(context, "latency_ms")
    assert list(samples) == [key(row) for row in result.rows]
    first = [median(one) for one in samples[0, "measured", MGIC]]
    for row in result.rows:
        rounds = samples[key(row)]
        medians = [median(one) for one in rounds]
        assert (len(rounds), row.n) == (2, sum(map(len, rounds)))
        assert row.n == 20
        assert row.median_ms == pytest.approx(math.sqrt(medians[0] * medians[1]))
        assert row.mean_ms == pytest.approx(mean([one for of in rounds for one in of]))
        assert row.spread == pytest.approx((max(medians) - min(medians)) / median(medians))
        ratios = [math.log(theirs / mine) for theirs, mine in zip(first, medians, strict=True)]
        assert row.speedup == pytest.approx(math.exp(mean(ratios)))


def test_the_artifact_has_the_cpu_time_of_every_pass(told):
    result, context = told
    samples = samples_of(context, "cpu_ms")
    first = [median(one) for one in samples[0, "measured", MGIC]]
    for row in result.rows:
        medians = [median(one) for one in samples[key(row)]]
        assert row.cpu_median_ms == pytest.approx(math.sqrt(medians[0] * medians[1]))
        assert row.cpu_spread == pytest.approx((max(medians) - min(medians)) / median(medians))
        ratios = [math.log(theirs / mine) for theirs, mine in zip(first, medians, strict=True)]
        assert row.cpu_speedup == pytest.approx(math.exp(mean(ratios)))


def test_the_ratio_of_the_control_is_a_number_of_the_result(told):
    result, _ = told
    control = result.rows[1]
    assert (result.control_ratio, result.control_cpu_ratio) == (control.speedup, control.cpu_speedup)
    assert (result.control_low, result.control_high, result.control_cpu_low, result.control_cpu_high) == (None,) * 4
    assert result.cpu_grade == "D", "two rounds have no interval"


def test_too_few_rounds_and_samples_leave_out_what_they_do_not_support(told):
    result, _ = told
    for row in result.rows:
        assert (row.low_ms, row.high_ms, row.speedup_low, row.speedup_high) == (None,) * 4
        assert (row.p90_ms, row.p95_ms, row.p99_ms) == (None,) * 3
    assert result.grade == "D"
    assert any("rounds=2" in reason for reason in result.reasons)


def test_each_contender_has_a_fresh_process(ran):
    result, context = ran
    processes = json.loads(context.artifact("processes.json").read_text())
    assert len({process["pid"] for process in processes}) == len(processes) == 2
    assert [f"{MGIC} (control)" in line for line in context.lines] == [False, True]
    assert result.cores == usable_cores()


def test_the_contenders_take_turns(told):
    _, context = told
    turns = [
        (process["place"], process["role"], process["model"], process["round"])
        for process in json.loads(context.artifact("processes.json").read_text())
    ]
    assert turns == [
        (0, "measured", MGIC, 0),
        (0, "control", MGIC, 0),
        (0, "control", MGIC, 1),
        (0, "measured", MGIC, 1),
    ]


def test_a_result_is_finite_or_empty_and_leaves_nothing_but_its_artifacts(ran):
    result, context = ran
    json.dumps(result.model_dump(mode="json"), allow_nan=False)
    assert sorted(path.name for path in (context.folder / "artifacts").iterdir()) == ["processes.json", "samples.csv"]
    assert context.progress[-1] == 1.0


def test_onnx_runtime_is_fed_with_a_file_of_the_run(tmp_path):
    pytest.importorskip("onnxruntime")
    context = SilentContext(tmp_path)
    config = Config(models=["resnet20(width=4)"], engine="onnxruntime", rounds=1, control=False, **SMALL)
    result = latency(config, context)
    assert [(row.role, row.n, row.rewrites, row.macs_added) for row in result.rows] == [("measured", 10, "", 0)]
    assert result.target == "onnxruntime"
    assert sorted(path.name for path in (tmp_path / "artifacts").iterdir()) == ["processes.json", "samples.csv"]


def test_the_network_of_a_run_comes_first_with_its_weights_and_its_input(monkeypatch, tmp_path):
    setups = made(monkeypatch, {"resnet20": [4.0], "mgic_resnet20": [3.0]})
    context = SilentContext(tmp_path)
    network = create("resnet20", width=4, in_channels=1)
    context.inputs["trained"] = tmp_path
    (tmp_path / "model.safetensors").write_bytes(safetensors.torch.save(network.state_dict()))
    run = InputRun(experiment="classification", config={"model": "resnet20", "width": 4, "dataset": "digits"})
    asked = {"trained": "a", "models": [MGIC, "resnet20(width=4)"], "rounds": 1, "control": False}
    followed = Config.following(asked, {"trained": run})
    assert Config.following(followed, {"trained": run}) == followed
    config = Config(**{**SMALL, **followed})
    assert (config.models, config.input_size) == (["resnet20(width=4)", MGIC], [1, 8, 8])
    result = latency(config, context)
    assert [row.model for row in result.rows] == config.models
    assert len(result.weights_hash or "") == 16
    assert [bool(setup.weights) for setup in setups] == [True, False]
    again = engines.network_of(replace(setups[0], seed=5))
    assert all(one.equal(again.state_dict()[name]) for name, one in network.state_dict().items())


def made(monkeypatch, times) -> list[engines.Setup]:
    """Replaces the fresh process by times that are made up, by model and round; of a pair the second is CPU time.

    What the processes would have been told is in the list that it returns.

    With a control the rounds of the first model are in the order in which the two have their turns.
    """
    given = {model: iter(rounds) for model, rounds in times.items()}
    setups: list[engines.Setup] = []

    def fresh(setup, folder, tick):
        tick()
        setups.append(setup)
        told = next(given[setup.model])
        wall, cpu = told if isinstance(told, tuple) else (told, told)
        passes = [1.0] * 5 + [3.0] + [1.0] * 4  # times as long as the median
        walls, cpus = ([one * factor for factor in passes] if one else None for one in (wall, cpu))
        return Timing(1, walls, cpus, 30, True, 10, 20, 0.0, None)

    monkeypatch.setattr("mgic.measure.rounds.measure_fresh", fresh)
    return setups


class StillHost(Host):
    """A machine with nothing to say against it."""

    def facts(self) -> Facts:
        return Facts(processor="A processor", cores=4, quota=None, virtual=False, governor="performance")

    def load(self) -> float:
        return 0.0


def test_three_rounds_have_intervals_and_pair_the_models(monkeypatch, tmp_path):
    made(monkeypatch, {"resnet20": [4.0, 8.0, 16.0], "resnet32": [8.0, 16.0, 32.0]})
    config = Config(models=["resnet20", "resnet32"], rounds=3, control=False)
    result = latency(config, SilentContext(tmp_path))
    first, second = result.rows
    assert [key(row) for row in result.rows] == [(0, "measured", "resnet20"), (1, "measured", "resnet32")]
    factor = math.exp(4.302653 / math.sqrt(3) * math.log(2))  # t(0.975, 2 degrees) from a table, sd ln 2
    assert (first.median_ms, first.low_ms, first.high_ms) == pytest.approx((8, 8 / factor, 8 * factor), rel=1e-5)
    assert (second.speedup, second.speedup_low, second.speedup_high) == pytest.approx((0.5, 0.5, 0.5))
    assert result.grade == "D"
    assert "D: resnet20 differs by 150 % between rounds" in result.reasons
    assert any("no control was measured" in reason for reason in result.reasons)
    assert (result.control_ratio, result.control_cpu_ratio) == (None, None)


def test_the_control_shows_the_noise_of_either_clock_and_decides_both_grades(monkeypatch, tmp_path):
    """Turns A A', A' A, A' A: by wall time ratios 1/2, 1, 2, and by CPU time 1, 1, 1."""
    monkeypatch.setattr("mgic.experiments.latency.Watch", partial(Watch, StillHost()))
    made(monkeypatch, {"resnet20": [(4.0, 3.0), (8.0, 3.0), (9.0, 5.0), (9.0, 5.0), (6.0, 4.0), (12.0, 4.0)]})
    result = latency(Config(models=["resnet20"], rounds=3), SilentContext(tmp_path))
    factor = math.exp(4.302653 / math.sqrt(3) * math.log(2))  # as above
    assert (result.control_ratio, result.control_low, result.control_high) == pytest.approx(
        (1.0, 1 / factor, factor), rel=1e-5
    )
    assert (result.control_cpu_ratio, result.control_cpu_low, result.control_cpu_high) == pytest.approx((1.0, 1.0, 1.0))
    assert (result.grade, result.cpu_grade) == ("D", "B")
    assert (
        result.reasons[0] == f"D: measured twice, the first network is {1 / factor:.3g} to {factor:.3g} times as "
        "fast as itself"
    )
    assert all(reason.startswith("B: ") for reason in result.cpu_reasons)
    assert "rounds=3 are few" in " ".join(result.cpu_reasons)


def test_two_copies_of_a_network_are_two_rows_with_a_place_each(monkeypatch, tmp_path):
    made(monkeypatch, {"resnet20": [4.0, 2.0]})
    config = Config(models=["resnet20", " resnet20 "], rounds=1, control=False)
    result = latency(config, SilentContext(tmp_path))
    assert [key(row) for row in result.rows] == [(0, "measured", "resnet20"), (1, "measured", "resnet20")]
    assert [row.speedup for row in result.rows] == [1.0, 2.0]
    samples = (tmp_path / "artifacts/samples.csv").read_text().splitlines()
    assert samples[1] == "0,measured,resnet20,0,0,4.0,4.0"
    assert samples[-1] == "1,measured,resnet20,0,9,2.0,2.0"
    check_keys(EXPERIMENTS["latency"].info.tables.values(), result.model_dump(mode="json"))


def test_cpu_time_of_two_threads_is_shown_and_not_compared(monkeypatch, tmp_path):
    monkeypatch.setattr("mgic.tasks.timing.usable_cores", lambda: 2)
    made(monkeypatch, {"resnet20": [(4.0, 6.0)] * 6})
    result = latency(Config(models=["resnet20"], rounds=3, threads=2), SilentContext(tmp_path))
    assert [row.cpu_median_ms for row in result.rows] == pytest.approx([6.0, 6.0])
    assert [row.cpu_speedup for row in result.rows] == [None, None]
    assert (result.cpu_grade, result.cpu_reasons, result.control_cpu_ratio) == (None, [], None)
    assert result.control_ratio == pytest.approx(1.0)


def test_a_gpu_has_no_cpu_time(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "pick_device", lambda asked, context: type("Device", (), {"type": "cuda"}))
    monkeypatch.setattr(module.torch.cuda, "get_device_name", lambda: "A GPU")
    made(monkeypatch, {"resnet20": [(4.0, None)] * 6})
    result = latency(Config(models=["resnet20"], rounds=3), SilentContext(tmp_path))
    assert {(row.cpu_median_ms, row.cpu_speedup, row.cpu_spread) for row in result.rows} == {(None, None, None)}
    assert (result.cpu_grade, result.control_cpu_ratio, result.gpu) == (None, None, "A GPU")
    assert (tmp_path / "artifacts/samples.csv").read_text().splitlines()[1] == "0,measured,resnet20,0,0,4.0,"


def test_a_cancelled_run_ends_between_two_looks(monkeypatch, tmp_path):
    made(monkeypatch, {"resnet20": [1.0] * 8, "mgic_resnet20": [1.0] * 4})
    context = SilentContext(tmp_path, cancel_at=0.5)
    with pytest.raises(Cancelled):
        latency(Config(rounds=4), context)
    assert list((tmp_path / "artifacts").iterdir()) == []


def plan(**axes):
    """What is looked at before anything runs."""
    request = SweepRequest(experiment="latency", axes={name: [value] for name, value in axes.items()})
    return list(measured("latency", expand(request), refuse=True))


def refused(**axes) -> dict[str, str]:
    """What is wrong, by field."""
    with pytest.raises(BadConfig) as caught:
        plan(**axes)
    return {problem.pointer.removeprefix("#/axes/"): problem.detail for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("models", [], "at least 1"),
        ("models", ["resnet21"], "did you mean 'resnet20'"),
        ("models", ["resnet20", "resnet20(widht=8)"], "did you mean 'width'"),
        ("models", ["resnet20(width=0)"], "width"),
        ("models", ["resnet20("], "no model spec"),
        ("models", "resnet20", "list"),
        ("threads", 0, "greater than or equal to 1"),
        ("threads", usable_cores() + 1, f"this machine has {usable_cores()} cores"),
        ("batch_size", 0, "greater than or equal to 1"),
        ("engine", "tensorrt", "eager"),
        ("precision", "int4", "float32"),
        ("memory_format", "channels_first", "contiguous"),
        ("rounds", 0, "greater"),
        ("samples", 9, "greater"),
        ("input_size", [3, 0, 32], "from 1"),
        ("input_size", [3, 32], "resnet20 reads 3 numbers"),
        ("no_such_field", 1, "no field"),
    ],
)
def test_bad_input_is_refused_at_its_field(field, value, word):
    problems = refused(**{field: value})
    assert {place.split("/")[0] for place in problems} == {field}
    assert word in " ".join(problems.values())


@pytest.mark.parametrize(
    ("field", "value"), [("device", "cuda"), ("precision", "bfloat16"), ("memory_format", "channels_last")]
)
def test_onnx_runtime_takes_no_other_device_precision_or_format(field, value, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: True)
    assert set(refused(engine="onnxruntime", **{field: value})) == {field}


def test_channels_last_is_for_images():
    assert set(refused(models=["dgcnn"], memory_format="channels_last")) == {"memory_format"}


def test_an_engine_that_is_not_installed_is_refused_at_its_field(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert "pip install 'mgic[onnx]'" in refused(engine="onnxruntime")["engine"]
    assert "pip install 'mgic[openvino]'" in refused(engine="openvino")["engine"]
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    assert "compiler" in refused(engine="compile")["engine"]


def test_a_network_that_cannot_be_built_or_fed_is_refused_with_its_spec():
    assert "mgic_resnet20(width=6" in refused(models=["resnet20", "mgic_resnet20(width=6,coarsest_size=1)"])["models"]
    assert "in_channels=1" in refused(models=["resnet20(in_channels=1)"], input_size=[3, 32, 32])["input_size"]


def test_every_network_is_held_to_the_limits():
    with pytest.raises(TooExpensive, match="batch_pixels"):
        plan(models=["resnet20", "mobilenet_v2"], batch_size=4096, input_size=[3, 512, 512])
    with pytest.raises(TooExpensive, match="params"):
        plan(models=["resnet20", "resnet20(width=512)"])


def test_specs_are_written_in_one_way():
    config = Config(models=[" resnet20( width = 4 ) ", "resnet32()"])
    assert config.models == ["resnet20(width=4)", "resnet32"]


def test_the_input_is_what_a_network_is_made_for_unless_it_is_given():
    sizes = lambda **config: [cost.input_size for cost in costs(Config(**config))]  # noqa: E731
    assert sizes(models=["resnet20", "mobilenet_v2"]) == [(3, 32, 32), (3, 224, 224)]
    assert sizes(models=["resnet20(in_channels=1)"]) == [(1, 32, 32)]
    assert sizes(models=["resnet20"], input_size=[1, 28, 28]) == [(1, 28, 28)]


def test_the_estimate_adds_the_work_of_all_and_shows_the_largest():
    config = Config(models=["resnet20", "resnet56"], rounds=3, samples=20, batch_size=2)
    small, large = costs(config)
    found = estimate(config)
    assert found.work_macs == 3 * (1 + 30 + 20) * 2 * (2 * small.macs + large.macs), "the first one is measured twice"
    alone = estimate(config.model_copy(update={"control": False}))
    assert alone.work_macs == 3 * (1 + 30 + 20) * 2 * (small.macs + large.macs)
    profiled = estimate(config.model_copy(update={"profile": True}))
    assert profiled.work_macs - found.work_macs == (1 + 30 + 20) * 2 * (small.macs + large.macs)
    assert (found.cost.params, found.batch_pixels) == (large.params, 2 * 32 * 32)


def test_it_has_its_host_to_itself():
    assert EXPERIMENTS["latency"].info.queue == "timing"


def test_every_column_says_what_it_is_and_stands_once():
    config, row, rest = (set(each.model_fields) for each in (Config, Row, Result))
    assert not config & row
    assert not config & rest
    assert not row & rest
    assert all(field.description for each in (Row, Result) for field in each.model_fields.values())


def test_a_gpu_is_not_for_onnx_runtime_even_if_it_is_the_machine_s_own_choice(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "pick_device", lambda asked, context: type("Device", (), {"type": "cuda"}))
    monkeypatch.setattr(extras, "find_spec", lambda name: True)
    with pytest.raises(BadConfig, match="device=cpu"):
        latency(Config(engine="onnxruntime"), SilentContext(tmp_path))
