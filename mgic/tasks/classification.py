"""Telling what a sample is: cross-entropy, and how often the right class comes first."""

from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.records import View
from mgic.tasks.learning import Data, DatasetHash, Speed, TrainingConfig, TrainingResult, validated
from mgic.training.fields import LabelSmoothing
from mgic.training.scoring import Objective, Scored, collect, finite, shares
from mgic.training.split import Split

FIRST = 5  # answers of a network that `top5` looks at

CLASSIFICATION_VIEWS = (
    View(
        title="Accuracy against MACs",
        kind="scatter",
        x="macs",
        y="top1",
        series="model",
        log_x=True,
        chosen_by="val_top1",
    ),
    View(
        title="Accuracy against parameters",
        kind="scatter",
        x="params",
        y="top1",
        series="model",
        log_x=True,
        chosen_by="val_top1",
    ),
)


@dataclass(frozen=True)
class Scores:
    """Per cent of samples whose class is the first answer, or among the first five; the mean cross-entropy.

    With 5 classes or fewer every answer is among the first five: `top5` is 100 and says nothing. Where classes are of
    unlike sizes, so may `top1`: `balanced_accuracy` is the mean of the per cent of each class.
    """

    top1: float
    top5: float
    balanced_accuracy: float
    loss: float


@dataclass(frozen=True)
class ClassScores:
    """Per cent of samples whose class is the first answer; the mean of that per cent over classes; cross-entropy."""

    top1: float
    mean_class_accuracy: float
    loss: float


@dataclass(frozen=True)
class Answers:
    """What was answered to each sample, (samples,) each, on the CPU.

    Args:
        labels: The class it is of.
        first: Whether that was the first answer.
        among: Whether it was among the first five.
        loss: The cross-entropy, float64.
        classes: How many there are to choose from.
    """

    labels: Tensor
    first: Tensor
    among: Tensor
    loss: Tensor
    classes: int

    @classmethod
    def of(cls, model: nn.Module, split: Split, batch_size: int) -> "Answers":
        """Those of a model to all of `split`."""
        found = collect(model, split, batch_size, _answers)
        labels, first, among, loss = (
            torch.cat(column).cpu() for column in zip(*(row[:4] for row in found), strict=True)
        )
        return cls(labels, first, among, loss, found[0][4])


def _answers(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, int]:
    """(batch, classes) and (batch,)."""
    classes = logits.shape[1]
    hits = logits.topk(min(FIRST, classes)).indices == labels[:, None]
    loss = functional.cross_entropy(logits, labels, reduction="none").double()
    return labels, hits[:, 0], hits.any(dim=1), loss, classes


@dataclass(frozen=True)
class Classifying:
    """Cross-entropy, and how often the right class is the first or among the first five.

    The answer that is always the same is the shares of the classes, and of them the most frequent one.

    Args:
        label_smoothing: Share of each label that is spread over all classes while training.
        labels: The classes of the training samples, whose shares are that answer; None: those of the samples scored.
    """

    label_smoothing: float = 0.0
    labels: Tensor | None = field(default=None, repr=False)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, target, label_smoothing=self.label_smoothing)

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[Any]:
        answers = Answers.of(model, split, batch_size)
        loss = finite(answers.loss.mean().item(), "loss")
        known = answers.labels if self.labels is None else self.labels.cpu()
        guess = shares(known.bincount(minlength=answers.classes))
        constant = -guess.log()[answers.labels]
        more_right = answers.first.double() - (answers.labels == guess.argmax()).double()
        gains = (more_right, constant - answers.loss)
        return Scored(self.scores(answers, loss), loss, constant.mean().item(), gains)

    def scores(self, answers: Answers, loss: float) -> Any:
        """A dataclass of numbers."""
        return Scores(
            top1=_per_cent(answers.first),
            top5=_per_cent(answers.among),
            balanced_accuracy=100 * mean_over_classes(answers.first, answers.labels),
            loss=loss,
        )


@dataclass(frozen=True)
class ClassifyingByClass(Classifying):
    """Cross-entropy, and how often the right class is the first answer, in all and in each class."""

    def scores(self, answers: Answers, loss: float) -> Any:
        by_class = 100 * mean_over_classes(answers.first, answers.labels)
        return ClassScores(top1=_per_cent(answers.first), mean_class_accuracy=by_class, loss=loss)


def _per_cent(hits: Tensor) -> float:
    return 100 * int(hits.sum()) / len(hits)


class ClassificationConfig(TrainingConfig):
    """The part of a config that says how a classifier is trained."""

    label_smoothing: LabelSmoothing = 0.0

    def objective(self, data: Data) -> Objective[Any]:
        return Classifying(self.label_smoothing, data.labels)


class ClassificationScores(BaseModel):
    """The scores of a classifier, on the test samples and on those that were held out."""

    top1: float = Field(
        description="Test samples whose class is the first answer, after the last epoch",
        json_schema_extra={"unit": "%", "goal": "max", "curve": "test/top1"},
    )
    top5: float = Field(
        description="Test samples whose class is among the first five answers; 100 by definition up to five classes",
        json_schema_extra={"unit": "%", "goal": "max", "curve": "test/top5"},
    )
    balanced_accuracy: float | None = Field(
        None,
        description="Share of the test samples of a class whose class is the first answer, the mean over the classes",
        json_schema_extra={"unit": "%", "goal": "max", "curve": "test/balanced_accuracy"},
    )
    test_loss: float = Field(
        description="Mean cross-entropy of the test samples",
        json_schema_extra={"unit": "nats", "goal": "min", "curve": "test/loss"},
    )
    val_top1: float | None = validated("top1", unit="%", goal="max")
    val_top5: float | None = validated("top5", unit="%", goal="max")
    val_balanced_accuracy: float | None = validated("balanced_accuracy", unit="%", goal="max")
    val_loss: float | None = validated("test_loss", unit="nats", goal="min")


class ClassificationResult(TrainingResult, ClassificationScores):
    """The part of a result that says what the training of a classifier came to."""

    samples_per_second: Speed = Field(json_schema_extra={"unit": "samples/s", "goal": "max"})
    dataset_hash: DatasetHash


def mean_over_classes(right: Tensor, labels: Tensor) -> float:
    """The share of right answers in each class, averaged over the classes that occur.

    Shape:
        (count,), (count,) -> a number from 0 to 1.
    """
    counts = labels.bincount()
    found = labels[right].bincount(minlength=len(counts))[counts > 0] / counts[counts > 0].double()
    return found.mean().item()
