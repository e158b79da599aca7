"""Tables 2, 7 and 8: the networks that can be trained here, on ImageNet as the paper trains its own."""

from mgic.records import Axis, Grid, Recipe
from mgic.reference import RECIPES

# Section 3 and appendix B.2, all of it said here, so that a change of a default cannot change the recipes.
SHARED: dict[str, Axis] = {
    "dataset": ["imagenet"],
    "epochs": [100],
    "batch_size": [256],
    "learning_rate": [0.1],
    "lr_step_epochs": [30],
    "momentum": [0.9],
    "weight_decay": [1e-4],
    "augment": [True],
    "seed": [0, 1, 2],
}
MGIC_MOBILENET: Grid = {
    "model": ["mgic_mobilenet_v3"],
    "width_mult": [0.6, 1.0, 1.2],
    "group_size": [64],
    "coarsest_size": [64],
    "coarsening": ["paper"],
    "exp_scaling": ["compound"],
    "scaled_head": [False],
    "squeeze_levels": ["finest"],
    "connector": ["pointwise"],
}
NEEDS = (
    " three seeds each, 100 epochs of 1.28 million images: days of a GPU a run. Needs ImageNet; `mgic data list` says"
    " where. Quoted rows of the table had the training of their own papers."
)


def _add(name: str, title: str, what: str, grids: tuple[Grid, ...]) -> Recipe:
    filled = tuple({**grid, **SHARED} for grid in grids)
    return RECIPES.add(
        name,
        Recipe(name=name, title=title, summary=what + NEEDS, scale="paper", experiment="classification", grids=filled),
    )


TABLE2 = _add(
    "table2",
    "Light networks on ImageNet (Table 2)",
    "MGIC-MobileNetV3 at three widths, and the GhostNets and MobileNetV3s of Table 2:",
    (
        {**MGIC_MOBILENET, "activation": ["hswish"]},
        {
            "model": [
                "mobilenetv3_small_075",
                "mobilenetv3_large_075",
                "mobilenet_v3_large",
                "ghostnet_050",
                "ghostnet_100",
                "ghostnet_130",
            ]
        },
    ),
)
_add(
    "table7",
    "ResNet-50 made smaller, on ImageNet (Table 7)",
    "MGIC-ResNet-50 with three group sizes, and those of Table 7's networks that are no pruned ones:",
    (
        {
            "model": ["mgic_resnet50"],
            "group_size": [16, 32, 64],
            "coarsest_size": [64],
            "coarsening": ["paper_min1"],
            "stem": ["table6"],
        },
        {"model": ["resnet50", "shift_resnet50", "versatile_resnet50", "resnext50_32x4d"]},
        {"model": ["ghost_resnet50"], "ratio": [2, 4]},
        {"model": ["slimmable_resnet50"], "max_width": [0.5], "width": [0.5]},
    ),
)
_add(
    "table8",
    "Light networks on ImageNet, all of them (Table 8)",
    "MGIC-MobileNetV3 at three widths with and without h-swish, and all that Table 8 quotes:",
    (
        {**MGIC_MOBILENET, "activation": ["hswish", "relu"]},
        {
            "model": [
                "mobilenetv1_050",
                "mobilenetv2_035",
                "mobilenetv3_small_075",
                "mobilenetv3_large_075",
                "mobilenet_v3_large",
                "shufflenet_v2_x0_5",
                "shufflenet_v2_x1_0",
                "shufflenet_v2_x1_5",
                "ghostnet_050",
                "ghostnet_100",
                "ghostnet_130",
                "semnasnet_100",
                "fbnet_b",
                "proxylessnas_mobile",
                "fe_net",
            ]
        },
        {"model": ["mobilenet_v2"], "width_mult": [0.6, 1.0]},
        {"model": ["mobilenext"], "width_mult": [0.35, 0.75, 1.0]},
        {"model": ["shufflenet_v1"], "width_mult": [0.5], "groups": [8]},
        {"model": ["shufflenet_v1"], "width_mult": [1.0], "groups": [3]},
    ),
)
