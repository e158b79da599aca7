"""Table 13: group size against coarsest size for ResNet-56 on CIFAR-10."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

# Appendix B.2 and B.2.1, all of it said here, so that a change of a default cannot change the recipe.
SHARED: dict[str, Axis] = {
    "dataset": ["cifar10"],
    "epochs": [100],
    "batch_size": [128],
    "learning_rate": [0.001],
    "lr_step_epochs": [30],
    "momentum": [0.9],
    "weight_decay": [1e-4],
    "augment": [True],
    "seed": [0, 1, 2],
}
MGIC: dict[str, Axis] = {"model": ["mgic_resnet56"], "coarsening": ["released"], **SHARED}

RECIPES.add(
    "table13",
    Recipe(
        name="table13",
        title="Group size against coarsest size, ResNet-56 on CIFAR-10 (Table 13)",
        summary=(
            "The six pairs of group size and coarsest size that Table 13 prints, and ResNet-56, three seeds each:"
            " 21 runs of 100 epochs on CIFAR-10, for a GPU. Needs `mgic data fetch cifar10`."
            " The printed parameters fit the released coarsening best; the printed FLOPs fit none."
        ),
        scale="paper",
        experiment="classification",
        grids=(
            {**MGIC, "group_size": [16], "coarsest_size": [64, 32, 16]},
            {**MGIC, "group_size": [32, 8, 4], "coarsest_size": [16]},
            {"model": ["resnet56"], **SHARED},
        ),
    ),
)
