"""Each check says in a sentence what was seen, or fails with an `AssertionError`."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import torch
from torch import distributed as dist
from torch import nn

from mgic.errors import Cancelled
from mgic.experiments.classification import Config, classification
from mgic.experiments.latency import latency
from mgic.measure.engines import ONLY_ON_A_GPU, Setup, captured, on_device
from mgic.plugins import SAFE
from mgic.protocol import Begun, Finished, Job, decode
from mgic.records import RunStatus
from mgic.tasks.timing import Config as Timed
from mgic.training import generator
from mgic.training.precision import autocast, exact_float32
from mgic.training.shard import Shard
from tests.silent import SilentContext

NETWORK = "mgic_resnet20(width=8,group_size=2,coarsest_size=4)"
TINY = {"model": "mgic_resnet20", "width": 8, "group_size": 2, "coarsest_size": 4, "batch_size": 64, "epochs": 2}
SHORT = {"rounds": 1, "samples": 10, "seconds": 1.0, "warm_up_seconds": 0.5, "input_size": [3, 32, 32]}
CLOSE = 1e-3  # of the largest output, between two ways to compute it in float32

Check = Callable[[str, Path], str]


class OnDevice(SilentContext):
    """A context of a run on this device."""

    def __init__(self, folder: Path, device: str, cancel_at: float = float("inf")) -> None:
        super().__init__(folder, cancel_at)
        self.device = device


def latency_has_the_clock_of_its_device(device: str, folder: Path) -> str:
    """Events on a GPU, CPU time on a processor; steps of training too."""
    for mode in ("inference", "training"):
        result = latency(Timed(models=[NETWORK], device=device, mode=mode, **SHORT), OnDevice(folder / mode, device))
        measured, control = result.rows
        assert measured.n == control.n == 10, f"{measured.n} passes"
        assert measured.median_ms > 0, "no time passed"
        assert (measured.cpu_median_ms is None) == (device == "cuda"), "CPU time is of processors"
        assert bool(result.gpu) == (device == "cuda"), f"gpu is {result.gpu!r}"
    return f"{measured.median_ms:.3g} ms a step of training"


def a_graph_gives_what_the_network_gives(device: str, folder: Path) -> str:
    """CUDA graphs; refused without a GPU."""
    if device != "cuda":
        return _refused("device=cuda", device=device, engine="cudagraph")
    setup = _setup(device, engine="cudagraph")
    seen: list[torch.Tensor] = []
    network, example = on_device(setup)
    with torch.inference_mode():
        wanted = network(example)
    network.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    replay = captured(network, example)
    seen[-1].zero_()
    replay()
    torch.cuda.synchronize()
    apart = float((seen[-1] - wanted).abs().max() / wanted.abs().max())
    assert apart < CLOSE, f"{apart:.2g} of the largest output apart"
    return f"replayed: {apart:.2g} of the largest output apart"


def kinds_of_float32_round_as_they_say(device: str, folder: Path) -> str:
    """TF32 has 10 bits of fraction, float32 has 23; on a CPU there is one kind."""
    if device != "cuda":
        return [_refused("take float32", device=device, precision=each) for each in ONLY_ON_A_GPU][-1]
    found = {}
    for precision in ONLY_ON_A_GPU:
        network, example = on_device(_setup(device, precision=precision))
        exact, wanted = network.double(), example.double()
        with torch.inference_mode():
            truth = exact(wanted)
            network, example = on_device(_setup(device, precision=precision))
            found[precision] = float((network(example).double() - truth).abs().max() / truth.abs().max())
    assert found["ieee_float32"] < CLOSE / 10, found
    assert found["tf32"] > found["ieee_float32"], found
    with exact_float32():
        a = torch.randn(512, 512, device=device)
        error = float(((a @ a).double() - a.double() @ a.double()).abs().max())
    assert error < 1e-3, f"trainings are in float32, but a product is {error:.2g} off"
    return ", ".join(f"{name} {error:.2g} off" for name, error in found.items())


def every_precision_trains(device: str, folder: Path) -> str:
    """float32, bfloat16 and float16 under autocast and with a scaler."""
    told = []
    for precision in ("float32", "bfloat16", "float16"):
        layer = nn.Linear(8, 8).to(device)
        with autocast(torch.device(device), precision):
            kind = layer(torch.randn(4, 8, device=device)).dtype
        assert kind is getattr(torch, precision), f"{precision} computes in {kind}"
        context = OnDevice(folder / precision, device)
        steps = 20 if device == "cuda" else 2  # processors are slow in what they have no instructions for
        result = classification(Config(**TINY, max_steps=steps, device=device, precision=precision), context)
        assert result.steps == steps, result.steps
        told.append(f"{precision} {result.images_per_second:.0f} images/s")
    return ", ".join(told)


def a_training_goes_on_where_it_was_cut(device: str, folder: Path) -> str:
    """Cut between two epochs, it ends as one that was not, to what the device's own sums differ by."""
    config = Config(**TINY, device=device)
    whole = classification(config, OnDevice(folder / "whole", device))
    try:
        classification(config, OnDevice(folder / "cut", device, cancel_at=0.6))
    except Cancelled:
        pass
    else:
        raise AssertionError("it was not cut")
    context = OnDevice(folder / "cut", device)
    again = classification(config, context)
    assert context.resumed_at, "it began anew"
    assert again.steps == whole.steps, f"{again.steps} steps, not {whole.steps}"
    assert abs(again.top1 - whole.top1) <= (0 if device == "cpu" else 5), f"top-1 {again.top1}, not {whole.top1}"
    return f"after step {context.resumed_at[0]} of {whole.steps}: top-1 {again.top1:.2f}, uncut {whole.top1:.2f}"


def one_process_of_a_group_trains_as_one_alone(device: str, folder: Path) -> str:
    """Gradients through DistributedDataParallel, by nccl on a GPU and gloo on a CPU."""
    meeting = folder / "meeting"
    kind = "nccl" if device == "cuda" else "gloo"
    dist.init_process_group(kind, init_method=f"file://{meeting}", rank=0, world_size=1)
    try:
        alone, twin = nn.Linear(6, 3).to(device), nn.Linear(6, 3).to(device)
        twin.load_state_dict(alone.state_dict())
        shared = nn.parallel.DistributedDataParallel(twin, device_ids=[0] if device == "cuda" else None)
        x = torch.randn(5, 6, generator=generator(0, "x")).to(device)
        alone(x).square().mean().backward()
        shared(x).square().mean().backward()
        apart = float((alone.weight.grad - twin.weight.grad).abs().max())
        assert apart < 1e-6, f"gradients {apart:.2g} apart"
        assert Shard().mean(2.5) == 2.5
    finally:
        dist.destroy_process_group()
    return f"{kind}: gradients {apart:.2g} apart"


def a_worker_s_child_runs_both(device: str, folder: Path) -> str:
    """A training and a timing through `mgic.runner`, as a worker hands them over."""
    reading, writing = os.pipe()
    child = subprocess.Popen([*SAFE, "mgic.runner", str(writing)], stdin=subprocess.PIPE, pass_fds=(writing,))
    os.close(writing)
    jobs = {
        "classification": {**Config(**TINY, max_steps=5, device=device).model_dump(mode="json")},
        "latency": {**Timed(models=[NETWORK], device=device, control=False, **SHORT).model_dump(mode="json")},
    }
    ended = []
    try:
        with os.fdopen(reading, "rb") as told:
            for name, config in jobs.items():
                places = [str(folder / name / place) for place in ("data", "files", "checkpoints")]
                for place in places:
                    Path(place).mkdir(parents=True)
                job = Job(name, config, device, 1, *places, alone=name == "latency")
                child.stdin.write(job.encode().encode())
                child.stdin.flush()
                ended.append(_end_of(told, child.pid))
    finally:
        child.stdin.close()
        child.wait(60)
    for outcome, _ in ended:
        assert outcome.status is RunStatus.SUCCEEDED, outcome.failure
        assert json.dumps(outcome.environment), "it says nothing of where it ran"
    return ", ".join(
        f"{name} {'in a fork' if forked else 'in the child'}" for name, (_, forked) in zip(jobs, ended, strict=True)
    )


def _refused(words: str, **fields) -> str:
    """What is a GPU's, where there is none."""
    found = ""
    try:
        Timed(models=[NETWORK], **fields)
    except ValueError as error:
        found = str(error)
    assert words in found, found or "it was taken"
    return "refused without a GPU"


def _end_of(told, child: int):
    """The outcome of the next run, and whether a fork had it."""
    forked = False
    for line in told:
        if not line.strip():
            continue
        message = decode(line)
        if isinstance(message, Begun):
            forked = message.pid != child
        if isinstance(message, Finished):
            return message.outcome, forked
    raise AssertionError("the child has ended before the run")


def _setup(device: str, **more) -> Setup:
    options = {"width": 8, "group_size": 2, "coarsest_size": 4, "num_classes": 10, "in_channels": 3}
    options["coarsening"] = "paper"
    fixed = {"engine": "eager", "threads": 1, "batch_size": 8, "precision": "float32", "memory_format": "contiguous"}
    rest = {"seed": 0, "samples": 10, "seconds": 1.0, "warm_up_seconds": 0.5, "input_size": (3, 32, 32)}
    return Setup(model="mgic_resnet20", options=options, device=device, **{**fixed, **rest, **more})


CHECKS: tuple[Check, ...] = (
    latency_has_the_clock_of_its_device,
    a_graph_gives_what_the_network_gives,
    kinds_of_float32_round_as_they_say,
    every_precision_trains,
    a_training_goes_on_where_it_was_cut,
    one_process_of_a_group_trains_as_one_alone,
    a_worker_s_child_runs_both,
)
