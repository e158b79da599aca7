"""How closely does a network fit a function of two variables, and with how many parameters?"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Self

from PIL import Image
from pydantic import BaseModel, Field, model_validator
from torch import nn

from mgic.data.drawing import draw_map
from mgic.data.functions import FUNCTIONS, PAPERS, TARGETS, Samples, grid, scattered
from mgic.experiment import Context, Estimate, experiment
from mgic.models.config import ModelConfig, model_field
from mgic.records import View
from mgic.training import Network, fit, generator, pick_device, save_weights, settings_of
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
    known,
    whole_batch,
)
from mgic.training.results import Params, Resumed, Seconds, Speed, Steps, TransferMacs, course
from mgic.training.scores import AT_ONCE, FitScores, Fitting, predict

ERROR_SHARE = 0.25  # of the target's largest value: the end of the scale of errors


class Config(ModelConfig):
    """The defaults are the paper's (appendix B.1); momentum and weight decay, which it does not print, are none."""

    from_data: ClassVar[frozenset[str]] = frozenset({"in_channels", "out_channels"})

    model: str = model_field("implicit_mlp", task="function")
    target: Annotated[str, known(FUNCTIONS)] = Field(
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

    @model_validator(mode="after")
    def _batch_fits(self) -> Self:
        if problems := whole_batch(self.batch_size, self.points):
            raise self._located(problems)
        return self


class Result(BaseModel):
    mse: float = Field(
        description="Mean squared error on the test grid, after the last epoch", json_schema_extra={"goal": "min"}
    )
    relative_mse: float = Field(
        description="`mse` / variance of the target there: 1 is what its mean would have, 0 is an exact fit",
        json_schema_extra={"goal": "min"},
    )
    max_error: float = Field(description="Largest error on the test grid", json_schema_extra={"goal": "min"})
    params: Params
    macs: int = Field(
        description="Multiply-accumulates of one point, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: TransferMacs
    samples_per_second: Speed = Field(json_schema_extra={"unit": "points/s", "goal": "max"})
    seconds: Seconds
    epochs_done: int = Field(description="Whole passes over the training points")
    steps: Steps
    resumed: Resumed


def estimate(config: Config) -> Estimate:
    """Known from the numbers of points alone."""
    return estimate_training(
        _network(config).cost, config.points, config.test_side**2, settings_of(config), positions=1
    )


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
        View(title="Target, fit and size of the error", kind="images", x="block", y="*.png"),
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
    network = _network(config)
    model, trained = fit(config, network, part, test, Fitting(test.variance), context)
    context.report(1.0, "saving")
    save_weights(model, config, context.artifact("model.safetensors"))
    _save_pictures(model, test, config, context.artifact)
    scores: FitScores = trained.scores
    return Result(
        mse=scores.mse,
        relative_mse=scores.relative_mse,
        max_error=scores.max_error,
        samples_per_second=trained.speed,
        **course(trained, network.cost),
    )


def _save_pictures(model: nn.Module, test: Samples, config: Config, artifact: Callable[[str], Path]) -> None:
    """Target and fit in the same colours; the size of the error on one scale for all runs of a target."""
    fit, target = (values.view(config.test_side, config.test_side).numpy() for values in predict(model, test, AT_ONCE))
    limit, error = float(abs(target).max()), abs(fit - target)
    pictures: dict[str, Image.Image] = {
        "target.png": draw_map(target, limit, f"target {config.target}"),
        "fit.png": draw_map(fit, limit, "fit"),
        "error.png": draw_map(error, ERROR_SHARE * limit, "size of the error", signed=False),
    }
    for name, picture in pictures.items():
        picture.save(artifact(name))


def _network(config: Config) -> Network:
    return Network.of(config, (2,), {"in_channels": 2, "out_channels": 1})
