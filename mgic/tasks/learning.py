"""What all kinds of training share: the part of a config, the data behind it, and the part of a result."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import BaseModel, Field, model_validator
from torch import Tensor, nn

from mgic.data import look_in
from mgic.errors import Problem
from mgic.experiment import Context, Estimate
from mgic.models.config import ModelConfig
from mgic.training import (
    Network,
    Objective,
    Portion,
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
from mgic.training.scoring import LOSS_BOUND


@dataclass(frozen=True)
class DataSize:
    """What is known of the data before they are read.

    Args:
        sample: Size of one sample, without the batch.
        train: Training samples, those that may be held out among them.
        test: Test samples.
        options: Of the network, which the data decide: `in_channels`, `num_classes`.
        positions: Height x width of the largest map of one sample; None: those of the sample.
        piece: Share of a sample that is learnt from at a time; it is tested whole.
        validation: Samples that the set itself sets aside to choose by.
    """

    sample: tuple[int, ...]
    train: int
    test: int
    options: Mapping[str, int]
    positions: int | None = None
    piece: float = 1.0
    validation: int = 0


@dataclass(frozen=True)
class Data:
    """What is learnt from and tested on, on the device of the run.

    Args:
        train: Training samples.
        test: Test samples.
        hash: Changes with the data: a checkpoint of others is not gone on with.
        labels: (training samples,): the class of each, where there are classes. Held out is each in proportion, and
            their shares are the answer that a network has to beat.
        validation: What is chosen by: the set's own samples for that, or training samples once they are held out.
    """

    train: Split
    test: Split
    hash: str = ""
    labels: Tensor | None = field(default=None, repr=False)
    validation: Split | None = None

    def held_out(self, share: float, seed: int) -> Self:
        """With a share of the training samples held out, unless the set has its own to choose by."""
        if not share or self.validation is not None:
            return self
        kept, held = set_aside(len(self.train), share, seed, self.labels)
        labels = None if self.labels is None else self.labels[kept.to(self.labels.device)]
        train, validation = Portion(self.train, kept), Portion(self.train, held)
        return type(self)(train, self.test, self.hash, labels, validation)


class TrainingConfig(ModelConfig):
    """The part of a config that says how a network is trained.

    A kind of task adds its objective, an experiment its data: `size` and `read`.
    """

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
    precision: Precision = "float32"
    validation_share: ValidationShare = 0.0
    processes: Processes = 1
    device: Device = "auto"

    @property
    @abstractmethod
    def size(self) -> DataSize:
        """What is known of the data before they are read."""

    @abstractmethod
    def read(self, data_dir: Path, device: torch.device) -> Data:
        """The data. Raises `DataMissing` where they are not there."""

    @abstractmethod
    def objective(self, data: Data) -> Objective[Any]:
        """The loss, and by what the network is judged."""

    def begin(self, model: nn.Module, context: Context) -> str:  # noqa: ARG002 - of those that read weights
        """Put weights from a file into a network that was just built; the hash of the file, or nothing."""
        return ""

    @property
    def network(self) -> Network:
        """What it builds, on samples of the data."""
        return Network.of(self, self.size.sample, self.size.options)

    @property
    def learnt_from(self) -> int:
        """Training samples that are not held out."""
        return self.size.train - held_out(self.size.train, self.validation_share)

    @model_validator(mode="after")
    def _fits_the_data(self) -> Self:
        samples = self.learnt_from
        problems = whole_batch(self.batch_size, samples) or whole_shares(self.processes, self.batch_size, samples)
        if self.size.validation and self.validation_share:
            words = f"the set has {self.size.validation} samples of its own to choose by; none are to be held out"
            problems.append(Problem("validation_share", "own_validation", words))
        if problems:
            raise self._located(problems)
        return self


Speed = Annotated[float, Field(description="While training, without evaluation")]
NoBetter = Annotated[
    bool,
    Field(
        description="Whether after no epoch the test samples were answered better than by an answer that is always the "
        f"same, by more than the error of the comparison, or the last loss is more than {LOSS_BOUND:g} times that "
        "answer's"
    ),
]
Caution = Annotated[str | None, Field(description="Which of the two it is, in words; empty if neither")]
DatasetHash = Annotated[str, Field(description="First 16 hex digits of the SHA-256 of the data set")]


def validated(of: str, unit: str | None = None, goal: Literal["min", "max"] | None = None) -> Any:
    """The field of a result that has a score of the samples that were held out; `of` is that of the test samples."""
    extra: dict[str, Any] = {name: value for name, value in (("unit", unit), ("goal", goal)) if value}
    extra |= {"curve": f"val/{of.removeprefix('test_')}"}
    words = f"`{of}` of the training samples that were held out to choose by; empty without any"
    return Field(None, description=words, json_schema_extra=extra)


class TrainingResult(BaseModel):
    """The part of a result that says what a training came to; a kind of task has its scores before it.

    A score that is reported after each epoch names that `curve` in its `json_schema_extra`: a search may stop by it.
    """

    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of one sample, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    seconds: float = Field(description="Training alone, without evaluation", json_schema_extra={"unit": "s"})
    epochs_done: int = Field(description="Whole passes over the training samples")
    steps: int = Field(description="Batches trained on")
    resumed: bool = Field(description="Whether an interrupted attempt was gone on with")
    stopped_early: bool = Field(
        False, description="Whether a search ended it after these steps, having better ones: it counts as no training"
    )
    no_better_than_guessing: NoBetter
    caution: Caution


@dataclass(frozen=True)
class Learnt:
    """A trained network with its data, and what the training came to."""

    model: nn.Module
    data: Data
    trained: Trained[Any]
    config: TrainingConfig

    @property
    def fields(self) -> dict[str, Any]:
        """All fields of a task's result part, as `ClassificationResult(**learnt.fields)` takes them."""
        cost, trained = self.config.network.cost, self.trained
        return {
            **scores_of(trained),
            "params": cost.params,
            "macs": cost.macs,
            "transfer_macs": cost.transfer_macs,
            "samples_per_second": trained.speed,
            "seconds": trained.seconds,
            "epochs_done": trained.epochs,
            "steps": trained.steps,
            "resumed": trained.resumed,
            "stopped_early": trained.stopped,
            "no_better_than_guessing": trained.caution is not None,
            "caution": trained.caution,
            "dataset_hash": self.data.hash,
        }


def scores_of(trained: Trained[Any]) -> dict[str, float | None]:
    """By the names of result fields: `top1`, `test_loss`, `val_top1`, `val_loss`, ..."""
    test = asdict(trained.scores)
    held = {} if trained.validation is None else asdict(trained.validation)
    named = {"test_loss" if name == "loss" else name: value for name, value in test.items()}
    return named | {f"val_{name}": held.get(name) for name in test}


def learn(config: TrainingConfig, context: Context) -> Learnt:
    """Train the network of a config on its data, and leave its weights as model.safetensors.

    Raises:
        BadConfig: The device, the number of processes or the precision is not to be had here.
        DataMissing: The data are not here.
        Diverged: A loss or a score is not a finite number.
        Cancelled: The user stopped the run.
    """
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    learnt = together(_learn, config, context, config.processes, device)
    context.report(1.0, "saving")
    save_weights(learnt.model, config, context.artifact("model.safetensors"))
    return learnt


def _learn(config: TrainingConfig, context: Context, shard: Shard, device: torch.device) -> Learnt:
    """What every process of a training does; only the first one's scores are there."""
    look_in(context.data_dir)  # for the processes that were not told yet
    data = config.read(context.data_dir, device).held_out(config.validation_share, config.seed)
    objective, (test, validation) = config.objective(data), (data.test, data.validation)
    model, trained = fit(
        config,
        config.network,
        data.train,
        test,
        objective,
        context,
        data.hash,
        shard,
        validation,
        partial(config.begin, context=context),
    )
    return Learnt(model, data, trained, config)


def estimate(config: TrainingConfig) -> Estimate:
    """What a training would cost, from the size of the data alone."""
    size = config.size
    return estimate_training(
        cost=config.network.cost,
        train=config.learnt_from,
        scored=size.test + size.validation + size.train - config.learnt_from,
        hyper=hyperparameters_of(config),
        positions=prod(size.sample[1:]) if size.positions is None else size.positions,
        share=size.piece,
    )
