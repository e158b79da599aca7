"""Warm-up, sampling and timers, with clocks and times that are made up."""

import hashlib
import threading
import time
from itertools import count

import pytest
import torch

from mgic import extras
from mgic.errors import BadConfig
from mgic.measure import engines
from mgic.measure.engines import Setup, example_of, first_pass, forward_of, network_of, what_engine_lacks
from mgic.measure.latency import MIN_SAMPLES, CudaTimer, Pass, cpu_timer, measure, stationary, take, warm_up
from mgic.measure.memory import CLEAR_REFS, PeakMemory

SETUP = Setup(
    model="resnet20",
    options={"width": 4},
    input_size=(3, 16, 16),
    engine="eager",
    device="cpu",
    threads=1,
    batch_size=2,
    precision="float32",
    memory_format="contiguous",
    seed=3,
    samples=11,
    seconds=60.0,
    warm_up_seconds=0.01,
)


def setup(**changes) -> Setup:
    return Setup(**{**vars(SETUP), **changes})


def timer_of(times):
    """Gives these times, one a pass, without waiting for them."""
    left = iter(times)
    return lambda _forward: Pass(next(left), None)


def test_the_warm_up_ends_with_the_third_window_alike():
    times = [100.0] * 10 + [20.0] * 10 + [10.0] * 10 + [10.4] * 10 + [10.1] * 10
    assert warm_up(timer_of(times), lambda: None, 1e9)[:2] == (50, True)


def test_the_warm_up_ends_when_its_time_is_up():
    falling = (1000 / (1 + n) for n in count())
    assert warm_up(timer_of(falling), lambda: None, 7, clock=iter(range(100)).__next__)[:2] == (7, False)


def test_a_single_slow_pass_does_not_make_it_restless():
    assert stationary([5.0] * 29 + [500.0])
    assert stationary([10.0] * 10 + [10.5] * 10 + [10.2] * 10)
    assert not stationary([10.0] * 10 + [10.6] * 10 + [10.2] * 10)
    assert not stationary([5.0] * 29)


def test_so_many_samples_are_taken():
    assert take(timer_of(count(1.0)), lambda: None, 12, 1e9) == [Pass(float(n), None) for n in range(1, 13)]


def test_time_may_end_the_samples_but_not_below_ten():
    assert len(take(cpu_timer, lambda: None, 1000, 0.0)) == MIN_SAMPLES == 10
    assert len(take(cpu_timer, lambda: None, 1000, 5, clock=iter(range(100)).__next__)) == 10 + 4


def test_a_gpu_is_timed_between_two_events_on_an_idle_stream():
    told = []

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing
            self.name = f"event {sum(line.startswith('made') for line in told)}"
            told.append(f"made {self.name}")

        def record(self):
            told.append(f"record {self.name}")

        def synchronize(self):
            told.append(f"wait for {self.name}")

        def elapsed_time(self, end):
            told.append(f"from {self.name} to {end.name}")
            return 1.25

    class Cuda:
        @staticmethod
        def synchronize():
            told.append("wait for all")

    Cuda.Event = Event
    assert CudaTimer(Cuda)(lambda: told.append("pass")) == Pass(1.25, None)
    assert told[2:] == [
        "wait for all",
        "record event 0",
        "pass",
        "record event 1",
        "wait for event 1",
        "from event 0 to event 1",
    ]


def test_each_sample_is_one_pass_after_the_warm_up(monkeypatch):
    passes = count()
    monkeypatch.setattr("mgic.measure.latency.forward_of", lambda setup: lambda: next(passes))
    monkeypatch.setattr("mgic.measure.latency.cpu_timer", lambda forward: Pass(n := float(forward()), n / 2))
    found = measure(setup(warm_up_seconds=0.0))
    assert found.warm_up_passes == 1  # its time was up at once
    assert found.samples_ms == [float(n) for n in range(2, 13)]  # pass 0 was the very first one
    assert found.cpu_samples_ms == [n / 2 for n in range(2, 13)]
    assert not found.stationary


def test_a_pass_is_in_evaluation_mode_without_gradients_and_with_the_seed():
    with torch.inference_mode():
        output = forward_of(SETUP)()
        assert torch.equal(network_of(SETUP)(example_of(SETUP)), output)
    assert output.shape == (2, 10)
    assert output.is_inference()
    assert not network_of(SETUP).training
    assert not torch.equal(example_of(setup(seed=4)), example_of(SETUP))


def test_the_optimised_engine_runs_the_folded_network():
    forward = forward_of(setup(engine="optimized"))
    with torch.inference_mode():
        assert torch.allclose(forward(), forward_of(SETUP)(), atol=1e-4)
    (network,) = [cell.cell_contents for cell in forward.__closure__ if isinstance(cell.cell_contents, torch.nn.Module)]
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision_and_memory_format_reach_the_network(precision):
    with torch.inference_mode():
        output = forward_of(setup(precision=precision, memory_format="channels_last"))()
    assert output.dtype == getattr(torch, precision)


def test_what_the_device_does_not_have_is_told_at_the_precision():
    def fails():
        raise RuntimeError('"slow_conv2d_cpu" not implemented for Half')

    with pytest.raises(BadConfig, match="float16") as caught:
        first_pass(fails, setup(precision="float16"))
    assert caught.value.problems[0].pointer == "precision"
    with pytest.raises(BadConfig) as caught:
        first_pass(fails, setup(engine="compile"))
    assert caught.value.problems[0].pointer == "engine"
    with pytest.raises(RuntimeError, match="slow_conv2d"):
        first_pass(fails, SETUP)


def test_want_of_memory_is_no_fault_of_the_precision():
    def fails():
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        first_pass(fails, setup(precision="float16"))


def test_engines_that_are_not_installed_are_told_with_what_to_do(monkeypatch):
    assert what_engine_lacks("eager") == what_engine_lacks("optimized") == ""
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    for engine, extra in (("onnxruntime", "onnx"), ("openvino", "openvino")):
        assert f"pip install 'mgic[{extra}]'" in what_engine_lacks(engine)


def test_compile_is_refused_without_a_compiler(monkeypatch):
    monkeypatch.setattr(engines.shutil, "which", lambda name: f"/bin/{name}")
    assert what_engine_lacks("compile") == ""
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    assert "C++ compiler" in what_engine_lacks("compile")


@pytest.mark.skipif(not CLEAR_REFS.exists(), reason="this kernel does not let a process forget its peak")
def test_the_peak_is_that_since_the_beginning_and_holds_what_is_gone_again():
    bytearray(300_000_000)
    memory = PeakMemory("cpu")
    assert memory.baseline is not None
    memory.begin()
    before = memory.peak()
    assert before is not None
    assert before < memory.baseline + 250_000_000  # the first array is forgotten
    block = bytearray(200_000_000)
    block[::4096] = b"x" * len(block[::4096])  # pages count once they are touched
    del block
    after = memory.peak()
    assert after is not None
    assert after - before > 150_000_000


def test_a_sandbox_that_keeps_the_peak_gives_no_number(monkeypatch, tmp_path):
    monkeypatch.setattr("mgic.measure.memory.CLEAR_REFS", tmp_path / "missing" / "clear_refs")
    memory = PeakMemory("cpu")
    memory.begin()
    assert memory.peak() is None


def test_on_a_gpu_tensors_are_counted(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 100)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: asked.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 700)
    memory = PeakMemory("cuda")
    memory.begin()
    assert (memory.baseline, memory.peak(), asked) == (100, 700, ["reset"])


def test_the_processor_s_timer_gives_positive_milliseconds_by_both_clocks():
    wall_ms, cpu_ms = cpu_timer(lambda: sum(range(1000)))
    assert wall_ms > 0
    assert cpu_ms is not None
    assert cpu_ms > 0


def test_waiting_is_wall_time_and_takes_no_cpu_time(monkeypatch):
    """A pass of 40 ms on a machine where it computed 15 ms of them, and the clocks are read around it in this order."""
    told = iter([("cpu", 100e6), ("wall", 7e6), ("wall", 47e6), ("cpu", 115e6)])

    def reads(clock):
        def read():
            which, now = next(told)
            assert which == clock
            return now

        return read

    monkeypatch.setattr("mgic.measure.latency.time.process_time_ns", reads("cpu"))
    monkeypatch.setattr("mgic.measure.latency.time.perf_counter_ns", reads("wall"))
    assert cpu_timer(lambda: None) == (40.0, 15.0)


def test_a_pass_that_sleeps_takes_less_cpu_time_than_wall_time():
    wall_ms, cpu_ms = cpu_timer(lambda: time.sleep(0.05))
    assert cpu_ms is not None
    assert cpu_ms < wall_ms / 2


def test_cpu_time_is_that_of_all_threads():
    """Two threads that hash, outside of the interpreter's lock, in one pass."""
    block = bytes(20_000_000)

    def two():
        other = threading.Thread(target=hashlib.sha256, args=(block,))
        other.start()
        hashlib.sha256(block)
        other.join()

    one = min(cpu_timer(lambda: hashlib.sha256(block)).cpu_ms for _ in range(3))
    assert cpu_timer(two).cpu_ms > 1.5 * one


def test_onnx_runtime_s_threads_do_not_spin(monkeypatch, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    seen = []

    class Session:
        def __init__(self, path, options, providers):
            seen.append(options)

    monkeypatch.setattr(runtime, "InferenceSession", Session)
    forward_of(setup(engine="onnxruntime", onnx=str(tmp_path / "none.onnx")))
    assert [
        seen[0].get_session_config_entry(f"session.{pool}.allow_spinning") for pool in ("intra_op", "inter_op")
    ] == ["0", "0"]
