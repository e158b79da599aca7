"""What a network answers for a split: in eval mode, in float32, its mode put back as it was."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from mgic.errors import Diverged
from mgic.training.precision import exact_float32
from mgic.training.split import Split

R = TypeVar("R")


def collect(model: nn.Module, split: Split, batch_size: int, measure: Callable[[Tensor, Tensor], R]) -> list[R]:
    """What `measure` makes of the answers to each batch, as float32 numbers, and their targets."""
    training = model.training
    model.eval()
    batches = [(slice(start, start + batch_size), None) for start in range(0, len(split), batch_size)]
    with torch.inference_mode(), exact_float32():
        found = [measure(model(samples).float(), targets) for samples, targets in split.stream(batches)]
    model.train(training)
    return found


def predict(model: nn.Module, split: Split, batch_size: int) -> tuple[Tensor, Tensor]:
    """The answers for all of `split`, beside the targets.

    Shape:
        -> (count, outputs) float32 and (count, ...), both on the CPU.
    """
    found = collect(model, split, batch_size, lambda outputs, targets: (outputs.cpu(), targets.cpu()))
    outputs, targets = zip(*found, strict=True)
    return torch.cat(outputs), torch.cat(targets)


def finite(value: float, what: str) -> float:
    """The value. Raises `Diverged` where it is no number."""
    if not torch.isfinite(torch.tensor(value, dtype=torch.float64)):
        raise Diverged(f"the {what} is {value}")
    return value
