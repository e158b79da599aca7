"""An experiment of somebody else that reads the files of another run."""

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
