"""Networks of Tables 2, 7 and 8 on data that ship, for a laptop."""

from mgic.records import Axis, Grid, Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes.imagenet import MGIC_MOBILENET

SHARED: dict[str, Axis] = {
    "dataset": ["digits"],
    "batch_size": [32],
    "learning_rate": [0.02],
    "momentum": [0.9],
    "weight_decay": [5e-4],
    "schedule": ["cosine"],
    "augment": [False],
    "seed": [0],
}
LIGHT: tuple[Grid, ...] = (
    {**MGIC_MOBILENET, "width_mult": [0.6, 1.0], "activation": ["hswish"]},
    {"model": ["ghostnet_050", "ghostnet_100"]},
)
SMALLER: tuple[Grid, ...] = (
    {
        "model": ["mgic_resnet50"],
        "group_size": [16],
        "coarsest_size": [64],
        "coarsening": ["paper_min1"],
        "stem": ["table6"],
    },
    {"model": ["resnet50"]},
    {"model": ["slimmable_resnet50"], "max_width": [0.5], "width": [0.5]},
    {"model": ["shift_resnet50"], "expansion": [3], "width_mult": [0.5]},
)
LIGHTEST: tuple[Grid, ...] = (
    {**MGIC_MOBILENET, "width_mult": [0.6], "activation": ["hswish", "relu"]},
    {"model": ["ghostnet_050", "shufflenet_v2_x0_5"]},
    {"model": ["shufflenet_v1"], "width_mult": [0.5], "groups": [8]},
)
NEEDS = (
    " Nothing to download. The networks are the table's, the images are not: of 8x8 pixels one is left after three of"
    " the five halvings, and the costs are those at that size. A single seed after so few steps orders nothing."
)
# Measured before they were left out; why they learn so little here is a guess.
LEFT_OUT = (
    " Left out are the MobileNets and MobileNeXt, which had 29 to 62 % after such a training: their depthwise 3x3"
    " layers have hardly a pixel to work on."
)


def _add(name: str, title: str, what: str, epochs: int, grids: tuple[Grid, ...], also: str = "") -> Recipe:
    filled = tuple({**grid, **SHARED, "epochs": [epochs]} for grid in grids)
    return RECIPES.add(
        name,
        Recipe(
            name=name,
            title=title,
            summary=what + NEEDS + also,
            scale="quick",
            experiment="classification",
            grids=filled,
        ),
    )


TABLE2_QUICK = _add(
    "table2_quick",
    "Light networks, a quick one",
    "MGIC-MobileNetV3 and GhostNet at the two smaller budgets of Table 2, on digits, one seed: 4 runs of 6 epochs,"
    " about three minutes of one core in all.",
    6,
    LIGHT,
    LEFT_OUT,
)
_add(
    "table7_quick",
    "ResNet-50 made smaller, a quick one",
    "MGIC-ResNet-50 with s_g = 16, ResNet-50, Slimmable-ResNet-50 and Shift-ResNet-50 on digits, one seed: 4 runs of 4"
    " epochs, about three minutes of one core in all. Their training has only begun then: 30 % for ResNet-50 is three"
    " times chance.",
    4,
    SMALLER,
)
_add(
    "table8_quick",
    "Light networks, the lightest of four families, a quick one",
    "MGIC-MobileNetV3 with and without h-swish, GhostNet, ShuffleNetV1 and ShuffleNetV2 at the lowest budget of Table"
    " 8, on digits, one seed: 5 runs of 7 epochs, about three minutes of one core in all.",
    7,
    LIGHTEST,
    LEFT_OUT,
)
