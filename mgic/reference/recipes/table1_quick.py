"""Table 1 with what ships: another trained network, photographs, half as many channels."""

from mgic.records import Recipe
from mgic.reference import RECIPES

TABLE1_QUICK = RECIPES.add(
    "table1_quick",
    Recipe(
        name="table1_quick",
        title="Reconstruction from 8 channels over group sizes, a quick one",
        summary=(
            "The first 32 feature maps of EfficientNet-Lite0, trained on ImageNet, over 16 photographs, encoded on"
            " 8 channels in groups of 32 (that is all), 16, 8 and 4: 4 runs, under a minute on two cores. Nothing to"
            " download. It shows the order of Table 1, not its numbers: another network, other images, 32 channels."
        ),
        scale="quick",
        experiment="reconstruction",
        grids=(
            {
                "features": ["efficientnet_lite0"],
                "layer": ["convolution"],
                "images": ["photographs"],
                "samples": [16],
                "group_size": [32, 16, 8, 4],
                "coarsest_size": [8],
                "coarsening": ["paper"],
                "seed": [0],
            },
        ),
    ),
)
