"""Fully connected layers over a hierarchy of channels: accuracy and cost against the width, on data that ship."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "width": [64, 128, 256, 512, 1024],
    "depth": [3],
    "img_size": [8],
    "dataset": ["digits"],
    "epochs": [20],
    "batch_size": [64],
    "learning_rate": [0.02],
    "momentum": [0.9],
    "weight_decay": [5e-4],
    "schedule": ["cosine"],
    "augment": [False],
    "seed": [0, 1, 2],
}

RECIPES.add(
    "mlp_quick",
    Recipe(
        name="mlp_quick",
        title="Fully connected layers, plain and in MGIC, against the width",
        summary=(
            "Three hidden layers of 64 to 1024 features on 8x8 digits, plain and with s_g = 16, s_c = 32, three seeds:"
            " 30 runs of 20 epochs, about three minutes on two cores. Nothing to download. No table of the paper, whose"
            " conclusion names such layers and shows none. One setting for all widths, tuned for none."
        ),
        scale="quick",
        experiment="classification",
        grids=(
            {"model": ["mlp"], **SHARED},
            {"model": ["mgic_mlp"], "group_size": [16], "coarsest_size": [32], "coarsening": ["paper"], **SHARED},
        ),
    ),
)
