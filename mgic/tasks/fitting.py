"""Fitting a function: the squared error of its values."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional

from mgic.errors import BadConfig
from mgic.tasks.learning import Data, Speed, TrainingConfig, TrainingResult, validated
from mgic.training.scoring import Scored, finite, predict
from mgic.training.split import Split

AT_ONCE = 4096  # values of a function that are computed together: they are small, and calls are dear


@dataclass(frozen=True)
class FitScores:
    """Squared error, the mean over all values; the same by the variance of the target; the largest error.

    A `relative_mse` of 1 is what the constant equal to the target's mean has.
    """

    mse: float
    relative_mse: float
    max_error: float


@dataclass(frozen=True)
class Fitting:
    """The squared error of a function's values. The answer that is always the same is the mean of those scored.

    Args:
        variance: Of the values of the test samples, above 0; `relative_mse` is by it.
    """

    variance: float

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(output, target)

    def score(self, model: nn.Module, split: Split, batch_size: int) -> Scored[FitScores]:
        outputs, targets = (values.double() for values in predict(model, split, max(batch_size, AT_ONCE)))
        squares = (outputs - targets).square()
        constant = (targets - targets.mean(dim=0)).square()
        mse = finite(squares.mean().item(), "squared error")
        scores = FitScores(mse=mse, relative_mse=mse / self.variance, max_error=squares.max().sqrt().item())
        return Scored(scores, mse, constant.mean().item(), ((constant - squares).flatten(1).mean(dim=1),))


class FitConfig(TrainingConfig):
    """The part of a config that says how a function is fitted."""

    precision: Literal["float32"] = Field(
        "float32",
        description="A function is fitted in float32: inputs in bfloat16 alone give an exact network an error of 1e-4",
    )

    def objective(self, data: Data) -> Fitting:
        """Raises `BadConfig` where all test samples have one value: there is nothing to tell."""
        _, values = data.test.take(slice(0, len(data.test)))
        variance = values.double().var(correction=0).item()
        if not variance:
            raise BadConfig(f"the function has one value, {values.flatten()[0]:g}, at all test points; test at others")
        return Fitting(variance)


class FitScoresPart(BaseModel):
    """The errors of a fit, at the test samples and at those that were held out."""

    mse: float = Field(
        description="Mean squared error of the test samples, after the last epoch",
        json_schema_extra={"goal": "min", "curve": "test/mse"},
    )
    relative_mse: float = Field(
        description="`mse` / variance of the target there: 1 is what its mean would have, 0 is an exact fit",
        json_schema_extra={"goal": "min", "curve": "test/relative_mse"},
    )
    max_error: float = Field(
        description="Largest error of a test sample", json_schema_extra={"goal": "min", "curve": "test/max_error"}
    )
    val_mse: float | None = validated("mse", goal="min")
    val_relative_mse: float | None = validated("relative_mse", goal="min")
    val_max_error: float | None = validated("max_error", goal="min")


class FitResult(TrainingResult, FitScoresPart):
    """The part of a result that says what a fit came to."""

    samples_per_second: Speed = Field(json_schema_extra={"unit": "samples/s", "goal": "max"})
