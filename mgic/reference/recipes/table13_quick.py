"""The networks of Table 13 on data that ship, for a laptop."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "dataset": ["digits"],
    "epochs": [7],
    "batch_size": [64],
    "learning_rate": [0.05],
    "lr_step_epochs": [5],
    "augment": [False],
    "seed": [0],
}
MGIC: dict[str, Axis] = {"model": ["mgic_resnet56"], "coarsening": ["released"], "width": [16], **SHARED}

RECIPES.add(
    "table13_quick",
    Recipe(
        name="table13_quick",
        title="Group size against coarsest size, ResNet-56, a quick one",
        summary=(
            "The six networks of Table 13, and ResNet-56, on 8x8 digits with one seed: 7 runs, under five minutes on"
            " two cores. Nothing to download. The networks are Table 13's, the images and the 7 epochs are not; a"
            " single seed orders nothing."
        ),
        scale="quick",
        experiment="classification",
        grids=(
            {**MGIC, "group_size": [16], "coarsest_size": [64, 32, 16]},
            {**MGIC, "group_size": [32, 8, 4], "coarsest_size": [16]},
            {"model": ["resnet56"], "width": [16], **SHARED},
        ),
    ),
)
