"""How closely does a network fit a function of two variables, and with how many parameters?"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from PIL import Image
from pydantic import Field
from torch import nn

from mgic.data.drawing import draw_map
from mgic.data.functions import FUNCTIONS, PAPERS, TARGETS, Samples, grid, scattered
from mgic.experiment import Context, experiment
from mgic.models.config import ModelConfig, model_field
from mgic.records import View
from mgic.tasks import Data, DataSize, FitConfig, FitResult, estimate, learn
from mgic.tasks.fitting import AT_ONCE
from mgic.tasks.learning import Speed
from mgic.training import Split, generator
from mgic.training.fields import BatchSize, Epochs, LearningRate, LrStepEpochs, Momentum, Schedule, WeightDecay, known
from mgic.training.scoring import predict

ERROR_SHARE = 0.25  # of the target's largest value: the end of the scale of errors


class Function(ModelConfig):
    """What is fitted."""

    target: Annotated[str, known(FUNCTIONS)] = Field(
        PAPERS,
        description="Function on the unit square; " + ", ".join(f"{one.name}: {one.title}" for one in TARGETS),
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


class Config(FitConfig, Function):
    """The defaults are the paper's (appendix B.1); momentum and weight decay, which it does not print, are none."""

    from_data: ClassVar[frozenset[str]] = frozenset({"in_channels", "out_channels"})

    model: str = model_field("implicit_mlp", task="function")
    epochs: Epochs = 1000
    batch_size: BatchSize = 128
    learning_rate: LearningRate = 1e-4
    momentum: Momentum = 0.0
    weight_decay: WeightDecay = 0.0
    schedule: Schedule = "step"
    lr_step_epochs: LrStepEpochs = 1000

    @property
    def size(self) -> DataSize:
        return DataSize((2,), self.points, self.test_side**2, {"in_channels": 2, "out_channels": 1})

    def read(self, data_dir: Path, device: torch.device) -> Data:  # noqa: ARG002 - a function is in no folder
        target = FUNCTIONS[self.target]
        points = scattered(self.points, generator(self.seed, "points"))
        return Data(Samples(target, points, device), Samples(target, grid(self.test_side), device))


class Result(FitResult):
    macs: int = Field(
        description="Multiply-accumulates of one point, R and P included", json_schema_extra={"goal": "min"}
    )
    samples_per_second: Speed = Field(json_schema_extra={"unit": "points/s", "goal": "max"})


@experiment(
    title="Function fit",
    views=(
        View(
            title="MSE against parameters",
            kind="scatter",
            x="params",
            y="mse",
            series="block",
            log_x=True,
            log_y=True,
            chosen_by="val_mse",
        ),
        View(
            title="Relative MSE against MACs",
            kind="scatter",
            x="macs",
            y="relative_mse",
            series="block",
            log_x=True,
            log_y=True,
            chosen_by="val_relative_mse",
        ),
        View(title="MSE over the width multiplier", x="width_mult", y="mse", series="block", log_y=True),
        View(title="Target, fit and size of the error", kind="images", x="block", y="*.png"),
    ),
    version=2,
    estimate=estimate,
)
def function_fit(config: Config, context: Context) -> Result:
    """Fit a function of two variables by points drawn on it, and test the fit on a grid of others.

    Mean squared error. Leaves the weights as model.safetensors, and pictures of the target, of the fit and of its
    error.
    """
    learnt = learn(config, context)
    _save_pictures(learnt.model, learnt.data.test, config, context.artifact)
    return Result(**learnt.fields)


def _save_pictures(model: nn.Module, test: Split, config: Config, artifact: Callable[[str], Path]) -> None:
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
