"""MGIC-ResNet-20 against ResNet-20 on Fashion-MNIST: the figure of docs/fashion-mnist.md."""

from mgic.records import Axis, Grid, Recipe
from mgic.reference import RECIPES

SHARED: dict[str, Axis] = {
    "dataset": ["fashion_mnist"],
    "epochs": [2],
    "batch_size": [64],
    "learning_rate": [0.05],
    "momentum": [0.9],
    "weight_decay": [5e-4],
    "schedule": ["cosine"],
    "augment": [False],
    "width": [16],
}
NETWORKS: tuple[Grid, ...] = (
    {"model": ["resnet20"]},
    {"model": ["mgic_resnet20"], "group_size": [8], "coarsest_size": [16], "coarsening": ["paper"]},
)

RECIPES.add(
    "fashion_mnist",
    Recipe(
        name="fashion_mnist",
        title="MGIC-ResNet-20 against ResNet-20 on Fashion-MNIST",
        summary=(
            "ResNet-20 and MGIC-ResNet-20 with s_g = 8 and s_c = 16, two epochs, three seeds each: 6 runs, about"
            " 50 minutes of one core in all. Needs `mgic data fetch fashion_mnist`, or"
            " Debian's dataset-fashion-mnist. No table of the paper: a comparison that a laptop can redo."
        ),
        scale="quick",
        experiment="classification",
        # Seed by seed, so that the networks can be compared before all is done.
        grids=tuple({**network, **SHARED, "seed": [seed]} for seed in (0, 1, 2) for network in NETWORKS),
    ),
)
