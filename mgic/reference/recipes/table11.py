"""Table 11: segmentation of Cityscapes with the LR-ASPP head."""

from mgic.records import Axis, Recipe
from mgic.reference import RECIPES

# Appendix B.3 refers to DeepLabv3 for augmentation and optimization: crops of 769, scales of 1/2 to 2, mirroring,
# 90,000 steps of 16 pictures and the rate are that paper's, momentum and weight decay those of its published code.
SHARED: dict[str, Axis] = {
    "dataset": ["cityscapes"],
    "crop": [769],
    "epochs": [484],
    "batch_size": [16],
    "optimizer": ["sgd"],
    "learning_rate": [0.007],
    "momentum": [0.9],
    "weight_decay": [4e-5],
    "schedule": ["poly"],
    "augment": [True],
    "seed": [0, 1, 2],
}
MGIC: dict[str, Axis] = {
    "model": ["mgic_lraspp"],
    "coarsest_size": [64],
    "coarsening": ["paper_min1"],
    "connector": ["grouped"],
    **SHARED,
}

RECIPES.add(
    "table11",
    Recipe(
        name="table11",
        title="Segmentation of Cityscapes with the LR-ASPP head (Table 11)",
        summary=(
            "MGIC-Large with s_g = 64 and 32, MGIC-Small with s_g = 64, and MobileNetV3-Large and -Small, three seeds"
            " each: 15 runs of 484 epochs, which are 90,000 steps, for a GPU of 24 GB; days of it. Needs Cityscapes;"
            " `mgic data list` says where. The paper names DeepLabv3 for its training and prints no more: the first"
            " weights are drawn here, and the norms learn to the end."
        ),
        scale="paper",
        experiment="segmentation",
        grids=(
            {"variant": ["large"], "group_size": [64, 32], **MGIC},
            {"variant": ["small"], "group_size": [64], **MGIC},
            {"model": ["lraspp_mobilenet_v3"], "variant": ["large", "small"], **SHARED},
        ),
    ),
)
