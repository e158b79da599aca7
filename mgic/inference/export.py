"""A network as an ONNX file, for runtimes that know nothing of PyTorch."""

import io
import os
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from mgic.errors import BadConfig, Problem
from mgic.inference.check import (
    Agreement,
    compare,
    eager_outputs,
    evaluation_copy,
    output_of,
    reference_output,
    several,
)
from mgic.inference.race import fastest
from mgic.inference.runtimes import Runtime, first_line, package, run_onnx, runtime_pass, unexportable
from mgic.inference.targets import Target, check_target, form_for

OPSET = 18

# What the exporter says of itself, and of sizes that it takes from the example: `export_onnx` says so too.
_KNOWN_WARNINGS: tuple[tuple[type[Warning], str], ...] = (
    (DeprecationWarning, "You are using the legacy TorchScript-based ONNX export"),
    (DeprecationWarning, "The feature will be removed. Please remove usage of this function"),
    (UserWarning, "Constant folding - Only steps=1 can be constant folded"),
    (TracerWarning, "Converting a tensor to a Python (boolean|number|integer|float|index) might cause"),
)


def export_onnx(model: nn.Module, example: Tensor, path: Path | str, target: Target = "onnxruntime") -> Path:
    """Write the model, in evaluation mode, as an ONNX file of opset 18; the file stands there whole or not at all.

    It is the fastest form of the graph that is known for its target. Any runtime reads any form, and gives the same
    numbers but for rounding; `mgic.inference.form_of` says what a file's metadata have of its form.

    Its input is called "input" and its output "output". The batch is free if the file gives the model's
    numbers on a larger batch too; else, as all other sizes, it is that of the example. Where a forward
    decides by the values of a tensor, the file has the way that the example took.

    Args:
        model: On any device, in either mode; left as found.
        example: An input with its batch.
        path: Of the file; an older one is replaced.
        target: "onnxruntime" and "openvino" are chosen by the graph alone, so that two exports of one network are the
            same bytes; "portable" is the graph as it is exported; "host" the form that ONNX Runtime was the fastest
            with on this machine, on the example, in one thread.

    Cost:
        0.3 s for a ResNet-20 and 1 to 3 s for a ResNet-50: the export, ONNX Runtime reading it, and four forward
        passes, one of them in float64, all but the first on at least four samples (more, where the output is small).
        With "host" half a second, or 11 passes, for each of up to six forms.

    Returns:
        The path.

    Raises:
        BadConfig: The example is no tensor, or the path no path, as where the two are swapped; there is no such
            target; the extra `onnx` is not installed, the example does not fit, the network has something that ONNX has
            not, the file cannot be written, or ONNX Runtime's output is further from float64 than
            `mgic.inference.Agreement` puts down to rounding.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> import torch
        >>> import mgic
        >>> network, image = mgic.create("mgic_resnet20"), torch.rand(1, 3, 32, 32)
        >>> with TemporaryDirectory() as folder:
        ...     mgic.export_onnx(network, image, f"{folder}/network.onnx").name
        'network.onnx'
    """
    _check_kinds(model, example, path)
    check_target(target)
    for name in ("onnx", "onnxruntime"):
        package(name)
    network, sample = evaluation_copy(model).cpu(), example.detach().cpu()
    larger = several(sample, output_of(network, sample), least=2)
    race = partial(_race, example=sample)
    content = form_for(_exported(network, sample, free_batch=True), target, race)
    if not _holds(network, content, larger):
        content = form_for(_exported(network, sample, free_batch=False), target, race)
        agreement = _agreement(network, content, sample)
        if not agreement.holds:
            raise unexportable(
                f"its output in ONNX Runtime is off by {agreement.error:.2g}, rounding explains {agreement.bound:.2g}"
            )
    return _written(Path(path), content)


def _check_kinds(model: object, example: object, path: object) -> None:
    """Raises `BadConfig`: arguments that follow each other are easily swapped."""
    for name, given, kinds, words in (
        ("model", model, nn.Module, "a network"),
        ("example", example, Tensor, "a tensor, an input with its batch"),
        ("path", path, (str, os.PathLike), "a path"),
    ):
        if not isinstance(given, kinds):
            detail = f"{name} should be {words}, not {type(given).__name__}: export_onnx(model, example, path)"
            raise BadConfig(detail, (Problem(name, "wrong_kind", detail),))


def agreement(model: nn.Module, path: Path | str, example: Tensor, runtime: Runtime = "onnxruntime") -> Agreement:
    """Run an ONNX file on one thread of the CPU, and measure it against its model.

    Args:
        model: What the file was made from; left as found.
        path: The file.
        example: An input with its batch; the batch large enough for 64 numbers in the output, if it is free.
        runtime: Who runs it.

    Raises:
        BadConfig: The runtime is not installed, or the file or the example does not fit.
    """
    return _agreement(evaluation_copy(model).cpu(), str(path), example.detach().cpu(), runtime)


def _agreement(network: nn.Module, source: bytes | str, example: Tensor, runtime: Runtime = "onnxruntime") -> Agreement:
    output = run_onnx(source, example, runtime)
    return compare(output, eager_outputs(network, example), reference_output(network, example))


def _holds(network: nn.Module, content: bytes, example: Tensor) -> bool:
    try:
        return _agreement(network, content, example).holds
    except BadConfig:
        return False


def _race(forms: list[bytes], example: Tensor) -> int:
    return fastest([runtime_pass("onnxruntime", form, example) for form in forms])


def _exported(network: nn.Module, example: Tensor, *, free_batch: bool) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings():
        for category, message in _KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message, category)
        try:
            torch.onnx.export(
                network,
                (example,),
                cast(Any, content),  # may be a file in memory, though its type says a path
                dynamo=False,  # the newer exporter takes ten times as long
                opset_version=OPSET,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}} if free_batch else None,
            )
        except RuntimeError as error:  # the exporter's own errors are among them
            raise unexportable(first_line(error)) from error
    return content.getvalue()


def _written(path: Path, content: bytes) -> Path:
    part = path.parent / f".{uuid4().hex}.part"
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except (OSError, ValueError) as error:
        detail = f"cannot write {str(path)!r}: {getattr(error, 'strerror', None) or error}"
        raise BadConfig(detail, (Problem("path", "not_writable", detail),)) from error
    finally:
        with suppress(OSError, ValueError):
            part.unlink(missing_ok=True)
    return path
