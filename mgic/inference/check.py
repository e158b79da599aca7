"""Does another form of a network compute what the network computes?"""

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mgic.errors import BadConfig, Problem

FACTOR = 4.0
FLOOR = 16.0
FEW = 64


@dataclass(frozen=True)
class Agreement:
    """How far two forms of a network are from it in float64: the network as it is, and the other one.

    Args:
        error: Of the other form: the largest |output - reference| over all elements; inf if shapes
            differ or it is not finite where the reference is.
        eager_error: The same of the network as it is, in its own precision.
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

        Measured on the CPU in float32, on 280 outputs of 14 networks (CIFAR and MGIC ResNets, torchvision's
        ResNet-50, DenseNet and ShuffleNet, timm's GhostNet, EfficientNets, ConvNeXt, RegNet; batches of 1 and
        8, fresh, drawn and calibrated norms): folded, the error was at most 2.6 times eager's; in ONNX Runtime
        at most 4.3 times, and where it was over 4 times it was 3.1 * precision * scale. Largest ratios, folded
        and ONNX Runtime: resnet20 1.8 and 1.8, mgic_resnet20 2.6 and 3.5, mgic_resnet56 1.7 and 1.7, resnet50
        1.2 and 1.1, ghostnet_050 1.3 and 2.5. With drawn norms, folding them with twice
        their eps was over the bound in each of these five. Of a handful of numbers both errors are luck, and
        the one number of a function may be near 0: look at 64 or more.
        """
        return max(FACTOR * self.eager_error, FLOOR * self.precision * self.scale)

    @property
    def holds(self) -> bool:
        return self.error <= self.bound


def compare(output: Tensor, eager: Tensor, reference: Tensor) -> Agreement:
    """Measure `output` and `eager` against `reference`.

    Raises:
        BadConfig: The network's own output is empty or not finite, so that nothing can be said.
    """
    if not eager.numel() or not reference.isfinite().all() or not eager.isfinite().all():
        raise misfit("the network's output on the example is empty or not finite")
    return Agreement(
        error=_distance(output, reference),
        eager_error=_distance(eager, reference),
        scale=float(reference.abs().max()),
        precision=torch.finfo(eager.dtype).eps,
    )


def several(example: Tensor, output: Tensor, least: int) -> Tensor:
    """The example and copies of it nearer to 0: `least` in all, or so many that `output` of each makes 64 numbers.

    Raises:
        BadConfig: The output is empty.
    """
    if not output.numel():
        raise misfit("the network's output on the example is empty")
    copies = max(least, math.ceil(FEW / output.numel()))
    return torch.cat([(example * (1 - k / copies)).to(example.dtype) for k in range(copies)])


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
