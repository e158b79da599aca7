"""An experiment of somebody else, on a kind of training: what she writes."""

from pathlib import Path

import torch

from mgic.experiment import Context, experiment
from mgic.models.config import model_field
from mgic.tasks import (
    CLASSIFICATION_VIEWS,
    ClassificationConfig,
    ClassificationResult,
    Data,
    DataSize,
    estimate,
    learn,
)
from tests.mgic.tasks.stripes import SIDE, TEST, TRAIN, stripes


class Config(ClassificationConfig):
    model: str = model_field("resnet20", task="image classification")

    @property
    def size(self) -> DataSize:
        return DataSize((1, SIDE, SIDE), TRAIN, TEST, {"in_channels": 1, "num_classes": 2})

    def read(self, data_dir: Path, device: torch.device) -> Data:
        return Data(stripes(TRAIN, 0, device), stripes(TEST, 1, device))


@experiment(title="Stripes", views=CLASSIFICATION_VIEWS, estimate=estimate)
def stripes_task(config: Config, context: Context) -> ClassificationResult:
    """Tell upright stripes from lying ones."""
    return ClassificationResult(**learn(config, context).fields)
