"""What a classifier's answers say: how many are right, in all and by class, and what its confidence is worth."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mgic.tasks.classification import FIRST, mean_over_classes
from mgic.training.scoring import finite

BINS = 15  # of equal width, over the confidence from 0 to 1
HALF = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class Judged:
    """The answers to all test samples, in the order of the test set.

    Args:
        logits: (samples, classes), on the CPU.
        labels: (samples,): the classes that they are of.
    """

    logits: Tensor
    labels: Tensor

    @cached_property
    def answers(self) -> Tensor:
        """(samples,): the class that each was taken for, the first of equals."""
        return self.logits.argmax(dim=1)

    @cached_property
    def losses(self) -> Tensor:
        """(samples,) float64: cross-entropies."""
        return functional.cross_entropy(self.logits.double(), self.labels, reduction="none")

    @property
    def right(self) -> Tensor:
        return self.answers == self.labels

    @property
    def top1(self) -> float:
        """Per cent."""
        return 100 * int(self.right.sum()) / len(self.labels)

    @property
    def top5(self) -> float:
        """Per cent of samples whose class is among the first five answers."""
        first = self.logits.topk(min(FIRST, self.logits.shape[1])).indices
        return 100 * int((first == self.labels[:, None]).any(dim=1).sum()) / len(self.labels)

    @property
    def balanced_accuracy(self) -> float:
        """Per cent of right answers in each class, the mean over the classes that occur."""
        return 100 * mean_over_classes(self.right, self.labels)

    @property
    def nll(self) -> float:
        """Mean cross-entropy, nats. Raises `Diverged` where it is no number."""
        return finite(self.losses.mean().item(), "negative log likelihood")

    @cached_property
    def confidence(self) -> Tensor:
        """(samples,) float64: the probability that the network gives its answer."""
        return self.logits.double().softmax(dim=1).amax(dim=1)

    @property
    def calibration_error(self) -> float:
        return calibration_error(self.confidence, self.right)

    @property
    def confusion(self) -> Tensor:
        """(classes, classes): how many samples of the row's class were taken for the column's."""
        classes = self.logits.shape[1]
        return (self.labels * classes + self.answers).bincount(minlength=classes**2).view(classes, classes)

    def save(self, path: Path, dataset_hash: str, weights_hash: str | None) -> None:
        """One row a sample, as arrays; `id` is its place in the test set, which the hash of the data decides."""
        np.savez_compressed(
            path,
            id=np.arange(len(self.labels)),
            label=self.labels.numpy(),
            prediction=self.answers.numpy(),
            confidence=self.confidence.float().numpy(),
            loss=self.losses.float().numpy(),
            logits=self.logits.clamp(-HALF, HALF).half().numpy(),
            dataset_hash=np.array(dataset_hash),
            weights_hash=np.array(weights_hash or ""),
        )


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """The expected calibration error: |share of right answers - mean confidence|, averaged over bins by their samples.

    Naeini et al. 2015 and Guo et al. 2017, with 15 bins of equal width: what torchmetrics calls
    `multiclass_calibration_error(n_bins=15, norm="l1")`. A bin has its lower end, and the last one 1 as well.

    Shape:
        (samples,) from 0 to 1 and (samples,) bool -> a number from 0 to 1.
    """
    bins = torch.bucketize(confidence, torch.linspace(0, 1, BINS + 1, dtype=confidence.dtype), right=True) - 1
    gaps = torch.zeros(BINS, dtype=torch.float64)
    gaps.index_add_(0, bins.clamp(0, BINS - 1), right.double() - confidence.double())
    return gaps.abs().sum().item() / len(confidence)
