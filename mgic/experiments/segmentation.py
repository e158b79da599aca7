"""How well does a network tell of each pixel what it belongs to, and at what cost?"""

import json
from pathlib import Path
from typing import Annotated, Self

import torch
from pydantic import BaseModel, Field, model_validator
from torch import nn

from mgic.data.drawing import Segmented, draw_masks
from mgic.data.mask_sets import IGNORED, MASK_SETS, MaskBatches, load_masks
from mgic.errors import Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.models.config import ModelConfig, model_field
from mgic.records import View
from mgic.training import Network, Shard, Trained, fit, pick_device, save_weights, settings_of, together
from mgic.training.estimate import estimate_training
from mgic.training.fields import (
    BatchSize,
    Device,
    Epochs,
    LearningRate,
    LrStepEpochs,
    MaxSteps,
    Momentum,
    Optimizer,
    Processes,
    Seed,
    WeightDecay,
    known,
    whole_batch,
    whole_shares,
)
from mgic.training.results import Params, Resumed, Seconds, Speed, Steps, TransferMacs, course
from mgic.training.schedule import Schedule
from mgic.training.segmenting import Confusion, SegmentationScores, Segmenting

PICTURES = 4  # rows of predictions.png, evenly spaced in the test part: the same for all runs


class Config(ModelConfig):
    """The defaults are DeepLabv3's for Cityscapes, to which the paper refers (appendix B.3), but for the data set.

    From that paper are the augmentation, the 90,000 steps of 16 pictures, here as 484 epochs, and the falling rate;
    its first value is the one for PASCAL VOC. Momentum and weight decay are those of its published code for
    MobileNets. That its norms are frozen half-way is not done here. The crop, 769 there, is one that the set which
    is always here can give.
    """

    model: str = model_field("mgic_lraspp", task="segmentation")
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
    seed: Seed = 0
    epochs: Epochs = 484
    max_steps: MaxSteps = None
    batch_size: BatchSize = 16
    optimizer: Optimizer = "sgd"
    learning_rate: LearningRate = 0.007
    momentum: Momentum = 0.9
    weight_decay: WeightDecay = 4e-5
    schedule: Schedule = Field(
        "poly", description="Of the learning rate: in steps, half a cosine or the power 0.9 of a line down to 0"
    )
    lr_step_epochs: LrStepEpochs = 160
    augment: bool = Field(True, description="Pieces cut out at random, at scales of 1/2 to 2, half of them mirrored")
    processes: Processes = 1
    device: Device = "auto"

    @model_validator(mode="after")
    def _fits_the_pictures(self) -> Self:
        source = MASK_SETS[self.dataset]
        problems = whole_batch(self.batch_size, source.train)
        problems = problems or whole_shares(self.processes, self.batch_size, source.train)
        shorter = min(source.shape[1:])
        if self.crop > shorter:
            detail = f"crop={self.crop} is more than the pictures of {self.dataset} have, {shorter} pixels"
            problems.append(Problem("crop", "too_large", detail))
        if problems:
            raise self._located(problems)
        return self


class Result(BaseModel):
    miou: float = Field(
        description="Intersection over union, the mean over the classes, counted over all test pixels at once, after "
        "the last epoch",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    pixel_accuracy: float = Field(
        description="Test pixels that are taken for what they are", json_schema_extra={"unit": "%", "goal": "max"}
    )
    test_loss: float = Field(
        description="Mean cross-entropy of the test pixels", json_schema_extra={"unit": "nats", "goal": "min"}
    )
    constant_miou: float = Field(
        description="`miou` of the answer that every pixel is of the most frequent class",
        json_schema_extra={"unit": "%"},
    )
    constant_accuracy: float = Field(description="`pixel_accuracy` of that answer", json_schema_extra={"unit": "%"})
    params: Params
    macs: int = Field(
        description="Multiply-accumulates of one whole picture, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: TransferMacs
    samples_per_second: Speed = Field(json_schema_extra={"unit": "pictures/s", "goal": "max"})
    seconds: Seconds
    epochs_done: int = Field(description="Whole passes over the training pictures")
    steps: Steps
    resumed: Resumed
    dataset_hash: str = Field(
        description="First 16 hex digits of the SHA-256 of pictures and masks, or of their names and sizes"
    )


def estimate(config: Config) -> Estimate:
    """Known from the set's shape and size alone; no picture is read."""
    source = MASK_SETS[config.dataset]
    _, height, width = source.shape
    share = _piece(config)
    positions = round(share * height * width)
    return estimate_training(_network(config).cost, source.train, source.test, settings_of(config), positions, share)


@experiment(
    title="Segmentation",
    version=2,  # the block that the skip comes from widens its input once
    views=(
        View(title="mIoU against MACs", kind="scatter", x="macs", y="miou", series="model", log_x=True),
        View(title="mIoU against parameters", kind="scatter", x="params", y="miou", series="model", log_x=True),
        View(
            title="mIoU over group size and coarsest size", kind="heatmap", x="group_size", y="coarsest_size", z="miou"
        ),
        View(
            title="Pixel accuracy against MACs",
            kind="scatter",
            x="macs",
            y="pixel_accuracy",
            series="model",
            log_x=True,
        ),
        View(title="Predictions", kind="images", x="model", y="predictions.png"),
    ),
    estimate=estimate,
)
def segmentation(config: Config, context: Context) -> Result:
    """Train a network to tell of each pixel of a picture what it belongs to, and test it on other pictures.

    Cross-entropy of all pixels that have a class. Leaves the weights as model.safetensors, the intersection over
    union of each class and the confusion of classes as iou.json, and predictions.png: test pictures, what they show,
    and what was found.
    """
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    model, test, dataset_hash, trained = together(_train, config, context, config.processes, device)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    found = _objective(config).confusion(model, test, config.batch_size)
    _save_classes(found, MASK_SETS[config.dataset].classes, context.artifact("iou.json"))
    _save_picture(model, test, config, context.artifact("predictions.png"))
    return Result(
        miou=100 * found.miou,
        pixel_accuracy=100 * found.accuracy,
        test_loss=found.loss,
        constant_miou=100 * found.constant_miou,
        constant_accuracy=100 * found.constant_accuracy,
        samples_per_second=trained.speed,
        dataset_hash=dataset_hash,
        **course(trained, _network(config).cost),
    )


def _train(
    config: Config, context: Context, shard: Shard, device: torch.device
) -> tuple[nn.Module, MaskBatches, str, Trained[SegmentationScores]]:
    """What every process of a training does, with the test part and the hash of the set."""
    pictures = load_masks(config.dataset, context.data_dir)
    part, test = (MaskBatches(each, config.crop, device) for each in (pictures.train, pictures.test))
    model, trained = fit(config, _network(config), part, test, _objective(config), context, pictures.hash, shard)
    return model, test, pictures.hash, trained


def _objective(config: Config) -> Segmenting:
    return Segmenting(len(MASK_SETS[config.dataset].classes), IGNORED, _piece(config))


def _piece(config: Config) -> float:
    """Share of a picture's pixels that is learnt from at a time."""
    _, height, width = MASK_SETS[config.dataset].shape
    return config.crop**2 / (height * width) if config.augment else 1.0


def _network(config: Config) -> Network:
    source = MASK_SETS[config.dataset]
    return Network.of(config, source.shape, {"in_channels": source.shape[0], "num_classes": len(source.classes)})


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
def _save_picture(model: nn.Module, test: MaskBatches, config: Config, path: Path) -> None:
    source = MASK_SETS[config.dataset]
    model.eval()
    rows = []
    for place in range(PICTURES):
        number = place * len(test) // PICTURES
        image, truth = test.pictures.read(number)
        answers = model(test.take(slice(number, number + 1))[0])  # (1, classes, height, width)
        found = answers.argmax(dim=1)[0].byte().cpu()
        rows.append(Segmented(image.permute(1, 2, 0).numpy(), truth.numpy(), found.numpy()))
    draw_masks(rows, source.classes, source.colours).save(path)
