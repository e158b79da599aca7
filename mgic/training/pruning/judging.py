"""How well a candidate of a search classifies some images, and what its norms have to know for that."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mgic.training.channel_groups import NORMS
from mgic.training.precision import exact_float32
from mgic.training.split import Split


def accuracy(model: nn.Module, split: Split, batches: Sequence[Tensor]) -> float:
    """The share of the samples whose class is the first answer; the model is in evaluation afterwards."""
    right = count = 0
    model.eval()
    with torch.inference_mode(), exact_float32():
        for batch in batches:
            samples, targets = split.take(batch)
            right += int((model(samples).argmax(1) == targets).sum())
            count += len(targets)
    return right / count


def measure_norms(model: nn.Module, split: Split, batches: Sequence[Tensor]) -> None:
    """Mean and variance of each BatchNorm anew, those of these samples: the mean over batches."""
    norms = [layer for layer in model.modules() if isinstance(layer, NORMS)]
    usual = [layer.momentum for layer in norms]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # a mean over all that is seen
    model.train()
    with torch.no_grad(), exact_float32():
        for batch in batches:
            model(split.take(batch)[0])
    for layer, momentum in zip(norms, usual, strict=True):
        layer.momentum = momentum
