"""How good a classifier is on images it was not trained on."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from mgic.errors import Diverged
from mgic.training.part import Part
from mgic.training.precision import autocast


@dataclass(frozen=True)
class Scores:
    """Per cent of images whose class is the first answer, or among the first five; the mean cross-entropy.

    With 5 classes or fewer every answer is among the first five: `top5` is 100 and says nothing.
    """

    top1: float
    top5: float
    loss: float


def evaluate(model: nn.Module, part: Part, batch_size: int) -> Scores:
    """Score the model in eval mode on all of `part`; the mode is put back as it was.

    Raises:
        Diverged: The loss is not a finite number.
    """
    training = model.training
    model.eval()
    device = part.device
    hits1, hits5 = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(2))
    total = torch.zeros((), dtype=torch.float64, device=device)
    with torch.inference_mode():
        batches = [(slice(start, start + batch_size), None) for start in range(0, len(part), batch_size)]
        for images, labels in part.stream(batches):
            with autocast(device):
                logits = model(images)
            logits = logits.float()  # (batch, classes)
            hits = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
            hits1 += hits[:, 0].sum()
            hits5 += hits.sum()
            total += functional.cross_entropy(logits, labels, reduction="sum")
    model.train(training)
    loss = total.item() / len(part)
    if not torch.isfinite(total):
        raise Diverged(f"the test loss is {loss}")
    return Scores(top1=100 * hits1.item() / len(part), top5=100 * hits5.item() / len(part), loss=loss)
