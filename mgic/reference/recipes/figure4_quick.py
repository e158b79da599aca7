"""The networks of Figure 4 fitting its function in a few minutes."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "model": ["implicit_mlp"],
    "width_mult": [0.6, 0.8, 1.2],
    "target": ["cos_sin"],
    "points": [16_384],
    "test_side": [50],
    "epochs": [15],
    "batch_size": [256],
    "optimizer": ["adam"],
    "learning_rate": [0.01],
    "schedule": ["cosine"],
    "seed": [0],
}

RECIPES.add(
    "figure4_quick",
    Recipe(
        name="figure4_quick",
        title="A function fitted by three kinds of blocks, a quick one",
        summary=(
            "The nine networks of Figure 4 on its function, one seed: 9 runs of 960 steps, under five minutes on two"
            " cores. Nothing to download. Adam with a rate that falls to 0 in place of SGD at 0.0001, which would"
            " take hours; a single seed orders nothing."
        ),
        scale="quick",
        experiment="function_fit",
        grids=(
            {"block": ["mgic"], "group_size": [16], "coarsest_size": [16], "coarsening": ["paper"], **SHARED},
            {"block": ["mobilenet_v3", "ghost"], **SHARED},
        ),
    ),
)
