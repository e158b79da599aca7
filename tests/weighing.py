"""Experiments of somebody else: one reads the files of another run, one takes time and hardly computes."""

import ctypes
import resource
import time
from typing import Literal

import torch
from pydantic import BaseModel, Field

from mgic.experiment import Context, ExperimentConfig, RunId, experiment, run_input
from mgic.records import View


class Config(ExperimentConfig):
    trained: RunId | None = run_input("classification", description="Whose weights are weighed")
    other: RunId | None = run_input("classification", "weigh", files=(), description="A run that comes first")
    times: int = Field(1, ge=1, description="What the weight is multiplied by")


class Result(BaseModel):
    weight: int = Field(description="Of the file, in bytes")


@experiment(title="Weigh the weights of a run", views=(View(title="Weight", x="times", y="weight"),))
def weigh(config: Config, context: Context) -> Result:
    """How large the file is that a training has left."""
    return Result(weight=config.times * context.input("trained", "model.safetensors").stat().st_size)


class Waiting(ExperimentConfig):
    steps: int = Field(60, ge=1, description="How often it waits, a twentieth of a second each")
    seed: int = Field(0, description="Sets one run apart from another")


class Waited(BaseModel):
    waited: int = Field(description="How often it has waited")


@experiment(title="Wait", views=(View(title="Steps", x="seed", y="waited"),))
def wait(config: Waiting, context: Context) -> Waited:
    """A run that lasts, for who watches over runs."""
    for step in range(config.steps):
        context.report(step / config.steps, "waiting")
        time.sleep(0.05)
    return Waited(waited=config.steps)


class Suffering(ExperimentConfig):
    fault: Literal["gpu memory", "memory", "segfault", "file"] = Field("memory", description="What goes wrong")
    seed: int = Field(0, description="Sets one run apart from another")


@experiment(title="Suffer", views=(View(title="Bytes", x="seed", y="waited"),))
def suffer(config: Suffering, context: Context) -> Waited:
    """A run that ends badly, or leaves a large file."""
    match config.fault:
        case "gpu memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80.00 GiB")
        case "memory":
            before = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (2**30, before[1]))
            try:
                bytearray(2**31)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, before)
        case "segfault":
            ctypes.string_at(0)
        case "file":
            context.artifact("large.bin").write_bytes(bytes(8 * 2**20))
    return Waited(waited=1)
