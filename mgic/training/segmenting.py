"""How good is a network that tells of each pixel what it belongs to?"""

from dataclasses import dataclass
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import Diverged
from mgic.training.part import Part
from mgic.training.precision import autocast


@dataclass(frozen=True)
class Confusion:
    """What the pixels of a part are, and what they were taken for.

    Args:
        counts: (classes, classes), int64: pixels of the row's class that were taken for the column's. Pixels whose
            class is ignored are not in it.
        iou: (classes,): intersection over union, 0 to 1; 0 too for a class that is in no row and no column.
        loss: The mean cross-entropy of a pixel.
    """

    counts: Tensor
    iou: Tensor
    loss: float

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
    """Cross-entropy over all pixels of a batch, and the intersection over union over all pixels of a part.

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

    def score(self, model: nn.Module, part: Part, batch_size: int) -> SegmentationScores:
        found = self.confusion(model, part, batch_size)
        return SegmentationScores(miou=100 * found.miou, pixel_accuracy=100 * found.accuracy, loss=found.loss)

    def confusion(self, model: nn.Module, part: Part, batch_size: int) -> Confusion:
        """What the model in eval mode makes of all of `part`; its mode is put back as it was.

        Raises:
            Diverged: The loss is not a finite number.
        """
        # Imported where it is needed: it takes a quarter of a second, which every other run would wait for.
        index = import_module("torchmetrics.classification").MulticlassJaccardIndex
        metric = index(self.classes, average=None, ignore_index=self.ignored, validate_args=False).to(part.device)
        at_once = max(1, int(batch_size * self.piece))
        training = model.training
        model.eval()
        total = torch.zeros((), dtype=torch.float64, device=part.device)
        with torch.inference_mode():
            batches = [(slice(start, start + at_once), None) for start in range(0, len(part), at_once)]
            for images, masks in part.stream(batches):
                with autocast(part.device):
                    answers = model(images)
                answers = answers.float()  # (batch, classes, height, width)
                metric.update(answers.argmax(dim=1), masks)
                total += functional.cross_entropy(answers, masks, ignore_index=self.ignored, reduction="sum")
            iou, counts = metric.compute().cpu(), metric.confmat.cpu()
        model.train(training)
        loss = total.item() / counts.sum().item()
        if not torch.isfinite(total):
            raise Diverged(f"the test loss is {loss}")
        return Confusion(counts, iou, loss)
