"""The networks of Table 5 on data that ship, for a laptop."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "dataset": ["digits"],
    "epochs": [12],
    "batch_size": [64],
    "learning_rate": [0.05],
    "lr_step_epochs": [9],
    "augment": [False],
    "seed": [0, 1],
}

RECIPES.add(
    "table5_quick",
    Recipe(
        name="table5_quick",
        title="ResNet-56 made smaller, a quick one",
        summary=(
            "The three networks of the recipe table5 on 8x8 digits, two seeds each: 6 runs, under five minutes on two"
            " cores. Nothing to download. The networks are Table 5's, the images and the 12 epochs are not, and nor"
            " are the accuracies."
        ),
        scale="quick",
        experiment="classification",
        grids=(
            {
                "model": ["mgic_resnet56"],
                "coarsening": ["released"],
                "group_size": [8],
                "coarsest_size": [16],
                "width": [16],
                **SHARED,
            },
            {"model": ["ghost_resnet56"], "ratio": [2], **SHARED},
            {"model": ["resnet56"], "width": [16], **SHARED},
        ),
    ),
)
