"""Three families of networks and what `mgic.convert` makes of them, on data that ship."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

FAMILIES = ("resnet20", "ghostnet_050", "timm/test_mambaout")
SHARED: dict[str, Axis] = {
    "dataset": ["digits"],
    "epochs": [6],
    "batch_size": [32],
    "learning_rate": [0.02],
    "momentum": [0.9],
    "weight_decay": [5e-4],
    "schedule": ["cosine"],
    "augment": [False],
    "seed": [0, 1, 2],
}
HIERARCHY: dict[str, Axis] = {"group_size": [8], "coarsest_size": [16], "coarsening": ["paper"]}

RECIPES.add(
    "convert_quick",
    Recipe(
        name="convert_quick",
        title="Three families and their conversions, a quick one",
        summary=(
            "ResNet-20, GhostNet 0.5x and timm's smallest MambaOut, each as it is and with its blocks in MGIC (s_g = 8,"
            " s_c = 16), on 8x8 digits, three seeds: 18 runs of 6 epochs, about ten minutes on two cores. Nothing to"
            " download. No table of the paper. The settings are those of table2_quick for all six, tuned for none."
            " Of 8x8 pixels one is left after three of the halvings that GhostNet and MambaOut make. The converted"
            " MambaOut stays at chance: docs/conversion.md."
        ),
        scale="quick",
        experiment="classification",
        grids=tuple(
            grid
            for family in FAMILIES
            for grid in ({"model": [family], **SHARED}, {"model": [f"mgic/{family}"], **HIERARCHY, **SHARED})
        ),
    ),
)
