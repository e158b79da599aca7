"""Table 5: ResNet-56 made smaller, on CIFAR-10."""

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
MGIC: dict[str, Axis] = {
    "model": ["mgic_resnet56"],
    "coarsening": ["released"],
    "group_size": [8],
    "coarsest_size": [16],
    "width": [16],
}

RECIPES.add(
    "table5",
    Recipe(
        name="table5",
        title="ResNet-56 made smaller, on CIFAR-10 (Table 5)",
        summary=(
            "MGIC-ResNet-56 with s_g = 8 and s_c = 16, Ghost-ResNet-56 and ResNet-56, three seeds each: 9 runs of"
            " 100 epochs on CIFAR-10, for a GPU. Needs `mgic data fetch cifar10`. The pruned networks of the table"
            " are not in it: they are runs of the experiment `prune`."
        ),
        scale="paper",
        experiment="classification",
        grids=(
            {**MGIC, **SHARED},
            {"model": ["ghost_resnet56"], "ratio": [2], **SHARED},
            {"model": ["resnet56"], "width": [16], **SHARED},
        ),
    ),
)
