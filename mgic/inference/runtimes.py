"""One pass of an exported file on the CPU, by each runtime that there is."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from mgic.errors import BadConfig, Problem
from mgic.extras import what_lacks

Runtime = Literal["onnxruntime", "openvino"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
Pass = Callable[[], Tensor]

_RUNTIME_ERRORS = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile", "NotImplemented")


def package(name: str) -> ModuleType:
    """A package of an extra, imported when it is first needed. Raises `BadConfig` where it is not installed."""
    if detail := what_lacks(name):
        raise BadConfig(detail, (Problem(name, "missing_extra", detail),))
    return import_module(name)


def runtime_pass(runtime: Runtime, source: bytes | str, example: Tensor, threads: int = 1) -> Pass:
    """A pass in float32, ready to be called; threads that wait sleep, where the runtime can be told so.

    Args:
        runtime: Its name.
        source: A file's content, or its path.
        example: In float32, on the CPU.
        threads: Of a pass.

    Raises:
        BadConfig: It is not installed, or cannot read the file; the pass raises it too, where the example does not
            fit.
    """
    return (_onnxruntime_pass if runtime == "onnxruntime" else _openvino_pass)(source, example, threads)


def run_onnx(source: bytes | str, example: Tensor, runtime: Runtime = "onnxruntime") -> Tensor:
    """What a runtime makes of an example on the CPU, one thread; raises `BadConfig` for a file it cannot read."""
    return runtime_pass(runtime, source, example)()


def layout_changes(path: Path | str) -> int:
    """How often ONNX Runtime, on this machine, moves a tensor of a file into the layout of its fast code, or back."""
    with TemporaryDirectory() as folder:
        options = _options(1)
        options.optimized_model_filepath = f"{folder}/optimised.onnx"
        package("onnxruntime").InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        nodes = package("onnx").load(options.optimized_model_filepath).graph.node
    return sum(node.op_type in ("ReorderInput", "ReorderOutput") for node in nodes)


def unexportable(reason: str) -> BadConfig:
    detail = f"the network cannot be had as ONNX: {reason}"
    return BadConfig(detail, (Problem("model", "not_exportable", detail),))


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _onnxruntime_pass(source: bytes | str, example: Tensor, threads: int) -> Pass:
    runtime = package("onnxruntime")
    state = runtime.capi.onnxruntime_pybind11_state
    known = (TypeError, ValueError, *(getattr(state, name) for name in _RUNTIME_ERRORS), state.RuntimeException)
    feed = {"input": example.numpy()}
    session = _caught(
        lambda: runtime.InferenceSession(source, _options(threads), providers=["CPUExecutionProvider"]),
        known,
        "ONNX Runtime",
    )
    return lambda: torch.from_numpy(_caught(lambda: session.run(["output"], feed)[0], known, "ONNX Runtime"))


def _options(threads: int) -> Any:
    options = package("onnxruntime").SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    for pool in ("intra_op", "inter_op"):  # a thread that waits would burn CPU time that no pass needs
        options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised
    return options


def _openvino_pass(source: bytes | str, example: Tensor, threads: int) -> Pass:
    core = package("openvino").Core()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32",  # else it computes in bfloat16 where the processor has that
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
    }
    values = example.contiguous().numpy()

    def compiled() -> Any:
        model = core.read_model(source)
        model.reshape({0: list(example.shape)})  # of a fixed size, as the other engines' passes are timed
        return core.compile_model(model, "CPU", settings).create_infer_request()

    known = (RuntimeError, TypeError, ValueError)  # its own errors are the first
    request = _caught(compiled, known, "OpenVINO")
    # A copy: the request writes its next output over this one.
    return lambda: torch.from_numpy(_caught(lambda: request.infer({0: values})[0].copy(), known, "OpenVINO"))


def _caught(action: Callable[[], Any], known: tuple[type[Exception], ...], who: str) -> Any:
    try:
        return action()
    except known as error:
        raise unexportable(f"{who}: {first_line(error)}") from error
