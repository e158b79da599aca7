"""How good is a network that fits a function, or that classifies sets with classes of unequal size?"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import Diverged
from mgic.training.objective import Classifying
from mgic.training.part import Part
from mgic.training.precision import autocast

AT_ONCE = 4096  # values of a function that are computed together: they are small, and calls are dear


@dataclass(frozen=True)
class FitScores:
    """Squared error, the mean over all values; the same by the variance of the target; the largest error.

    A `relative_mse` of 1 is what the constant equal to the target's mean has.
    """

    mse: float
    relative_mse: float
    max_error: float


@dataclass(frozen=True)
class Fitting:
    """The squared error of a function's values.

    Args:
        variance: Of the values to be scored on, above 0.
    """

    variance: float

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(output, target)

    def score(self, model: nn.Module, part: Part, batch_size: int) -> FitScores:
        outputs, targets = predict(model, part, max(batch_size, AT_ONCE))
        errors = outputs.double() - targets.double()
        mse = _finite(errors.square().mean().item(), "squared error")
        return FitScores(mse=mse, relative_mse=mse / self.variance, max_error=errors.abs().max().item())


@dataclass(frozen=True)
class ClassScores:
    """Per cent of samples whose class is the first answer; the mean of that per cent over classes; cross-entropy."""

    top1: float
    mean_class_accuracy: float
    loss: float


@dataclass(frozen=True)
class ClassifyingByClass(Classifying):
    """Cross-entropy, and how often the right class is the first answer, in all and in each class."""

    def score(self, model: nn.Module, part: Part, batch_size: int) -> ClassScores:  # type: ignore[override]
        logits, labels = predict(model, part, batch_size)
        loss = _finite(functional.cross_entropy(logits, labels).item(), "loss")
        right = logits.argmax(dim=1) == labels
        return ClassScores(
            top1=100 * right.double().mean().item(),
            mean_class_accuracy=100 * mean_over_classes(right, labels),
            loss=loss,
        )


def mean_over_classes(right: Tensor, labels: Tensor) -> float:
    """The share of right answers in each class, averaged over the classes that occur.

    Shape:
        (count,), (count,) -> a number from 0 to 1.
    """
    counts = labels.bincount()
    shares = labels[right].bincount(minlength=len(counts))[counts > 0] / counts[counts > 0].double()
    return shares.mean().item()


def predict(model: nn.Module, part: Part, batch_size: int) -> tuple[Tensor, Tensor]:
    """What the model answers in eval mode for all of `part`, beside the targets; its mode is put back as it was.

    Shape:
        -> (count, outputs) float32 and (count, ...), both on the CPU.
    """
    training = model.training
    model.eval()
    outputs, targets = [], []
    with torch.inference_mode():
        for start in range(0, len(part), batch_size):
            samples, wanted = part.take(slice(start, start + batch_size))
            with autocast(part.device):
                found = model(samples)
            outputs.append(found.float().cpu())
            targets.append(wanted.cpu())
    model.train(training)
    return torch.cat(outputs), torch.cat(targets)


def _finite(value: float, what: str) -> float:
    if not torch.isfinite(torch.tensor(value)):
        raise Diverged(f"the test {what} is {value}")
    return value
