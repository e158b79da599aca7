"""Training and evaluation of networks, with one seed, and able to go on after an interruption."""

from mgic.training.checkpoint import Checkpoints
from mgic.training.evaluation import Scores, evaluate
from mgic.training.fit import Network, fit, pick_device, save_weights, together
from mgic.training.loop import Trained, train
from mgic.training.objective import Classifying, Objective
from mgic.training.part import Part
from mgic.training.seed import derive, generator, seeded
from mgic.training.settings import Settings, settings_of
from mgic.training.shard import ALONE, Shard

__all__ = [
    "ALONE",
    "Checkpoints",
    "Classifying",
    "Network",
    "Objective",
    "Part",
    "Scores",
    "Settings",
    "Shard",
    "Trained",
    "derive",
    "evaluate",
    "fit",
    "generator",
    "pick_device",
    "save_weights",
    "seeded",
    "settings_of",
    "together",
    "train",
]
