"""The same experiment without a kind of training: every field, check and score of it written out."""

from dataclasses import dataclass, field
from typing import Self

import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from mgic.experiment import Context, Estimate, experiment
from mgic.models.config import ModelConfig, model_field
from mgic.records import View
from mgic.training import (
    Network,
    Portion,
    Scored,
    Shard,
    Split,
    Trained,
    fit,
    held_out,
    hyperparameters_of,
    pick_device,
    save_weights,
    set_aside,
    together,
)
from mgic.training.estimate import estimate_training
from mgic.training.fields import (
    BatchSize,
    Device,
    Ema,
    Epochs,
    LabelSmoothing,
    LearningRate,
    LrStepEpochs,
    MaxSteps,
    Momentum,
    Optimizer,
    Precision,
    Processes,
    Schedule,
    Seed,
    ValidationShare,
    WeightDecay,
    whole_batch,
    whole_shares,
)
from mgic.training.scoring import collect, finite, shares
from tests.mgic.tasks.stripes import SIDE, TEST, TRAIN, stripes


class Config(ModelConfig):
    model: str = model_field("resnet20", task="image classification")
    seed: Seed = 0
    epochs: Epochs = 100
    max_steps: MaxSteps = None
    batch_size: BatchSize = 128
    optimizer: Optimizer = "sgd"
    learning_rate: LearningRate = 0.1
    momentum: Momentum = 0.9
    weight_decay: WeightDecay = 1e-4
    schedule: Schedule = "cosine"
    lr_step_epochs: LrStepEpochs = 30
    ema: Ema = 0.0
    label_smoothing: LabelSmoothing = 0.0
    precision: Precision = "float32"
    validation_share: ValidationShare = 0.0
    processes: Processes = 1
    device: Device = "auto"

    @property
    def learnt_from(self) -> int:
        return TRAIN - held_out(TRAIN, self.validation_share)

    @model_validator(mode="after")
    def _fits_the_images(self) -> Self:
        samples = self.learnt_from
        if problems := whole_batch(self.batch_size, samples) or whole_shares(self.processes, self.batch_size, samples):
            raise self._located(problems)
        return self


class Result(BaseModel):
    top1: float = Field(
        description="Test images whose class is the first answer", json_schema_extra={"unit": "%", "goal": "max"}
    )
    top5: float = Field(
        description="Test images whose class is among the first five", json_schema_extra={"unit": "%", "goal": "max"}
    )
    balanced_accuracy: float | None = Field(description="The mean over the classes", json_schema_extra={"unit": "%"})
    test_loss: float = Field(
        description="Mean cross-entropy of the test images", json_schema_extra={"unit": "nats", "goal": "min"}
    )
    val_top1: float | None = Field(description="Of those held out", json_schema_extra={"unit": "%", "goal": "max"})
    val_top5: float | None = Field(description="Of those held out", json_schema_extra={"unit": "%", "goal": "max"})
    val_balanced_accuracy: float | None = Field(description="Of those held out", json_schema_extra={"unit": "%"})
    val_loss: float | None = Field(description="Of those held out", json_schema_extra={"unit": "nats", "goal": "min"})
    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(description="Multiply-accumulates of one image", json_schema_extra={"goal": "min"})
    transfer_macs: int = Field(description="Share of the transfer operators in `macs`")
    seconds: float = Field(description="Training alone, without evaluation", json_schema_extra={"unit": "s"})
    epochs_done: int = Field(description="Whole passes over the training images")
    steps: int = Field(description="Batches trained on")
    resumed: bool = Field(description="Whether an interrupted attempt was gone on with")
    stopped_early: bool = Field(description="Whether a search ended it")
    no_better_than_guessing: bool = Field(description="Whether the answers are worth no more than a guess")
    caution: str | None = Field(description="Why, in words")
    samples_per_second: float = Field(description="While training", json_schema_extra={"unit": "images/s"})
    dataset_hash: str = Field(description="Of the images")


@dataclass(frozen=True)
class Scores:
    top1: float
    top5: float
    balanced: float
    loss: float


@dataclass(frozen=True)
class Telling:
    label_smoothing: float = 0.0
    labels: Tensor | None = field(default=None, repr=False)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(output, target, label_smoothing=self.label_smoothing)

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[Scores]:
        found = collect(model, split, batch_size, lambda logits, labels: (logits.cpu(), labels.cpu()))
        logits, labels = (torch.cat(column) for column in zip(*found, strict=True))
        losses = functional.cross_entropy(logits, labels, reduction="none").double()
        right = logits.argmax(dim=1) == labels
        guess = shares(labels.bincount(minlength=2))
        constant = -guess.log()[labels]
        loss = finite(losses.mean().item(), "loss")
        gains = (right.double() - (labels == guess.argmax()).double(), constant - losses)
        balanced = sum(right[labels == label].double().mean().item() for label in (0, 1)) / 2
        scores = Scores(100 * right.double().mean().item(), 100.0, 100 * balanced, loss)
        return Scored(scores, loss, constant.mean().item(), gains)


def estimate(config: Config) -> Estimate:
    cost, hyper = _network(config).cost, hyperparameters_of(config)
    return estimate_training(cost, config.learnt_from, TEST + TRAIN - config.learnt_from, hyper, SIDE**2)


@experiment(
    title="Stripes by hand",
    views=(
        View(title="Accuracy against MACs", kind="scatter", x="macs", y="top1", series="model", log_x=True),
        View(title="Accuracy against parameters", kind="scatter", x="params", y="top1", series="model", log_x=True),
    ),
    estimate=estimate,
)
def stripes_by_hand(config: Config, context: Context) -> Result:
    """Tell upright stripes from lying ones."""
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    model, trained = together(_train, config, context, config.processes, device)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    cost, held = _network(config).cost, trained.validation
    return Result(
        top1=trained.scores.top1,
        top5=trained.scores.top5,
        balanced_accuracy=trained.scores.balanced,
        test_loss=trained.scores.loss,
        val_top1=held.top1 if held else None,
        val_top5=held.top5 if held else None,
        val_balanced_accuracy=held.balanced if held else None,
        val_loss=held.loss if held else None,
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        seconds=trained.seconds,
        epochs_done=trained.epochs,
        steps=trained.steps,
        resumed=trained.resumed,
        stopped_early=trained.stopped,
        no_better_than_guessing=trained.caution is not None,
        caution=trained.caution,
        samples_per_second=trained.speed,
        dataset_hash="",
    )


def _train(config: Config, context: Context, shard: Shard, device: torch.device) -> tuple[nn.Module, Trained[Scores]]:
    split: Split = stripes(TRAIN, 0, device)
    validation = None
    if config.validation_share:
        kept, held = set_aside(TRAIN, config.validation_share, config.seed, None)
        split, validation = Portion(split, kept), Portion(split, held)
    objective = Telling(config.label_smoothing)
    return fit(config, _network(config), split, stripes(TEST, 1, device), objective, context, "", shard, validation)


def _network(config: Config) -> Network:
    return Network.of(config, (1, SIDE, SIDE), {"in_channels": 1, "num_classes": 2})
