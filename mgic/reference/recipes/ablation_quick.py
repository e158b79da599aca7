"""The ablation of group size against coarsest size, small enough for a laptop and with data that ship."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "dataset": ["digits"],
    "epochs": [12],
    "batch_size": [64],
    "learning_rate": [0.05],
    "lr_step_epochs": [9],
    "seed": [0, 1],
}

RECIPES.add(
    "ablation_quick",
    Recipe(
        name="ablation_quick",
        title="Group size against coarsest size, a quick one",
        summary=(
            "MGIC-ResNet-20 on 8x8 digits with group sizes 4, 8, 16 and coarsest sizes 8, 16, 32, and ResNet-20 beside"
            " them, two seeds each: 20 runs, under five minutes on two cores. Nothing to download."
            " It shows the shape of Table 13, not its numbers: another network, other images, 12 epochs."
        ),
        scale="quick",
        experiment="classification",
        grids=(
            {"model": ["mgic_resnet20"], "group_size": [4, 8, 16], "coarsest_size": [8, 16, 32], **SHARED},
            {"model": ["resnet20"], **SHARED},
        ),
    ),
)
