"""The small networks of Table 11 on shapes that are made here."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "variant": ["small"],
    "dataset": ["shapes"],
    "crop": [64],
    "epochs": [8],
    "batch_size": [16],
    "optimizer": ["adam"],
    "learning_rate": [0.003],
    "weight_decay": [0.0],
    "schedule": ["cosine"],
    "augment": [True],
    "seed": [0],
}

RECIPES.add(
    "table11_quick",
    Recipe(
        name="table11_quick",
        title="Segmentation of shapes, a quick one",
        summary=(
            "MGIC-Small with s_g = 64 and MobileNetV3-Small of Table 11 on five kinds of shapes that are made here, one"
            " seed: 2 runs of 8 epochs, under four minutes on two cores. Nothing to download. Adam in place of SGD,"
            " and pieces of 64 pixels; a single seed orders nothing."
        ),
        scale="quick",
        experiment="segmentation",
        grids=(
            {
                "model": ["mgic_lraspp"],
                "group_size": [64],
                "coarsest_size": [64],
                "coarsening": ["paper_min1"],
                "connector": ["grouped"],
                **SHARED,
            },
            {"model": ["lraspp_mobilenet_v3"], **SHARED},
        ),
    ),
)
