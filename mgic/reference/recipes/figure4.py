"""Figure 4: MGIC, MobileNetV3 and GhostNet blocks fitting a function, MSE against parameters."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

# Appendix B.1, all of it said here, so that a change of a default cannot change the recipe.
SHARED: dict[str, Axis] = {
    "model": ["implicit_mlp"],
    "width_mult": [0.6, 0.8, 1.2],
    "target": ["cos_sin"],
    "points": [50_000],
    "test_side": [100],
    "epochs": [1000],
    "batch_size": [128],
    "optimizer": ["sgd"],
    "learning_rate": [1e-4],
    "momentum": [0.0],
    "weight_decay": [0.0],
    "schedule": ["step"],
    "lr_step_epochs": [1000],
    "seed": [0, 1, 2],
}

RECIPES.add(
    "figure4",
    Recipe(
        name="figure4",
        title="A function fitted by three kinds of blocks (Figure 4)",
        summary=(
            "cos(x) sin(20y) from 50,000 points, by networks of MGIC, MobileNetV3 and GhostNet blocks of widths 0.6,"
            " 0.8 and 1.2, three seeds each: 27 runs of 1000 epochs, 391,000 steps each. Nothing to download, but"
            " many hours a run. SGD at a constant 0.0001 as printed; momentum, weight decay, group and coarsest size"
            " are not printed: none, and 16 and 16."
        ),
        scale="paper",
        experiment="function_fit",
        grids=(
            {"block": ["mgic"], "group_size": [16], "coarsest_size": [16], "coarsening": ["paper"], **SHARED},
            {"block": ["mobilenet_v3", "ghost"], **SHARED},
        ),
    ),
)
