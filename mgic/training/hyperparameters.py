"""How to train: the same few numbers for every task."""

from dataclasses import dataclass, fields
from typing import Literal

from pydantic import BaseModel

from mgic.training.precision import Precision
from mgic.training.schedule import Schedule

Optimizer = Literal["sgd", "adam"]


@dataclass(frozen=True)
class Hyperparameters:
    """The arguments of the optimizer, and how long.

    Args:
        seed: Order, augmentation and what layers draw derive from it.
        epochs: Passes over the training samples.
        max_steps: Ends it early, within an epoch too.
        batch_size: Samples in a step, over all processes.
        learning_rate: At the start.
        momentum: Of SGD; Adam has its own.
        weight_decay: Pull towards zero, as an L2 term.
        lr_step_epochs: The rate is divided by 10 each time so many epochs are over, under the schedule "step".
        augment: Whether training samples are altered.
        schedule: Of the learning rate.
        optimizer: Which.
        ema: Decay of the moving average of the weights that is scored in place of them, and kept; 0: none.
        precision: Of the steps; scores are in float32.
    """

    seed: int
    epochs: int
    max_steps: int | None
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    lr_step_epochs: int
    augment: bool = False
    schedule: Schedule = "step"
    optimizer: Optimizer = "sgd"
    ema: float = 0.0
    precision: Precision = "float32"


def hyperparameters_of(config: BaseModel) -> Hyperparameters:
    """Those a config has fields for; the others keep their defaults."""
    known = type(config).model_fields
    return Hyperparameters(
        **{field.name: getattr(config, field.name) for field in fields(Hyperparameters) if field.name in known}
    )
