"""How well does a network classify images, and at what cost?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from mgic.data import DATASETS, load
from mgic.data.batches import train_and_test, validation_of
from mgic.experiment import Context, experiment
from mgic.models.config import model_field
from mgic.models.weights import Weighted, WeightsHash, load_trained
from mgic.records import Config as Fields
from mgic.records import InputRun, View
from mgic.tasks import CLASSIFICATION_VIEWS, ClassificationConfig, Data, DataSize, TrainingResult, estimate, learn
from mgic.tasks.classification import ClassificationScores
from mgic.tasks.datasets import DatasetConfig
from mgic.tasks.learning import DatasetHash, Speed
from mgic.training.fields import Epochs, LearningRate, LrStepEpochs, Momentum, Schedule, Seed, known


class Images(DatasetConfig):
    """What is learnt, or was."""

    dataset: Annotated[str, known(DATASETS)] = Field(
        "digits",
        description="Images to learn",
        json_schema_extra={"choices": "datasets", "task": "image classification"},
    )

    @property
    def images(self) -> DataSize:
        """What is known of them before they are read."""
        provider = DATASETS[self.dataset]
        options = {"in_channels": provider.shape[0], "num_classes": provider.classes}
        return DataSize(provider.shape, provider.train, provider.test, options, validation=provider.validation)


class Config(ClassificationConfig, Weighted, Images):
    """The defaults are the paper's for CIFAR-10 (appendix B.2), but for the data set, which is the one that ships."""

    model: str = model_field(task="image classification")
    seed: Seed = Field(0, description="Weights, order and augmentation derive from it")
    epochs: Epochs = Field(100, description="Passes over the training images")
    batch_size: int = Field(128, ge=1, le=4096, description="Images in a step", json_schema_extra={"unit": "images"})
    learning_rate: LearningRate = Field(0.001, description="Of SGD, in the first epoch")
    momentum: Momentum = Field(0.9, description="Of SGD, without Nesterov's correction")
    schedule: Schedule = "step"
    lr_step_epochs: LrStepEpochs = Field(
        30, description="The learning rate is divided by 10 each time so many epochs are over"
    )
    augment: bool = Field(
        True, description="Random crops out of padded images, and mirror images where the class allows it"
    )

    @property
    def size(self) -> DataSize:
        return self.images

    @classmethod
    def following(cls, asked: Fields, inputs: Mapping[str, InputRun]) -> Fields:
        """The network is that of the run; so are the data, unless it is to learn others."""
        own = {name: value for name, value in asked.items() if name in ("dataset", "data_hash")}
        followed = super().following({name: asked[name] for name in asked if name not in own}, inputs)
        if own:
            followed.pop("data_hash", None)
        return followed | own

    def read(self, data_dir: Path, device: torch.device) -> Data:
        dataset = load(self.dataset, data_dir)
        train, test = train_and_test(dataset, device)
        return Data(train, test, self.as_planned(dataset.hash), train.labels, validation_of(dataset, device))

    def begin(self, model: nn.Module, context: Context) -> str:
        found = load_trained(model, self, context, other_classes=True)
        return found.hash if found else ""


class Result(TrainingResult, ClassificationScores):
    macs: int = Field(
        description="Multiply-accumulates of one image, R and P included", json_schema_extra={"goal": "min"}
    )
    images_per_second: Speed = Field(json_schema_extra={"unit": "images/s", "goal": "max"})
    dataset_hash: DatasetHash
    weights_hash: WeightsHash = None


@experiment(
    title="Image classification",
    views=(
        CLASSIFICATION_VIEWS[0],
        View(
            title="Accuracy over group size and coarsest size",
            kind="heatmap",
            x="group_size",
            y="coarsest_size",
            z="top1",
            chosen_by="val_top1",
        ),
        CLASSIFICATION_VIEWS[1],
        View(
            title="Balanced accuracy against MACs",
            kind="scatter",
            x="macs",
            y="balanced_accuracy",
            series="model",
            log_x=True,
            chosen_by="val_balanced_accuracy",
        ),
        View(title="Accuracy against width", x="width", y="top1", series="model", log_x=True, chosen_by="val_top1"),
        View(title="MACs against width", x="width", y="macs", series="model", log_x=True, log_y=True),
    ),
    version=2,
    estimate=estimate,
)
def classification(config: Config, context: Context) -> Result:
    """Train a network on a set of images and test it on others, which it has not seen.

    SGD with momentum, cross-entropy, a learning rate that falls in steps or along a cosine. Ends at once when
    the loss is no finite number any more. It begins with drawn weights, or with those of a file or of a trained run
    (fine-tuning); where these are of other classes, the last layer begins anew. Leaves the weights as
    model.safetensors.
    """
    learnt = learn(config, context)
    trained = learnt.trained
    return Result(**learnt.fields, images_per_second=trained.speed, weights_hash=trained.began or None)
