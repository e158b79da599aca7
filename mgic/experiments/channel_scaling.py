"""How do the cost and the time of one block grow with its width?"""

import time
from functools import lru_cache
from statistics import median

import torch
from pydantic import BaseModel, Field
from torch import nn

from mgic.experiment import Context, Estimate, ExperimentConfig, experiment
from mgic.layers import Coarsening
from mgic.measure.cost import count_cost, effective_group_sizes
from mgic.models.single_block import KIND, Kind, build_block
from mgic.records import Cost, View
from mgic.training import seeded

WARM_UP = 3  # forward passes before the first one that is timed


class Config(ExperimentConfig):
    block: Kind = Field("mgic", description=KIND)
    channels: int = Field(64, ge=1, le=8192, description="Width of the block", json_schema_extra={"unit": "channels"})
    group_size: int = Field(
        8,
        ge=1,
        le=1024,
        description="Channels per group, of mgic and grouped blocks",
        json_schema_extra={"unit": "channels"},
    )
    coarsest_size: int = Field(
        8,
        ge=1,
        le=1024,
        description="Channels to coarsen to, of mgic blocks",
        json_schema_extra={"unit": "channels"},
    )
    coarsening: Coarsening = Field("paper", description="When an mgic block stops halving its channels")
    side: int = Field(
        32, ge=1, le=512, description="Height and width of the feature map", json_schema_extra={"unit": "pixels"}
    )
    measure_latency: bool = Field(False, description="Time forward passes too; else only count")
    repeats: int = Field(30, ge=3, le=10_000, description="Forward passes to time, if any")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Weights derive from it; no count does")


class Result(BaseModel):
    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of one image, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_macs: int = Field(description="Share of the transfer operators R and P in `macs`")
    macs_per_channel: float = Field(
        description="`macs` over channels: flat where the cost is linear in the width",
        json_schema_extra={"goal": "min"},
    )
    latency_ms: float | None = Field(
        description="Median forward pass, batch 1, eager float32 on the CPU, on a host that may do other things: "
        "an indication only; empty unless measured",
        json_schema_extra={"unit": "ms", "goal": "min"},
    )
    n: int = Field(description="Forward passes that were timed")
    threads: int = Field(description="Threads that PyTorch computes with")


def build(config: Config) -> nn.Module:
    """The block of a config. Raises `BadConfig` where the width does not divide as the block needs it."""
    return build_block(config.block, config.channels, config.group_size, config.coarsest_size, config.coarsening)


def count(config: Config) -> Cost:
    """Remembered, since neither the seed nor how it is timed matters to it."""
    return _count(config.model_copy(update={"seed": 0, "repeats": 3, "measure_latency": False}))


@lru_cache(maxsize=4096)
def _count(config: Config) -> Cost:
    with torch.device("meta"):
        return count_cost(build(config), (config.channels, config.side, config.side))


def estimate(config: Config) -> Estimate:
    cost = count(config)
    sizes = {"mgic": effective_group_sizes(cost.levels), "grouped": (config.group_size,)}
    passes = WARM_UP + config.repeats if config.measure_latency else 0
    return Estimate(cost, sizes.get(config.block, ()), float(cost.macs) * passes, config.side**2)


@experiment(
    title="Cost against width",
    views=(
        View(title="MACs", x="channels", y="macs", series="block", log_x=True, log_y=True),
        View(title="Parameters", x="channels", y="params", series="block", log_x=True, log_y=True),
        View(title="MACs per channel", x="channels", y="macs_per_channel", series="block", log_x=True, log_y=True),
        View(title="Latency, indicative", x="channels", y="latency_ms", series="block", log_x=True, log_y=True),
    ),
    estimate=estimate,
)
def channel_scaling(config: Config, context: Context) -> Result:
    """The paper's first claim: quadratic in the width for a full convolution, linear for MGIC.

    Times are an indication only, taken on a host that may do other things.
    """
    cost = count(config)
    times = time_forward(config, context) if config.measure_latency else []
    context.report(1.0)
    return Result(
        params=cost.params,
        macs=cost.macs,
        transfer_macs=cost.transfer_macs,
        macs_per_channel=cost.macs / config.channels,
        latency_ms=median(times) if times else None,
        n=len(times),
        threads=torch.get_num_threads(),
    )


def time_forward(config: Config, context: Context) -> list[float]:
    """Milliseconds of each forward pass after the warm-up, batch 1."""
    with seeded(config.seed, "weights"):
        block = build(config).eval()
        image = torch.randn(1, config.channels, config.side, config.side)
    times = []
    with torch.inference_mode():
        for number in range(WARM_UP + config.repeats):
            start = time.perf_counter()
            block(image)
            times.append(1000 * (time.perf_counter() - start))
            context.report(number / (WARM_UP + config.repeats), "measuring")
    return times[WARM_UP:]
