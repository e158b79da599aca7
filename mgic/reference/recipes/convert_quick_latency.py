"""How long the networks of `convert_quick` take, beside their conversions."""

from mgic.records import Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes.convert_quick import FAMILIES

CLASSES = "in_channels=1,num_classes=10"

RECIPES.add(
    "convert_quick_latency",
    Recipe(
        name="convert_quick_latency",
        title="Latency of three families and their conversions, a quick one",
        summary=(
            "The networks of convert_quick in turns with their conversions (s_g = 8, s_c = 16), one sample of 64x64"
            " pixels, one thread: a run a family, each network in three fresh processes, a few minutes on two cores. No"
            " table of the paper."
        ),
        scale="quick",
        experiment="latency",
        grids=tuple(
            {
                "models": [[f"{family}({CLASSES})", f"mgic/{family}(group_size=8,coarsest_size=16,{CLASSES})"]],
                "input_size": [[1, 64, 64]],
                "rounds": [3],
                "seconds": [5.0],
                "threads": [1],
            }
            for family in FAMILIES
        ),
    ),
)
