"""Three of the networks of Table 10, timed in a minute or two."""

from mgic.records import Recipe
from mgic.reference import RECIPES

RECIPES.add(
    "table10_quick",
    Recipe(
        name="table10_quick",
        title="Inference times of small networks, a quick one",
        summary=(
            "MobileNetV2, GhostNet and MGIC-MobileNetV3 in turns, batch 1, one thread of the CPU, 224x224 pixels,"
            " 3 rounds of up to 2 seconds, MobileNetV2 twice, as the control: 12 processes that cost a minute and a"
            " half of one core in all. Nothing to download. It shows how times are measured, with intervals as wide as"
            " 3 rounds make them; table10 has 10."
        ),
        scale="quick",
        experiment="latency",
        grids=(
            {
                "models": [["mobilenet_v2", "ghostnet_100", "mgic_mobilenet_v3"]],
                "engine": ["eager"],
                "device": ["cpu"],
                "threads": [1],
                "batch_size": [1],
                "input_size": [[3, 224, 224]],
                "precision": ["float32"],
                "memory_format": ["contiguous"],
                "rounds": [3],
                "control": [True],
                "samples": [50],
                "seconds": [2.0],
                "warm_up_seconds": [2.0],
                "seed": [0],
            },
        ),
    ),
)
