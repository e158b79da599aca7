"""One forward pass of a network, by the engine that computes it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem
from mgic.extras import what_lacks
from mgic.inference import Form, agreement, export_onnx, form_of, optimize_for_inference
from mgic.inference.runtimes import RUNTIMES, Runtime, runtime_pass
from mgic.models import create
from mgic.models.weights import load

Engine = Literal["eager", "optimized", "compile", "cudagraph", "onnxruntime", "openvino"]
Precision = Literal["float32", "ieee_float32", "tf32", "bfloat16", "float16"]
MemoryFormat = Literal["contiguous", "channels_last"]
Mode = Literal["inference", "training"]
Forward = Callable[[], object]

# Those in which torch could be told to keep a gradient; of the others a step of training cannot be made.
TRAINABLE: tuple[Engine, ...] = ("eager", "compile")
ONLY_ON_A_GPU: tuple[Precision, ...] = ("ieee_float32", "tf32")
RATE = 1e-6  # of the steps that are timed: as much work as any, and the weights stay what they are

_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Setup:
    """What is timed and how, in values that fit into JSON.

    Args:
        model: Its name.
        options: All of the model's options.
        input_size: Of one sample, without the batch.
        device: "cpu" or "cuda".
        seed: Weights and input derive from it.
        samples: Passes to time.
        seconds: The timing ends after so long with fewer, though not below `MIN_SAMPLES`.
        warm_up_seconds: The warm-up ends after so long, stationary or not.
        onnx: Where the ONNX file lies, for an engine of `RUNTIMES`.
        weights: The file that the weights are read from; empty: they are drawn.
        mode: Whether a pass is a forward pass, or a step of training.
    """

    model: str
    options: dict[str, Any]
    input_size: tuple[int, ...]
    engine: Engine
    device: str
    threads: int
    batch_size: int
    precision: Precision
    memory_format: MemoryFormat
    seed: int
    samples: int
    seconds: float
    warm_up_seconds: float
    onnx: str = ""
    weights: str = ""
    mode: Mode = "inference"

    @property
    def dtype(self) -> torch.dtype:
        """Of the input, and of the weights but in training, where they stay in float32."""
        return getattr(torch, self.precision, torch.float32)


def what_engine_lacks(engine: Engine) -> str:
    """Why an engine cannot run on this machine; else empty."""
    if engine in RUNTIMES:
        return what_lacks(engine)
    if engine == "compile" and _compiler() is None:
        return "torch.compile needs a C++ compiler, and there is none on this machine"
    return ""


def only_elsewhere(device: str, wanted: str) -> str:
    """What is wrong with an engine or a precision on "cpu" or "cuda", in words; empty: nothing."""
    if device == "cuda" and wanted in RUNTIMES:
        return f"engine={wanted} is run on the CPU here; take device=cpu"
    if device == "cpu" and wanted == "cudagraph":
        return "engine=cudagraph is a GPU's; take device=cuda"
    if device == "cpu" and wanted in ONLY_ON_A_GPU:
        return f"precision={wanted} is a GPU's; take float32"
    return ""


def forward_of(setup: Setup) -> Forward:
    """The pass, ready to be called under `gradients`.

    Raises:
        BadConfig: The network cannot be built, exported or folded with these options.
    """
    if setup.engine in RUNTIMES:
        return runtime_pass(setup.engine, setup.onnx, example_of(setup), setup.threads)
    network, example = on_device(setup)
    if setup.engine == "cudagraph":
        return captured(network, example)
    computed = cast(nn.Module, torch.compile(network)) if setup.engine == "compile" else network
    return _step(computed, example, setup) if setup.mode == "training" else lambda: computed(example)


def gradients(setup: Setup) -> torch.inference_mode:
    """In which passes are made: without any but in training."""
    return torch.inference_mode(setup.mode == "inference")


def on_device(setup: Setup) -> tuple[nn.Module, Tensor]:
    """The network and its input as they are computed with, not yet compiled; folded with the engine `optimized`."""
    network = network_of(setup)
    if setup.engine == "optimized":
        network = optimize_for_inference(network, example_of(setup))
    if setup.precision in ONLY_ON_A_GPU:
        for place in (torch.backends.cuda.matmul, torch.backends.cudnn.conv):  # type: ignore[attr-defined]
            place.fp32_precision = "tf32" if setup.precision == "tf32" else "ieee"
    form = _FORMATS[setup.memory_format]
    dtype = torch.float32 if setup.mode == "training" else setup.dtype
    example = example_of(setup).to(setup.device, dtype, memory_format=form)
    # Not in the stub's signature: a module takes the format too, and applies it to its 4-dimensional weights.
    return cast(nn.Module, cast(Any, network).to(setup.device, dtype, memory_format=form)), example


def first_pass(forward: Forward, setup: Setup) -> None:
    """The pass that allocates, picks algorithms and, with `compile`, compiles.

    Raises:
        BadConfig: At `engine` or `precision`: the device, or what is installed, does not have it.
    """
    try:
        forward()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:  # torch.compile's own errors are among them
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if setup.engine == "compile":
            raise _no_engine("compile", f"torch.compile fails on {setup.model}: {reason}") from error
        if setup.precision != "float32":
            detail = f"{setup.model} does not run in {setup.precision} on this {setup.device}: {reason}"
            raise BadConfig(detail, (Problem("precision", "not_supported", detail),)) from error
        raise


def export(setup: Setup, runtime: Runtime) -> Form:
    """Write the ONNX file that the timed processes load, in the fixed form for its runtime.

    Raises:
        BadConfig: As `export_onnx` does; or the runtime's output is not the network's.
    """
    torch.set_num_threads(setup.threads)
    network, example = network_of(setup), example_of(setup)
    form = form_of(export_onnx(network, example, Path(setup.onnx), target=runtime))
    found = agreement(network, setup.onnx, example, runtime)
    if form is None or not found.holds:
        why = f"{setup.model} is off by {found.error:.2g}, rounding explains {found.bound:.2g}"
        raise _no_engine(runtime, why)
    return form


def network_of(setup: Setup) -> nn.Module:
    """In float32 on the CPU, in evaluation mode."""
    torch.manual_seed(setup.seed)
    network = create(setup.model, **setup.options)
    if setup.weights:
        load(network, Path(setup.weights))
    training = setup.mode == "training"
    return network.train(training).requires_grad_(training)


def example_of(setup: Setup) -> Tensor:
    """Normal numbers, in float32 on the CPU."""
    generator = torch.Generator().manual_seed(setup.seed)
    return torch.randn(setup.batch_size, *setup.input_size, generator=generator)


def load_packages(setup: Setup) -> None:
    """Import all that the setup needs, so that it does not count as the network's memory."""
    if setup.engine in RUNTIMES:
        import_module(setup.engine)
        return
    import_module("torch._dynamo")  # the compiler, which torch imports by itself sooner or later
    with torch.device("meta"):
        create(setup.model, **setup.options)


def _step(network: nn.Module, example: Tensor, setup: Setup) -> Forward:
    """Forward, backward and an update by SGD with momentum, as a training makes them; the loss is the mean square.

    With bfloat16 and float16 under `torch.autocast`, as a training computes in these.
    """
    optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)
    cast_to = torch.autocast(setup.device, setup.dtype, enabled=setup.dtype is not torch.float32)

    def step() -> None:
        optimizer.zero_grad()
        with cast_to:
            output = network(example)
        if not isinstance(output, Tensor):
            detail = f"mode=training: {setup.model} gives a {type(output).__name__}, of which no loss is made here"
            raise BadConfig(detail, (Problem("mode", "not_supported", detail),))
        output.float().square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def captured(network: nn.Module, example: Tensor) -> Forward:
    """The pass as one CUDA graph: recorded once, after a few passes on a stream of their own, as CUDA asks for it."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), torch.cuda.stream(aside):
        for _ in range(3):
            network(example)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        network(example)
    return graph.replay


def _compiler() -> str | None:
    """The C++ compiler that torch.compile would call, if it is here."""
    named = import_module("torch._inductor.config").cpp.cxx  # one name, or several to try, None among them
    names = (named,) if isinstance(named, str) else named
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _no_engine(engine: str, why: str) -> BadConfig:
    detail = f"engine={engine}: {why}"
    return BadConfig(detail, (Problem("engine", "not_available", detail),))
