"""The networks of Table 3 on solids that are made here."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "dataset": ["solids"],
    "points": [96],
    "neighbours": [10],
    "epochs": [5],
    "batch_size": [8],
    "optimizer": ["sgd"],
    "learning_rate": [0.1],
    "momentum": [0.9],
    "schedule": ["cosine"],
    "label_smoothing": [0.1],
    "augment": [False],
    "seed": [0],
}

RECIPES.add(
    "table3_quick",
    Recipe(
        name="table3_quick",
        title="Point clouds of solids, a quick one",
        summary=(
            "The three networks of Table 3 on 96 points of ten kinds of solids that are made here, one seed: 3 runs"
            " of 5 epochs, under five minutes on two cores. Nothing to download. The networks are Table 3's, the"
            " shapes, their points and the epochs are not, and a single seed orders nothing."
        ),
        scale="quick",
        experiment="point_cloud",
        grids=(
            {"model": ["dgcnn", "diffgcn"], **SHARED},
            {
                "model": ["mgic_diffgcn"],
                "group_size": [8],
                "coarsest_size": [16],
                "coarsening": ["paper"],
                **SHARED,
            },
        ),
    ),
)
