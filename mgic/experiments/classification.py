"""How well does a network classify images, and at what cost?"""

import json
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from pydantic import BaseModel, Field, field_validator
from torch import nn

from mgic.data import DATASETS, Source, load
from mgic.data.batches import train_and_test
from mgic.errors import BadConfig, Problem, UnknownName
from mgic.experiment import Context, Estimate, experiment
from mgic.measure.cost import model_totals
from mgic.models import create
from mgic.models.config import ModelConfig, model_field
from mgic.records import ModelCost, View
from mgic.training import Checkpoints, Classifying, Scores, Settings, Shard, Trained, seeded, train
from mgic.training.estimate import estimate_training
from mgic.training.processes import FollowerContext, processes
from mgic.training.schedule import Schedule


class Config(ModelConfig):
    """The defaults are the paper's for CIFAR-10 (appendix B.2), but for the data set, which is the one that ships."""

    model: str = model_field(task="image classification")
    dataset: str = Field(
        "digits",
        description="Images to learn",
        json_schema_extra={"choices": "datasets", "task": "image classification"},
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Weights, order and augmentation derive from it")
    epochs: int = Field(
        100, ge=1, le=1000, description="Passes over the training images", json_schema_extra={"unit": "epochs"}
    )
    max_steps: int | None = Field(
        None,
        ge=1,
        le=10**7,
        description="Stop after so many steps, even within an epoch; empty for no such limit",
        json_schema_extra={"unit": "steps"},
    )
    batch_size: int = Field(128, ge=1, le=4096, description="Images in a step", json_schema_extra={"unit": "images"})
    learning_rate: float = Field(0.001, gt=0, le=1000, description="Of SGD, in the first epoch")
    momentum: float = Field(0.9, ge=0, lt=1, description="Of SGD, without Nesterov's correction")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="Pull of every parameter towards zero")
    lr_step_epochs: int = Field(
        30,
        ge=1,
        le=1000,
        description="The learning rate is divided by 10 each time so many epochs are over",
        json_schema_extra={"unit": "epochs"},
    )
    schedule: Schedule = Field("step", description="Of the learning rate: in steps, or half a cosine down to 0")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each label that is spread over all classes while training"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay of a moving average of the weights, tested in place of them; 0 for none"
    )
    processes: int = Field(
        1, ge=1, le=64, description="Processes that share each batch, a GPU each where the device is cuda"
    )
    augment: bool = Field(
        True, description="Random crops out of padded images, and mirror images where the class allows it"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to compute")

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return DATASETS[name].name
        except UnknownName as error:
            raise ValueError(str(error)) from error


class Result(BaseModel):
    top1: float = Field(
        description="Test images whose class is the first answer, after the last epoch",
        json_schema_extra={"unit": "%"},
    )
    top5: float = Field(
        description="Test images whose class is among the first five answers; 100 by definition up to five classes",
        json_schema_extra={"unit": "%"},
    )
    test_loss: float = Field(description="Mean cross-entropy of the test images", json_schema_extra={"unit": "nats"})
    params: int = Field(description="Trainable parameters")
    macs: int = Field(description="Multiply-accumulates of one image, R and P included")
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    images_per_second: float = Field(
        description="While training, without evaluation", json_schema_extra={"unit": "images/s"}
    )
    seconds: float = Field(description="Training alone, without evaluation", json_schema_extra={"unit": "s"})
    epochs_done: int = Field(description="Whole passes over the training images")
    steps: int = Field(description="Batches trained on")
    resumed: bool = Field(description="Whether an interrupted attempt was gone on with")
    dataset_hash: str = Field(description="First 16 hex digits of the SHA-256 of the data set")


def estimate(config: Config) -> Estimate:
    """Known from the data set's shape and size alone; the data are not read."""
    source = DATASETS[config.dataset]
    _, height, width = source.shape
    cost = network_cost(config, source)
    return estimate_training(cost, source.train, source.test, settings_of(config), height * width)


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
    follow = (config, device.type, context.data_dir, context.checkpoints)
    with processes(config.processes, device, _follow, follow) as (shard, own):
        model, dataset_hash, trained = _fit(config, context, shard, own)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    return _result(trained, network_cost(config, DATASETS[config.dataset]), dataset_hash)


def _fit(
    config: Config, context: Context, shard: Shard, device: torch.device
) -> tuple[nn.Module, str, Trained[Scores]]:
    """What every process of a training does, with the hash of the data set; only the first one's scores are there."""
    dataset = load(config.dataset, context.data_dir)
    part, test = train_and_test(dataset, device)
    with seeded(config.seed, "weights"):
        model = create(config.model, **network_options(config, DATASETS[config.dataset]))
    settings = settings_of(config)
    _check_shares(config, len(part))
    identity = json.dumps([config.model_dump(mode="json"), dataset.hash], sort_keys=True)
    checkpoints = Checkpoints(context.checkpoints, identity, context.saved)
    objective = Classifying(config.label_smoothing)
    trained = train(model, part, test, settings, objective, context, checkpoints, shard)
    return model, dataset.hash, trained


def _check_shares(config: Config, images: int) -> None:
    """Each process needs two images of every batch, the last one too: BatchNorm averages over them.

    Raises:
        BadConfig: There are too many processes for that.
    """
    rest = images % config.batch_size
    smallest = min(config.batch_size, rest if rest > 1 else config.batch_size, images)
    if config.processes > 1 and smallest < 2 * config.processes:
        detail = f"processes={config.processes} leave fewer than 2 images each of a batch of {smallest}"
        raise BadConfig(detail, (Problem("processes", "too_many", detail),))


def _follow(config: Config, kind: str, data_dir: Path, checkpoints: Path, shard: Shard, device: torch.device) -> None:
    _fit(config, FollowerContext(kind, data_dir, checkpoints), shard, device)


def pick_device(asked: Literal["auto", "cpu", "cuda"], context: Context) -> torch.device:
    """The device of the config, or where it leaves that open, the one of the context.

    Raises:
        BadConfig: A GPU is asked for, and there is none.
    """
    name = context.device if asked == "auto" else asked
    if name == "cuda" and not torch.cuda.is_available():
        raise BadConfig("device=cuda, but PyTorch finds no GPU here; take device=auto or device=cpu")
    return torch.device(name)


def save_weights(model: nn.Module, config: BaseModel, path: Path) -> None:
    """The state dict, and under `config` in its metadata what the model was built and trained with."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"config": json.dumps(config.model_dump(mode="json"), sort_keys=True)}
    # Not save_file: it reports a full disk as an error of its own, and not as an OSError.
    path.write_bytes(safetensors.torch.save(state, metadata))


def network_options(config: Config, source: Source) -> dict[str, object]:
    """What the model is created with: what the config says, and what follows from the data set."""
    return {**config.options, "in_channels": source.shape[0], "num_classes": source.classes}


def network_cost(config: Config, source: Source) -> ModelCost:
    """Its parameters and multiply-accumulates on the images of that set."""
    return model_totals(config.model, network_options(config, source), source.shape)


def settings_of(config: Config) -> Settings:
    """How to train, as the config says."""
    return Settings(
        seed=config.seed,
        epochs=config.epochs,
        max_steps=config.max_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        lr_step_epochs=config.lr_step_epochs,
        augment=config.augment,
        schedule=config.schedule,
        ema=config.ema,
    )


def _result(trained: Trained[Scores], cost: ModelCost, dataset_hash: str) -> Result:
    return Result(
        top1=trained.scores.top1,
        top5=trained.scores.top5,
        test_loss=trained.scores.loss,
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        images_per_second=trained.images / trained.seconds,
        seconds=trained.seconds,
        epochs_done=trained.epochs,
        steps=trained.steps,
        resumed=trained.resumed,
        dataset_hash=dataset_hash,
    )
