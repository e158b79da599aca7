"""Table 10: how long one image takes on one thread of a processor."""

from mgic.records import Recipe
from mgic.reference import RECIPES

MGIC = (
    "mgic_mobilenet_v3(width_mult=1.0,group_size=64,coarsest_size=64,coarsening=paper,activation=hswish,"
    "exp_scaling=compound,scaled_head=false,squeeze_levels=finest,connector=pointwise)"
)
NETWORKS = ["mobilenet_v2", "mobilenetv3_large_075", "ghostnet_100", MGIC]

RECIPES.add(
    "table10",
    Recipe(
        name="table10",
        title="Inference times of small networks (Table 10)",
        summary=(
            "The four networks of Table 10 in turns, batch 1, one thread of the CPU, 224x224 pixels, 10 rounds of"
            " 100 passes: once as PyTorch runs them and once with norms folded. MobileNetV2 is measured twice, as the"
            " control. 100 processes, each with a few seconds to start, up to 10 to warm up and up to 30 to measure."
            " Nothing to download: the weights are random."
            " The printed times are those of a phone and an i9-9820X, by a runtime the paper does not name;"
            " other machines give others, but the order of the networks can be held against the printed one."
        ),
        scale="paper",
        experiment="latency",
        grids=(
            {
                "models": [NETWORKS],
                "engine": ["eager", "optimized"],
                "device": ["cpu"],
                "threads": [1],
                "batch_size": [1],
                "input_size": [[3, 224, 224]],
                "precision": ["float32"],
                "memory_format": ["contiguous"],
                "rounds": [10],
                "control": [True],
                "samples": [100],
                "seconds": [30.0],
                "warm_up_seconds": [10.0],
                "seed": [0],
            },
        ),
    ),
)
