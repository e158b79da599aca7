"""Training and evaluation of classifiers."""

from mgic.training.evaluation import Scores, evaluate
from mgic.training.loop import Settings, Trained, train
from mgic.training.part import Part
from mgic.training.seed import derive, generator, seeded

__all__ = ["Part", "Scores", "Settings", "Trained", "derive", "evaluate", "generator", "seeded", "train"]
