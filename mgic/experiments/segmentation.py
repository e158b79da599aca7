"""How well does a network tell of each pixel what it belongs to, and at what cost?"""

import json
from pathlib import Path
from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from mgic.data.drawing import Segmented, draw_masks
from mgic.data.mask_sets import MASK_SETS, MaskBatches, load_masks, shown
from mgic.errors import Problem
from mgic.experiment import Context, experiment
from mgic.models.config import model_field
from mgic.records import View
from mgic.tasks import Data, DataSize, SegmentationConfig, SegmentationResult, estimate, learn
from mgic.tasks.datasets import DatasetConfig
from mgic.tasks.learning import DatasetHash, Speed
from mgic.tasks.segmentation import Confusion
from mgic.training import Split
from mgic.training.fields import BatchSize, Epochs, LearningRate, LrStepEpochs, Momentum, WeightDecay, known

PICTURES = 4  # rows of predictions.png, evenly spaced in the test split: the same for all runs


class Masks(DatasetConfig):
    """What is learnt."""

    dataset: Annotated[str, known(MASK_SETS)] = Field(
        "shapes",
        description="Pictures to learn",
        json_schema_extra={"choices": "datasets", "task": "segmentation"},
    )
    crop: int = Field(
        64,
        ge=32,
        le=2048,
        description="Side of the pieces that are learnt from, where pictures are augmented; they are tested whole",
        json_schema_extra={"unit": "pixels"},
    )


class Config(SegmentationConfig, Masks):
    """The defaults are DeepLabv3's for Cityscapes, to which the paper refers (appendix B.3), but for the data set.

    From that paper are the augmentation, the 90,000 steps of 16 pictures, here as 484 epochs, and the falling rate;
    its first value is the one for PASCAL VOC. Momentum and weight decay are those of its published code for
    MobileNets. That its norms are frozen half-way is not done here. The crop, 769 there, is one that the set which
    is always here can give.
    """

    model: str = model_field("mgic_lraspp", task="segmentation")
    epochs: Epochs = 484
    batch_size: BatchSize = 16
    learning_rate: LearningRate = 0.007
    momentum: Momentum = 0.9
    weight_decay: WeightDecay = 4e-5
    lr_step_epochs: LrStepEpochs = 160
    augment: bool = Field(True, description="Pieces cut out at random, at scales of 1/2 to 2, half of them mirrored")

    @model_validator(mode="after")
    def _fits_the_pictures(self) -> Self:
        shorter = min(MASK_SETS[self.dataset].shape[1:])
        if self.crop > shorter:
            detail = f"crop={self.crop} is more than the pictures of {self.dataset} have, {shorter} pixels"
            raise self._located([Problem("crop", "too_large", detail)])
        return self

    @property
    def size(self) -> DataSize:
        provider = MASK_SETS[self.dataset]
        channels, height, width = provider.shape
        piece = self.crop**2 / (height * width) if self.augment else 1.0
        options = {"in_channels": channels, "num_classes": len(provider.classes)}
        counts = provider.train, provider.test
        return DataSize(provider.shape, *counts, options, round(piece * height * width), piece, provider.validation)

    def read(self, data_dir: Path, device: torch.device) -> Data:
        pictures = load_masks(self.dataset, data_dir)
        train, test = (MaskBatches(each, self.crop, device) for each in (pictures.train, pictures.test))
        held = MaskBatches(pictures.validation, self.crop, device) if pictures.validation else None
        return Data(train, test, self.as_planned(pictures.hash), validation=held)


class Result(SegmentationResult):
    constant_miou: float = Field(
        description="`miou` of the answer that every pixel is of the most frequent class",
        json_schema_extra={"unit": "%"},
    )
    constant_accuracy: float = Field(description="`pixel_accuracy` of that answer", json_schema_extra={"unit": "%"})
    macs: int = Field(
        description="Multiply-accumulates of one whole picture, R and P included", json_schema_extra={"goal": "min"}
    )
    samples_per_second: Speed = Field(json_schema_extra={"unit": "pictures/s", "goal": "max"})
    dataset_hash: DatasetHash = Field(
        description="First 16 hex digits of the SHA-256 of pictures and masks, or of their names and sizes"
    )


@experiment(
    title="Segmentation",
    views=(
        View(
            title="mIoU against MACs",
            kind="scatter",
            x="macs",
            y="miou",
            series="model",
            log_x=True,
            chosen_by="val_miou",
        ),
        View(
            title="mIoU against parameters",
            kind="scatter",
            x="params",
            y="miou",
            series="model",
            log_x=True,
            chosen_by="val_miou",
        ),
        View(
            title="mIoU over group size and coarsest size",
            kind="heatmap",
            x="group_size",
            y="coarsest_size",
            z="miou",
            chosen_by="val_miou",
        ),
        View(
            title="Pixel accuracy against MACs",
            kind="scatter",
            x="macs",
            y="pixel_accuracy",
            series="model",
            log_x=True,
            chosen_by="val_pixel_accuracy",
        ),
        View(title="Predictions", kind="images", x="model", y="predictions.png"),
    ),
    version=2,
    estimate=estimate,
)
def segmentation(config: Config, context: Context) -> Result:
    """Train a network to tell of each pixel of a picture what it belongs to, and test it on other pictures.

    Cross-entropy of all pixels that have a class. Leaves the weights as model.safetensors, the intersection over
    union of each class and the confusion of classes as iou.json, and predictions.png: test pictures, what they show,
    and what was found.
    """
    learnt = learn(config, context)
    test = learnt.data.test
    found = config.objective(learnt.data).confusion(learnt.model, test, config.batch_size)
    _save_classes(found, MASK_SETS[config.dataset].classes, context.artifact("iou.json"))
    _save_picture(learnt.model, test, config, context.artifact("predictions.png"))
    return Result(
        **learnt.fields, constant_miou=100 * found.constant_miou, constant_accuracy=100 * found.constant_accuracy
    )


def _save_classes(found: Confusion, names: tuple[str, ...], path: Path) -> None:
    """By class, and all numbers that the result is made of."""
    classes = {
        name: {"iou": 100 * float(iou) if pixels else None, "pixels": int(pixels)}
        for name, iou, pixels in zip(names, found.iou, found.pixels, strict=True)
    }
    written = {
        "classes": classes,
        "iou": "per cent of the pixels that are of the class, or were taken for it; null where none is",
        "confusion": {name: row for name, row in zip(names, found.counts.tolist(), strict=True)},
        "rows": "what pixels are; each has what they were taken for, in the order of the classes",
    }
    path.write_text(json.dumps(written, indent=1) + "\n")


@torch.inference_mode()
def _save_picture(model: nn.Module, test: Split, config: Config, path: Path) -> None:
    provider = MASK_SETS[config.dataset]
    model.eval()
    rows = []
    for place in range(PICTURES):
        number = place * len(test) // PICTURES
        images, masks = test.take(slice(number, number + 1))
        answers = model(images)  # (1, classes, height, width)
        found = answers.argmax(dim=1)[0].byte().cpu()
        image, truth = shown(images[0]).permute(1, 2, 0).cpu(), masks[0].byte().cpu()
        rows.append(Segmented(image.numpy(), truth.numpy(), found.numpy()))
    draw_masks(rows, provider.classes, provider.colours).save(path)
