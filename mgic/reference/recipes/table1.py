"""Table 1: the transfer operators alone, over group sizes."""

from mgic.records import Recipe
from mgic.reference import RECIPES

TABLE1 = RECIPES.add(
    "table1",
    Recipe(
        name="table1",
        title="Reconstruction from 8 channels over group sizes, ResNet-50 (Table 1)",
        summary=(
            "The first 64 feature maps of ResNet-50 over 1,024 images of ImageNet, encoded on 8 channels in groups of"
            " 32, 16, 8 and 4: 4 runs, minutes on a CPU. Needs torchvision's weights of ResNet-50 and ImageNet's"
            " validation images under imagenet/val in the data folder."
        ),
        scale="paper",
        experiment="reconstruction",
        grids=(
            {
                "features": ["resnet50"],
                "layer": ["convolution"],
                "images": ["imagenet"],
                "samples": [1024],
                "group_size": [32, 16, 8, 4],
                "coarsest_size": [8],
                "coarsening": ["paper"],
                "seed": [0],
            },
        ),
    ),
)
