"""Experiments of somebody else: one reads the files of another run, one takes time and hardly computes."""

import time

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
