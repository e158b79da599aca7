"""How good is a trained classifier: right answers, honest confidence, and what is left of both on harder images?"""

import time
from collections.abc import Iterator, Sequence
from math import prod
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, StringConstraints, field_validator

from mgic.data import load
from mgic.data.batches import train_and_test
from mgic.data.corruptions import Corrupted, Corruption, Images
from mgic.data.dataset import DATASETS, ImageProvider
from mgic.errors import BadConfig, Problem
from mgic.experiment import Context, Estimate, experiment
from mgic.experiments import classification
from mgic.models.config import model_field
from mgic.models.weights import Weighted, WeightsHash, load_trained
from mgic.records import Cost, View
from mgic.tasks.evaluation import BINS, Judged
from mgic.tasks.learning import DatasetHash
from mgic.training import Network, pick_device
from mgic.training.fields import Device, Seed
from mgic.training.scoring import predict

MOST_CLASSES = 50  # of which the confusion is a table
MOST_LETTERS = 60  # of the name of a class that are kept
PER_CENT: dict[str, JsonValue] = {"unit": "%", "goal": "max"}


class Config(Weighted, classification.Images):
    model: str = model_field(task="image classification")
    batch_size: int = Field(256, ge=1, le=4096, description="Images in a pass", json_schema_extra={"unit": "images"})
    noise: list[float] = Field(
        [0.05, 0.1, 0.2, 0.4],
        max_length=16,
        description="Normal noise on every pixel: its standard deviation, black to white being 1",
    )
    blur: list[float] = Field(
        [0.0125, 0.025, 0.05, 0.1],
        max_length=16,
        description="Blur by a normal kernel: its standard deviation, as a share of the image's shorter side",
    )
    contrast: list[float] = Field(
        [0.25, 0.5, 0.75, 0.9],
        max_length=16,
        description="Contrast taken away: the share of the way that each pixel moves to the mean of its image",
    )
    seed: Seed = Field(0, description="The noise derives from it, and nothing else")
    device: Device = "auto"

    @field_validator("noise", "blur", "contrast")
    @classmethod
    def _strengths(cls, strengths: list[float]) -> list[float]:
        if not all(0 < one <= 1 for one in strengths):
            raise ValueError("numbers above 0 and up to 1 are wanted; 0, the images as they are, is there anyway")
        return sorted(set(strengths))

    @property
    def network(self) -> Network:
        return Network.of(self, self.images.sample, self.images.options)

    @property
    def strengths(self) -> dict[Corruption, list[float]]:
        return {"noise": self.noise, "blur": self.blur, "contrast": self.contrast}


class CorruptionRow(BaseModel):
    corruption: Corruption = Field(description="What was done to the test images", json_schema_extra={"key": True})
    strength: float = Field(description="How much, see the fields; 0: as they are", json_schema_extra={"key": True})
    corrupted_top1: float = Field(description="`top1` on these images", json_schema_extra=PER_CENT)
    corrupted_nll: float = Field(description="`nll` on these images", json_schema_extra={"unit": "nats", "goal": "min"})
    corrupted_calibration_error: float = Field(
        description="`calibration_error` on these images", json_schema_extra={"goal": "min"}
    )


ClassName = Annotated[str, StringConstraints(max_length=MOST_LETTERS)] | int


class ClassRow(BaseModel):
    label: ClassName = Field(
        description="The class: its name, or its number from 0 in a data set that names none; in the order of numbers",
        json_schema_extra={"key": True},
    )
    class_samples: int = Field(description="Test images of this class")
    recall: float | None = Field(
        description="Of the images of this class, those that are taken for it; empty without any",
        json_schema_extra=PER_CENT,
    )
    precision: float | None = Field(
        description="Of the images that are taken for this class, those that are of it; empty without any",
        json_schema_extra=PER_CENT,
    )


class ConfusionRow(BaseModel):
    label: ClassName = Field(description="The class that images are of", json_schema_extra={"key": True})
    answer: ClassName = Field(description="The class that they are taken for", json_schema_extra={"key": True})
    count: int = Field(description="Test images")
    share: float | None = Field(description="Of those of the class; empty without any", json_schema_extra={"unit": "%"})


class Result(BaseModel):
    top1: float = Field(
        description="Test images whose class is the first answer", json_schema_extra={**PER_CENT, "headline": True}
    )
    top5: float = Field(
        description="Test images whose class is among the first five answers; 100 by definition up to five classes",
        json_schema_extra=PER_CENT,
    )
    balanced_accuracy: float = Field(
        description="Right first answers in each class, the mean over the classes that occur",
        json_schema_extra={**PER_CENT, "headline": True},
    )
    nll: float = Field(
        description="Negative log likelihood: the mean cross-entropy", json_schema_extra={"unit": "nats", "goal": "min"}
    )
    calibration_error: float = Field(
        description="Expected calibration error: |share of right answers - mean confidence|, averaged over "
        f"{BINS} bins of equal width of the confidence by their images",
        json_schema_extra={"goal": "min", "headline": True},
    )
    mean_corrupted_top1: float | None = Field(
        description="`corrupted_top1`, the mean over all strengths above 0; empty without any",
        json_schema_extra=PER_CENT,
    )
    corruptions: list[CorruptionRow] = Field(description="One row a corruption and strength")
    per_class: list[ClassRow] = Field(description="One row a class")
    confusion: list[ConfusionRow] = Field(
        description=f"One row a pair of classes; none with more than {MOST_CLASSES} classes: predictions.npz has it too"
    )
    test_samples: int = Field(description="Test images")
    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of one image, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    seconds: float = Field(description="All passes over the test images", json_schema_extra={"unit": "s"})
    dataset_hash: DatasetHash
    weights_hash: WeightsHash


def estimate(config: Config) -> Estimate:
    """One pass over the test images as they are, and one for each strength."""
    if not config.from_file:
        detail = "there is nothing to evaluate: name a trained run as trained=, or a file of weights as weights="
        raise BadConfig(detail, (Problem("trained", "needed", detail),))
    cost, images = config.network.cost, config.images
    passes = 1 + sum(map(len, config.strengths.values()))
    return Estimate(
        cost=Cost(**cost.model_dump(include=set(Cost.model_fields))),
        group_sizes=cost.group_sizes,
        work_macs=float(cost.macs) * images.test * passes,
        batch_pixels=prod(images.sample[1:]) * config.batch_size,
    )


@experiment(
    title="Evaluation of a trained network",
    version=2,
    views=(
        View(
            title="Accuracy over strength",
            table="corruptions",
            x="strength",
            y="corrupted_top1",
            series="corruption",
        ),
        View(
            title="Accuracy under noise",
            table="corruptions",
            where={"corruption": "noise"},
            x="strength",
            y="corrupted_top1",
            series="model",
        ),
        View(
            title="Calibration error over strength",
            table="corruptions",
            x="strength",
            y="corrupted_calibration_error",
            series="corruption",
        ),
        View(title="What is taken for what", kind="heatmap", table="confusion", x="answer", y="label", z="share"),
        View(title="Right answers by class", kind="bar", table="per_class", x="label", y="recall", series="model"),
        View(title="Calibration against accuracy", kind="scatter", x="top1", y="calibration_error", series="model"),
    ),
    estimate=estimate,
)
def evaluate(config: Config, context: Context) -> Result:
    """Test a trained network: accuracy, calibration, classes, and accuracy under noise, blur and less contrast.

    Nothing is learnt. The network is that of a trained run, or is given weights from a file. Leaves the answer to each
    test image as predictions.npz: id, label, prediction, confidence, loss and logits; the id is the image's place in
    the test set, the same for all runs on data of the same hash, so that two networks can be compared image by image.
    """
    estimate(config)  # refuses a config without weights
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    model = config.network.build(config.seed)
    loaded = load_trained(model, config, context)
    dataset = load(config.dataset, context.data_dir)
    config.as_planned(dataset.hash)
    _, test = train_and_test(dataset, device)
    model.to(device).eval()
    start = time.perf_counter()
    context.report(0.0, "evaluating")
    plain = Judged(*predict(model, test, config.batch_size))
    context.log(f"top-1 {plain.top1:.2f} %, calibration error {plain.calibration_error:.4f}")
    rows = [_row(kind, 0.0, plain) for kind, strengths in config.strengths.items() if strengths]
    for kind, strength, split in _harder(config, test, dataset.mean, dataset.std, context):
        rows.append(_row(kind, strength, Judged(*predict(model, split, config.batch_size))))
        context.log(f"{kind} {strength:g}: top-1 {rows[-1].corrupted_top1:.2f} %")
    seconds = time.perf_counter() - start
    context.report(1.0, "saving")
    weights = loaded.hash if loaded else None
    plain.save(context.artifact("predictions.npz"), dataset.hash, weights)
    return _result(config, plain, rows, seconds, dataset.hash, weights)


def _harder(
    config: Config, test: Images, mean: tuple[float, ...], std: tuple[float, ...], context: Context
) -> Iterator[tuple[Corruption, float, Corrupted]]:
    """Every corruption at every strength above 0."""
    asked = [(kind, strength) for kind, strengths in config.strengths.items() for strength in strengths]
    for number, (kind, strength) in enumerate(asked, 1):
        context.report(number / (len(asked) + 1), "evaluating")
        yield kind, strength, Corrupted(test, mean, std, kind, strength, config.seed)


def _row(kind: Corruption, strength: float, judged: Judged) -> CorruptionRow:
    return CorruptionRow(
        corruption=kind,
        strength=strength,
        corrupted_top1=judged.top1,
        corrupted_nll=judged.nll,
        corrupted_calibration_error=judged.calibration_error,
    )


def _result(
    config: Config, plain: Judged, rows: list[CorruptionRow], seconds: float, data: str, weights: str | None
) -> Result:
    cost = config.network.cost
    names = class_names(DATASETS[config.dataset])
    harder = [row.corrupted_top1 for row in rows if row.strength]
    rows.sort(key=lambda row: (list(config.strengths).index(row.corruption), row.strength))
    return Result(
        top1=plain.top1,
        top5=plain.top5,
        balanced_accuracy=plain.balanced_accuracy,
        nll=plain.nll,
        calibration_error=plain.calibration_error,
        mean_corrupted_top1=sum(harder) / len(harder) if harder else None,
        corruptions=rows,
        per_class=_classes(plain, names),
        confusion=_confusion(plain, names),
        test_samples=len(plain.labels),
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        seconds=seconds,
        dataset_hash=data,
        weights_hash=weights,
    )


def class_names(images: ImageProvider) -> list[str | int]:
    """In the order of the classes' numbers; those, where the data set has no names that tell its classes apart."""
    names = [name[:MOST_LETTERS] for name in images.names]
    return [*names] if len(set(names)) == images.classes else [*range(images.classes)]


def _classes(judged: Judged, names: Sequence[str | int]) -> list[ClassRow]:
    counts = judged.confusion
    there, taken, right = counts.sum(dim=1).tolist(), counts.sum(dim=0).tolist(), counts.diagonal().tolist()
    return [
        ClassRow(label=label, class_samples=n, recall=_per_cent(hits, n), precision=_per_cent(hits, answered))
        for label, n, answered, hits in zip(names, there, taken, right, strict=True)
    ]


def _confusion(judged: Judged, names: Sequence[str | int]) -> list[ConfusionRow]:
    counts = judged.confusion.tolist()
    if len(counts) > MOST_CLASSES:
        return []
    return [
        ConfusionRow(label=label, answer=answer, count=count, share=_per_cent(count, sum(row)))
        for label, row in zip(names, counts, strict=True)
        for answer, count in zip(names, row, strict=True)
    ]


def _per_cent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
