"""Telling of each pixel what it belongs to: cross-entropy, and intersection over union."""

from dataclasses import dataclass, field

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.data.mask_sets import IGNORED
from mgic.tasks.learning import Data, DatasetHash, Speed, TrainingConfig, TrainingResult, validated
from mgic.training.fields import Schedule
from mgic.training.scoring import Scored, collect, finite, shares
from mgic.training.split import Split


@dataclass(frozen=True)
class Pictures:
    """What was made of each picture; pixels whose class is ignored are not in it. On the CPU.

    Args:
        pixels: (pictures, classes), int64: how many are of each class.
        right: (pictures,), int64: how many were taken for what they are.
        loss: (pictures,), float64: the sum of their cross-entropies.
    """

    pixels: Tensor
    right: Tensor
    loss: Tensor

    def gains(self) -> tuple[tuple[Tensor, Tensor], float]:
        """Against the shares of the classes, and of them the most frequent one, everywhere: right pixels and loss.

        The means over each picture that has a pixel, and the mean loss of that answer over all pixels.
        """
        total = self.pixels.sum(dim=0)
        surprise = -shares(total).log()
        count = self.pixels.sum(dim=1)
        there = count > 0
        constant = self.pixels.double() @ surprise
        more_right = (self.right - self.pixels[:, total.argmax()]).double()
        gains = (more_right[there] / count[there], (constant - self.loss)[there] / count[there])
        return gains, (constant.sum() / count.sum()).item()


@dataclass(frozen=True)
class Confusion:
    """What the pixels of a split are, and what they were taken for.

    Args:
        counts: (classes, classes), int64: pixels of the row's class that were taken for the column's. Pixels whose
            class is ignored are not in it.
        iou: (classes,): intersection over union, 0 to 1; 0 too for a class that is in no row and no column.
        loss: The mean cross-entropy of a pixel.
        pictures: Of each picture; None: not kept.
    """

    counts: Tensor
    iou: Tensor
    loss: float
    pictures: "Pictures | None" = field(default=None, repr=False)

    @property
    def pixels(self) -> Tensor:
        """(classes,): how many there are of each class."""
        return self.counts.sum(dim=1)

    @property
    def miou(self) -> float:
        """The mean of `iou` over the classes that occur, 0 to 1."""
        return self.iou[self.pixels > 0].double().mean().item()

    @property
    def accuracy(self) -> float:
        """Share of pixels that were taken for what they are."""
        return self.counts.diagonal().sum().item() / self.counts.sum().item()

    @property
    def constant_accuracy(self) -> float:
        """`accuracy` of the answer that every pixel is of the most frequent class."""
        return self.pixels.max().item() / self.counts.sum().item()

    @property
    def constant_miou(self) -> float:
        """`miou` of that answer: what it takes for its class is the whole picture, and of the others it finds none."""
        return self.constant_accuracy / int((self.pixels > 0).sum())


@dataclass(frozen=True)
class SegmentationScores:
    """Mean intersection over union and share of right pixels, per cent; cross-entropy."""

    miou: float
    pixel_accuracy: float
    loss: float


@dataclass(frozen=True)
class Segmenting:
    """Cross-entropy over all pixels of a batch, and the intersection over union over all pixels of a split.

    Several processes each take the mean over the pixels that count in their own share: where shares differ in these,
    the result differs a little from that of one process.

    Args:
        classes: How many.
        ignored: The label of pixels that do not count.
        piece: Share of a picture's pixels that is learnt from at a time. So many more than in a training batch
            would be tested together; they are fewer pictures instead.
    """

    classes: int
    ignored: int
    piece: float = 1.0

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        total = functional.cross_entropy(output, target, ignore_index=self.ignored, reduction="sum")
        return total / (target != self.ignored).sum().clamp_min(1)  # there may be no pixel that counts

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[SegmentationScores]:
        found = self.confusion(model, split, batch_size)
        assert found.pictures is not None  # `confusion` keeps them
        gains, constant_loss = found.pictures.gains()
        scores = SegmentationScores(miou=100 * found.miou, pixel_accuracy=100 * found.accuracy, loss=found.loss)
        return Scored(scores, found.loss, constant_loss, gains)

    def confusion(self, model: nn.Module, split: Split, batch_size: int) -> Confusion:
        """What the model in eval mode makes of all of `split`; its mode is put back as it was.

        Raises:
            Diverged: The loss is not a finite number.
        """
        from torchmetrics.classification import MulticlassJaccardIndex

        metric = MulticlassJaccardIndex(self.classes, average=None, ignore_index=self.ignored, validate_args=False)
        metric = metric.to(split.device)

        def measure(answers: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            """(batch, classes, height, width) and (batch, height, width)."""
            found = answers.argmax(dim=1)
            metric.update(found, masks)
            loss = functional.cross_entropy(answers, masks, ignore_index=self.ignored, reduction="none")
            counted = masks != self.ignored
            pixels = torch.stack([(masks == label).flatten(1).sum(dim=1) for label in range(self.classes)], dim=1)
            right = ((found == masks) & counted).flatten(1).sum(dim=1)
            return pixels, right, loss.flatten(1).sum(dim=1, dtype=torch.float64)

        rows = collect(model, split, max(1, int(batch_size * self.piece)), measure)
        pictures = Pictures(*(torch.cat(column).cpu() for column in zip(*rows, strict=True)))
        iou, counts = metric.compute().cpu(), metric.confmat.cpu()
        loss = finite(pictures.loss.sum().item() / counts.sum().item(), "loss")
        return Confusion(counts, iou, loss, pictures)


class SegmentationConfig(TrainingConfig):
    """The part of a config that says how a segmentation is trained."""

    schedule: Schedule = "poly"

    def objective(self, data: Data) -> Segmenting:  # noqa: ARG002 - of every task
        return Segmenting(self.size.options["num_classes"], IGNORED, self.size.piece)


class SegmentationScoresPart(BaseModel):
    """The scores of a segmentation, on the test pictures and on those that were held out."""

    miou: float = Field(
        description="Intersection over union, the mean over the classes, counted over all test pixels at once, after "
        "the last epoch",
        json_schema_extra={"unit": "%", "goal": "max", "curve": "test/miou"},
    )
    pixel_accuracy: float = Field(
        description="Test pixels that are taken for what they are",
        json_schema_extra={"unit": "%", "goal": "max", "curve": "test/pixel_accuracy"},
    )
    test_loss: float = Field(
        description="Mean cross-entropy of the test pixels",
        json_schema_extra={"unit": "nats", "goal": "min", "curve": "test/loss"},
    )
    val_miou: float | None = validated("miou", unit="%", goal="max")
    val_pixel_accuracy: float | None = validated("pixel_accuracy", unit="%", goal="max")
    val_loss: float | None = validated("test_loss", unit="nats", goal="min")


class SegmentationResult(TrainingResult, SegmentationScoresPart):
    """The part of a result that says what the training of a segmentation came to."""

    samples_per_second: Speed = Field(json_schema_extra={"unit": "samples/s", "goal": "max"})
    dataset_hash: DatasetHash
