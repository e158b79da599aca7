"""How well does a network classify images, and at what cost?"""

from typing import Annotated, Self

import torch
from pydantic import BaseModel, Field, model_validator
from torch import nn

from mgic.data import DATASETS, load
from mgic.data.batches import train_and_test
from mgic.experiment import Context, Estimate, experiment
from mgic.models.config import ModelConfig, model_field
from mgic.records import View
from mgic.training import (
    Classifying,
    Network,
    Scores,
    Shard,
    Trained,
    fit,
    pick_device,
    save_weights,
    settings_of,
    together,
)
from mgic.training.estimate import estimate_training
from mgic.training.fields import (
    Device,
    Ema,
    Epochs,
    LabelSmoothing,
    LearningRate,
    LrStepEpochs,
    MaxSteps,
    Momentum,
    Processes,
    Schedule,
    Seed,
    WeightDecay,
    known,
    whole_batch,
    whole_shares,
)
from mgic.training.results import Params, Resumed, Seconds, Speed, Steps, TransferMacs, course


class Config(ModelConfig):
    """The defaults are the paper's for CIFAR-10 (appendix B.2), but for the data set, which is the one that ships."""

    model: str = model_field(task="image classification")
    dataset: Annotated[str, known(DATASETS)] = Field(
        "digits",
        description="Images to learn",
        json_schema_extra={"choices": "datasets", "task": "image classification"},
    )
    seed: Seed = Field(0, description="Weights, order and augmentation derive from it")
    epochs: Epochs = Field(100, description="Passes over the training images")
    max_steps: MaxSteps = None
    batch_size: int = Field(128, ge=1, le=4096, description="Images in a step", json_schema_extra={"unit": "images"})
    learning_rate: LearningRate = Field(0.001, description="Of SGD, in the first epoch")
    momentum: Momentum = Field(0.9, description="Of SGD, without Nesterov's correction")
    weight_decay: WeightDecay = 1e-4
    lr_step_epochs: LrStepEpochs = Field(
        30, description="The learning rate is divided by 10 each time so many epochs are over"
    )
    schedule: Schedule = "step"
    label_smoothing: LabelSmoothing = 0.0
    ema: Ema = 0.0
    processes: Processes = 1
    augment: bool = Field(
        True, description="Random crops out of padded images, and mirror images where the class allows it"
    )
    device: Device = "auto"

    @model_validator(mode="after")
    def _fits_the_images(self) -> Self:
        samples = DATASETS[self.dataset].train
        if problems := whole_batch(self.batch_size, samples) or whole_shares(self.processes, self.batch_size, samples):
            raise self._located(problems)
        return self


class Result(BaseModel):
    top1: float = Field(
        description="Test images whose class is the first answer, after the last epoch",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    top5: float = Field(
        description="Test images whose class is among the first five answers; 100 by definition up to five classes",
        json_schema_extra={"unit": "%", "goal": "max"},
    )
    test_loss: float = Field(
        description="Mean cross-entropy of the test images", json_schema_extra={"unit": "nats", "goal": "min"}
    )
    params: Params
    macs: int = Field(
        description="Multiply-accumulates of one image, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: TransferMacs
    images_per_second: Speed = Field(json_schema_extra={"unit": "images/s", "goal": "max"})
    seconds: Seconds
    epochs_done: int = Field(description="Whole passes over the training images")
    steps: Steps
    resumed: Resumed
    dataset_hash: str = Field(description="First 16 hex digits of the SHA-256 of the data set")


def estimate(config: Config) -> Estimate:
    """Known from the data set's shape and size alone; the data are not read."""
    source = DATASETS[config.dataset]
    _, height, width = source.shape
    return estimate_training(network(config).cost, source.train, source.test, settings_of(config), height * width)


@experiment(
    title="Image classification",
    views=(
        View(title="Accuracy against MACs", kind="scatter", x="macs", y="top1", series="model", log_x=True),
        View(
            title="Accuracy over group size and coarsest size",
            kind="heatmap",
            x="group_size",
            y="coarsest_size",
            z="top1",
        ),
        View(title="Accuracy against parameters", kind="scatter", x="params", y="top1", series="model", log_x=True),
    ),
    estimate=estimate,
)
def classification(config: Config, context: Context) -> Result:
    """Train a network on a set of images and test it on others, which it has not seen.

    SGD with momentum, cross-entropy, a learning rate that falls in steps or along a cosine. Ends at once when
    the loss is no finite number any more. Leaves the weights as model.safetensors.
    """
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    model, dataset_hash, trained = together(_train, config, context, config.processes, device)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    return Result(
        top1=trained.scores.top1,
        top5=trained.scores.top5,
        test_loss=trained.scores.loss,
        images_per_second=trained.speed,
        dataset_hash=dataset_hash,
        **course(trained, network(config).cost),
    )


def _train(
    config: Config, context: Context, shard: Shard, device: torch.device
) -> tuple[nn.Module, str, Trained[Scores]]:
    """What every process of a training does, with the hash of the data set; only the first one's scores are there."""
    dataset = load(config.dataset, context.data_dir)
    part, test = train_and_test(dataset, device)
    objective = Classifying(config.label_smoothing)
    model, trained = fit(config, network(config), part, test, objective, context, dataset.hash, shard)
    return model, dataset.hash, trained


def network(config: Config) -> Network:
    """What the config builds, on the images of its data set."""
    source = DATASETS[config.dataset]
    return Network.of(config, source.shape, {"in_channels": source.shape[0], "num_classes": source.classes})
