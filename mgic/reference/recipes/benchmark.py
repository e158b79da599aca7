"""Does time follow the multiply-accumulates? MGIC networks beside what they replace, for `mgic benchmark`."""

from typing import Any

from mgic.records import Grid, Recipe
from mgic.reference import RECIPES
from mgic.reference.recipes.table10 import NETWORKS as TABLE_10

SMALL = ["ghostnet_100", "mgic_mobilenet_v3"]
MOBILE = ["mobilenetv3_large_075", "mgic_mobilenet_v3"]
LARGE = [
    "resnet50",
    *(f"mgic_resnet50(group_size={size},coarsest_size={size})" for size in (16, 32, 64)),
]
CIFAR = ["resnet56", "mgic_resnet56(group_size=8,coarsest_size=16)"]
BLOCK = [
    "single_block(kind=full,width=512,in_channels=512)",
    "single_block(kind=mgic,width=512,in_channels=512,group_size=32,coarsest_size=32)",
]
PAIRS = [SMALL, MOBILE, LARGE, CIFAR, BLOCK]
PRODUCT = "single_block(kind=pointwise,width=1024,in_channels=1024)"  # what the machine can do at its best


def growing(widths: list[int]) -> list[str]:
    """The product of matrices, and blocks of these widths, full and MGIC."""
    kinds = ("kind=full", "kind=mgic,group_size=8,coarsest_size=8")
    blocks = [f"single_block({kind},width={width},in_channels={width})" for kind in kinds for width in widths]
    return [PRODUCT, *blocks]


def grid(models: list[list[str]], **fields: list[Any]) -> Grid:
    """Runs of `latency`, measured alike unless the fields say otherwise."""
    shared: Grid = {"device": ["cpu"], "threads": [1], "batch_size": [1], "seed": [0]}
    return {"models": [list(names) for names in models], **shared, **fields}


QUICK: dict[str, list[Any]] = {"rounds": [3], "samples": [40], "seconds": [2.0], "warm_up_seconds": [1.0]}
WHOLE: dict[str, list[Any]] = {"rounds": [9], "samples": [100], "seconds": [10.0], "warm_up_seconds": [5.0]}
STEPS: dict[str, list[Any]] = {"mode": ["training"], "batch_size": [128], "memory_format": ["channels_last"]}
ON_A_GPU: dict[str, list[Any]] = {**QUICK, "device": ["cuda"]}

RECIPES.add(
    "benchmark_quick",
    Recipe(
        name="benchmark_quick",
        title="Time against multiply-accumulates, in a quarter of an hour",
        summary=(
            "MGIC networks in turns with those they replace, by ONNX Runtime on one thread, a step of training by"
            " PyTorch, blocks of 64 to 1024 channels, and the networks of Table 10: 3 rounds each, random weights, 111"
            " processes."
            " `mgic benchmark` runs it and writes the tables."
        ),
        scale="quick",
        experiment="latency",
        grids=(
            grid(PAIRS, engine=["onnxruntime"], **QUICK),
            grid([CIFAR], **QUICK | STEPS),
            grid([growing([64, 128, 256, 512, 1024])], **QUICK),
            grid([TABLE_10], engine=["onnxruntime"], **QUICK),
        ),
    ),
)
RECIPES.add(
    "benchmark",
    Recipe(
        name="benchmark",
        title="Time against multiply-accumulates, the whole benchmark",
        summary=(
            "MGIC networks in turns with those they replace by every engine on one thread, steps of training, and"
            " blocks of 64 to 4096 channels, and the networks of Table 10: 9 rounds each, random weights, 1143"
            " processes: about five hours."
            " `mgic benchmark --full` runs it, can be gone on with, and writes the tables."
        ),
        scale="paper",
        experiment="latency",
        grids=(
            grid(PAIRS, engine=["onnxruntime", "openvino", "eager", "optimized"], **WHOLE),
            grid([CIFAR], **WHOLE | STEPS),
            grid([growing([64, 128, 256, 512, 1024, 2048, 4096])], **WHOLE),
            grid([TABLE_10], engine=["onnxruntime", "openvino", "eager", "optimized"], **WHOLE),
            grid(PAIRS, engine=["compile"], **WHOLE),
            grid([CIFAR], engine=["compile"], **WHOLE | STEPS),
        ),
    ),
)
RECIPES.add(
    "benchmark_gpu",
    Recipe(
        name="benchmark_gpu",
        title="Time against multiply-accumulates on a GPU",
        summary=(
            "The pairs of networks of `benchmark` on one GPU: as PyTorch runs them, as CUDA graphs and compiled, in"
            " float32, TF32 and bfloat16, one image and 128, and steps of training; 3 rounds each."
            " `mgic benchmark --device cuda --budget 8m` runs what fits into eight minutes, the most telling first."
        ),
        scale="quick",
        experiment="latency",
        grids=(
            grid([LARGE], batch_size=[1, 128], **ON_A_GPU),
            grid([LARGE], batch_size=[128], precision=["bfloat16"], memory_format=["channels_last"], **ON_A_GPU),
            grid([LARGE], engine=["cudagraph"], **ON_A_GPU),
            grid([CIFAR], **ON_A_GPU | STEPS),
            grid([SMALL], engine=["eager", "cudagraph"], **ON_A_GPU),
            grid([LARGE, SMALL], engine=["compile"], **ON_A_GPU),
            grid([CIFAR], precision=["bfloat16"], **ON_A_GPU | STEPS),
            grid([LARGE], batch_size=[128], precision=["ieee_float32", "tf32"], **ON_A_GPU),
            grid([growing([64, 128, 256, 512, 1024, 2048])], **ON_A_GPU),
            grid([MOBILE, CIFAR, BLOCK], engine=["eager", "cudagraph"], batch_size=[1, 128], **ON_A_GPU),
        ),
    ),
)
