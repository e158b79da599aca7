"""How closely does a network fit a function of two variables, and with how many parameters?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from PIL import Image
from pydantic import BaseModel, Field, field_validator, model_validator
from torch import nn

from mgic.data.drawing import draw_map
from mgic.data.functions import FUNCTIONS, PAPERS, TARGETS, Samples, grid, scattered
from mgic.errors import Problem, UnknownName
from mgic.experiment import Context, Estimate, experiment
from mgic.experiments.classification import pick_device, save_weights
from mgic.measure.cost import model_totals
from mgic.models import create
from mgic.models.config import ModelConfig, model_field
from mgic.records import ModelCost, View
from mgic.training import Checkpoints, Settings, generator, seeded, train
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
    Schedule,
    Seed,
    WeightDecay,
)
from mgic.training.scores import AT_ONCE, FitScores, Fitting, predict


class Config(ModelConfig):
    """The defaults are the paper's (appendix B.1); momentum and weight decay, which it does not print, are none."""

    from_data: ClassVar[frozenset[str]] = frozenset({"in_channels", "out_channels"})

    model: str = model_field("implicit_mlp", task="function")
    target: str = Field(
        PAPERS,
        description="Function on the unit square; " + ", ".join(f"{one.name}: {one.formula}" for one in TARGETS),
        json_schema_extra={"enum": [one.name for one in TARGETS]},
    )
    points: int = Field(
        50_000,
        ge=2,
        le=1_000_000,
        description="Drawn evenly over the square, to learn the function at; the seed decides which",
        json_schema_extra={"unit": "points"},
    )
    test_side: int = Field(
        100,
        ge=2,
        le=1000,
        description="The fit is tested, and drawn, in the middles of so many cells squared; none is a training point",
        json_schema_extra={"unit": "cells"},
    )
    seed: Seed = 0
    epochs: Epochs = 1000
    max_steps: MaxSteps = None
    batch_size: BatchSize = 128
    optimizer: Optimizer = "sgd"
    learning_rate: LearningRate = 1e-4
    momentum: Momentum = 0.0
    weight_decay: WeightDecay = 0.0
    schedule: Schedule = "step"
    lr_step_epochs: LrStepEpochs = 1000
    device: Device = "auto"

    @field_validator("target")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return FUNCTIONS[name].name
        except UnknownName as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _batch_fits(self) -> Self:
        if self.batch_size > self.points:
            detail = f"batch_size={self.batch_size} is more than there are points, {self.points}"
            raise self._located([Problem("batch_size", "too_large", detail)])
        return self


class Result(BaseModel):
    mse: float = Field(description="Mean squared error on the test grid, after the last epoch")
    relative_mse: float = Field(
        description="`mse` / variance of the target there: 1 is what its mean would have, 0 is an exact fit"
    )
    max_error: float = Field(description="Largest error on the test grid")
    params: int = Field(description="Trainable parameters")
    macs: int = Field(description="Multiply-accumulates of one point, R and P included")
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    samples_per_second: float = Field(
        description="While training, without evaluation", json_schema_extra={"unit": "points/s"}
    )
    seconds: float = Field(description="Training alone, without evaluation", json_schema_extra={"unit": "s"})
    epochs_done: int = Field(description="Whole passes over the training points")
    steps: int = Field(description="Batches trained on")
    resumed: bool = Field(description="Whether an interrupted attempt was gone on with")


def estimate(config: Config) -> Estimate:
    """Known from the numbers of points alone."""
    return estimate_training(_cost(config), config.points, config.test_side**2, _settings(config), positions=1)


@experiment(
    title="Function fit",
    views=(
        View(
            title="MSE against parameters", kind="scatter", x="params", y="mse", series="block", log_x=True, log_y=True
        ),
        View(
            title="Relative MSE against MACs",
            kind="scatter",
            x="macs",
            y="relative_mse",
            series="block",
            log_x=True,
            log_y=True,
        ),
        View(title="MSE over the width multiplier", x="width_mult", y="mse", series="block", log_y=True),
    ),
    estimate=estimate,
)
def function_fit(config: Config, context: Context) -> Result:
    """Fit a function of two variables by points drawn on it, and test the fit on a grid of others.

    Mean squared error. Leaves the weights as model.safetensors, and pictures of the target, of the fit and of its
    error.
    """
    device = pick_device(config.device, context)
    context.report(0.0, "preparing")
    target = FUNCTIONS[config.target]
    part = Samples(target, scattered(config.points, generator(config.seed, "points")), device)
    test = Samples(target, grid(config.test_side), device)
    with seeded(config.seed, "weights"):
        model = create(config.model, **_options(config))
    identity = json.dumps(config.model_dump(mode="json"), sort_keys=True)
    checkpoints = Checkpoints(context.checkpoints, identity, context.saved)
    trained = train(model, part, test, _settings(config), Fitting(test.variance), context, checkpoints)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    _save_pictures(model, test, config, context.artifact)
    scores: FitScores = trained.scores
    cost = _cost(config)
    return Result(
        mse=scores.mse,
        relative_mse=scores.relative_mse,
        max_error=scores.max_error,
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        samples_per_second=trained.images / trained.seconds,
        seconds=trained.seconds,
        epochs_done=trained.epochs,
        steps=trained.steps,
        resumed=trained.resumed,
    )


def _save_pictures(model: nn.Module, test: Samples, config: Config, artifact: Callable[[str], Path]) -> None:
    """Target and fit in the same colours; the size of the error in colours of its own."""
    fit, target = (values.view(config.test_side, config.test_side).numpy() for values in predict(model, test, AT_ONCE))
    limit, error = float(abs(target).max()), abs(fit - target)
    pictures: dict[str, Image.Image] = {
        "target.png": draw_map(target, limit, f"target {config.target}"),
        "fit.png": draw_map(fit, limit, "fit"),
        "error.png": draw_map(error, max(float(error.max()), 1e-12), "size of the error", signed=False),
    }
    for name, picture in pictures.items():
        picture.save(artifact(name))


def _options(config: Config) -> dict[str, object]:
    return {**config.options, "in_channels": 2, "out_channels": 1}


def _cost(config: Config) -> ModelCost:
    return model_totals(config.model, _options(config), (2,))


def _settings(config: Config) -> Settings:
    return Settings(
        seed=config.seed,
        epochs=config.epochs,
        max_steps=config.max_steps,
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        lr_step_epochs=config.lr_step_epochs,
        augment=False,
        schedule=config.schedule,
        optimizer=config.optimizer,
    )
