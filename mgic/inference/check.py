"""Does another form of a network compute what the network computes?"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem

FACTOR = 4.0
FLOOR = 16.0
FEW = 64
EXAMPLES = 4
IMAGES = 4  # dimensions of a batch of them


@dataclass(frozen=True)
class Agreement:
    """How far two forms of a network are from it in float64: the network as it is, and the other one.

    Args:
        error: Of the other form: the largest |output - reference| over all elements; inf if shapes
            differ or it is not finite where the reference is.
        eager_error: The same of the network as it is, in its own precision: the largest over the ways in which it
            was run, see `eager_outputs`.
        scale: The largest |reference|.
        precision: The machine epsilon of the outputs, 1.2e-7 in float32.
    """

    error: float
    eager_error: float
    scale: float
    precision: float

    @property
    def bound(self) -> float:
        """The largest `error` that is put down to rounding: 4 * eager_error, or 16 * precision * scale if that is more.

        Measured on the CPU in float32: of 100 fresh mgic_resnet50, on four samples of 64x64 pixels, folding had at most
        1.45 times eager's error, the median 0.94, and 0.36 of this bound. On single samples and in one layout, as was
        judged before, 3 of about 95 were over it: the largest error of one pass is luck. Of 280 outputs of 14 networks
        (CIFAR and MGIC ResNets, torchvision's ResNet-50, DenseNet and ShuffleNet, timm's GhostNet, EfficientNets,
        ConvNeXt, RegNet), single ones too, ONNX Runtime had at most 4.3 times eager's error. With drawn norms, folding
        them with twice their eps is over the bound. Of a handful of numbers both errors are luck, and the one number of
        a function may be near 0: look at 64 or more.
        """
        return max(FACTOR * self.eager_error, FLOOR * self.precision * self.scale)

    @property
    def holds(self) -> bool:
        return self.error <= self.bound


def compare(output: Tensor, eager: Sequence[Tensor], reference: Tensor) -> Agreement:
    """Measure `output`, and the network's own outputs, against `reference`.

    Raises:
        BadConfig: The network's own output is empty or not finite, so that nothing can be said.
    """
    if not reference.numel() or not all(one.isfinite().all() for one in (*eager, reference)):
        raise misfit("the network's output on the example is empty or not finite")
    return Agreement(
        error=_distance(output, reference),
        eager_error=max(_distance(one, reference) for one in eager),
        scale=float(reference.abs().max()),
        precision=torch.finfo(eager[0].dtype).eps,
    )


def eager_outputs(network: nn.Module, examples: Tensor) -> list[Tensor]:
    """What a network gives in each layout in which its images may lie: rounding falls otherwise in each of them.

    Raises:
        BadConfig: As `output_of`.
    """
    outputs = [output_of(network, examples)]
    if examples.ndim == IMAGES:
        last: nn.Module = cast(Any, copy.deepcopy(network)).to(memory_format=torch.channels_last)
        outputs.append(output_of(last, examples.contiguous(memory_format=torch.channels_last)))
    return outputs


def several(example: Tensor, output: Tensor, least: int) -> Tensor:
    """The example and copies of it nearer to 0, at least `least` in all.

    There are so many that they make 4 samples, and `output` of each 64 numbers: of fewer the error is luck. None is the
    half of another, which would be rounded like it.

    Raises:
        BadConfig: The output is empty.
    """
    if not output.numel():
        raise misfit("the network's output on the example is empty")
    copies = max(least, math.ceil(EXAMPLES / len(example)), math.ceil(FEW / output.numel()))
    return torch.cat([(example * (1 - k / (2 * copies))).to(example.dtype) for k in range(copies)])


def _distance(output: Tensor, reference: Tensor) -> float:
    if output.shape != reference.shape:
        return math.inf
    distance = float((output.detach().to(reference) - reference).abs().max())
    return math.inf if math.isnan(distance) else distance


def evaluation_copy(model: nn.Module) -> nn.Module:
    """A deep copy in evaluation mode; the model itself stays as it is."""
    return copy.deepcopy(model).eval()


def reference_output(model: nn.Module, example: Tensor) -> Tensor:
    """What the model gives in float64, on the CPU; takes about twice the time of float32.

    Raises:
        BadConfig: The model does not run in float64, or the example does not fit.
    """
    exact = evaluation_copy(model).to("cpu", torch.float64)
    return output_of(exact, example.to("cpu", torch.float64))


def output_of(model: nn.Module, example: Tensor) -> Tensor:
    """One forward pass without gradients, on a copy of the example, which a network may write to.

    Raises:
        BadConfig: The example does not fit, or what comes out is no tensor of floats.
    """
    try:
        with torch.no_grad():
            output = model(example.clone())
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        size = "x".join(map(str, example.shape))
        raise misfit(f"an example of {size} in {example.dtype} does not fit the network: {reason}") from error
    if not isinstance(output, Tensor) or not output.is_floating_point():
        raise misfit(f"the network gives a {type(output).__name__}; it should give one tensor of floats")
    return output


def misfit(detail: str) -> BadConfig:
    return BadConfig(detail, (Problem("example", "input_misfit", detail),))
