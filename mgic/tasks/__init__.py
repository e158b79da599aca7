"""Kinds of training, each a unit: the part of a config, the objective with its scores, and the part of a result.

An experiment takes a unit, says of its data how large they are and how they are read, and calls `learn`.
"""

from mgic.tasks.classification import (
    CLASSIFICATION_VIEWS,
    ClassificationConfig,
    ClassificationResult,
    Classifying,
    ClassifyingByClass,
)
from mgic.tasks.fitting import FitConfig, FitResult, Fitting
from mgic.tasks.learning import Data, DataSize, Learnt, TrainingConfig, TrainingResult, estimate, learn
from mgic.tasks.segmentation import SegmentationConfig, SegmentationResult, Segmenting

__all__ = [
    "CLASSIFICATION_VIEWS",
    "ClassificationConfig",
    "ClassificationResult",
    "Classifying",
    "ClassifyingByClass",
    "Data",
    "DataSize",
    "FitConfig",
    "FitResult",
    "Fitting",
    "Learnt",
    "SegmentationConfig",
    "SegmentationResult",
    "Segmenting",
    "TrainingConfig",
    "TrainingResult",
    "estimate",
    "learn",
]
