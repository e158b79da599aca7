"""Training and evaluation of networks, with one seed, and able to go on after an interruption."""

from mgic.training.checkpoint import Checkpoints
from mgic.training.fit import Network, fit, pick_device, save_weights, together
from mgic.training.holdout import Portion, held_out, set_aside
from mgic.training.hyperparameters import Hyperparameters, hyperparameters_of
from mgic.training.loop import Trained, train
from mgic.training.scoring import Objective, Scored
from mgic.training.seed import derive, generator, seeded
from mgic.training.shard import ALONE, Shard
from mgic.training.split import Split

__all__ = [
    "ALONE",
    "Checkpoints",
    "Hyperparameters",
    "Network",
    "Objective",
    "Portion",
    "Scored",
    "Shard",
    "Split",
    "Trained",
    "derive",
    "fit",
    "generator",
    "held_out",
    "hyperparameters_of",
    "pick_device",
    "save_weights",
    "seeded",
    "set_aside",
    "together",
    "train",
]
