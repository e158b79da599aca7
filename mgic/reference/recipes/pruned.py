"""The pruned networks of Tables 5 and 7 at the paper's scale, and all methods of pruning on data that ship."""

from mgic.records import Axis, Grid, Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes import imagenet, table5

NEEDS = (
    " Each is trained as the paper trains its own, pruned and fine-tuned, three seeds each. What the tables quote had"
    " the training of its own paper."
)
RECIPES.add(
    "table5_pruned",
    Recipe(
        name="table5_pruned",
        title="ResNet-56 pruned, on CIFAR-10 (Table 5)",
        summary="l1, CP and AMC to the MACs that Table 5 prints: 9 runs, for a GPU. Needs `mgic data fetch cifar10`."
        + NEEDS,
        scale="paper",
        experiment="prune",
        grids=tuple(
            {"model": ["resnet56"], "width": [16], "scope": ["local"], **method, **table5.SHARED}
            for method in (
                {"method": ["l1"], "macs_ratio": [0.728]},
                {"method": ["cp"], "macs_ratio": [0.504], "calibration_images": [5000]},
                {"method": ["amc"], "macs_ratio": [0.504]},
            )
        ),
    ),
)
RECIPES.add(
    "table7_pruned",
    Recipe(
        name="table7_pruned",
        title="ResNet-50 pruned, on ImageNet (Table 7)",
        summary="ThiNet, NISP, scales of norms kept small for SSS, Taylor-FO-BN and MetaPruning to the MACs that Table"
        " 7 prints: 15 runs, days of a GPU each. Needs ImageNet; `mgic data list` says where." + NEEDS,
        scale="paper",
        experiment="prune",
        grids=tuple(
            {"model": ["resnet50"], **method, **imagenet.SHARED}
            for method in (
                {"method": ["thinet"], "scope": ["local"], "macs_ratio": [0.634], "calibration_images": [10000]},
                {"method": ["nisp"], "scope": ["local"], "macs_ratio": [0.561]},
                {"method": ["bn_sparsity"], "scope": ["global"], "macs_ratio": [0.683]},
                {"method": ["taylor_bn"], "scope": ["global"], "macs_ratio": [0.317]},
                {"method": ["metapruning"], "scope": ["local"], "macs_ratio": [0.244]},
            )
        ),
    ),
)
QUICK: dict[str, Axis] = {
    "model": ["resnet20"],
    "dataset": ["digits"],
    "macs_ratio": [0.5],
    "epochs": [10],
    "batch_size": [64],
    "learning_rate": [0.05],
    "schedule": ["cosine"],
    "augment": [False],
    "finetune_epochs": [4],
    "finetune_learning_rate": [0.01],
    "calibration_images": [256],
    "search_trials": [60],
    "search_epochs": [5],
    "seed": [0],
}
METHODS: Grid = {"method": ["l1", "taylor_bn", "nisp", "thinet", "cp", "amc", "metapruning"]}
RECIPES.add(
    "pruning_quick",
    Recipe(
        name="pruning_quick",
        title="Seven ways to half the multiply-accumulates, a quick one",
        summary="ResNet-20 on 8x8 digits, pruned to half its MACs by l1, Taylor-FO-BN, NISP, ThiNet, CP, AMC and"
        " MetaPruning, one seed: 7 runs, about two minutes of one core in all. Nothing to download. A single seed"
        " orders nothing.",
        scale="quick",
        experiment="prune",
        grids=({**METHODS, **QUICK},),
    ),
)
