"""What a config says of a training: a type for each field, with bounds and words; an experiment adds the default."""

from typing import Annotated, Literal

from pydantic import Field

from mgic.training import schedule, settings

Seed = Annotated[int, Field(ge=0, le=2**32 - 1, description="Weights, order and all else that is drawn derive from it")]
Epochs = Annotated[
    int, Field(ge=1, le=1000, description="Passes over the training samples", json_schema_extra={"unit": "epochs"})
]
MaxSteps = Annotated[
    int | None,
    Field(
        ge=1,
        le=10**7,
        description="Stop after so many steps, even within an epoch; empty for no such limit",
        json_schema_extra={"unit": "steps"},
    ),
]
# BatchNorm has nothing to average over in a batch of one sample without pixels.
BatchSize = Annotated[int, Field(ge=2, le=4096, description="Samples in a step", json_schema_extra={"unit": "samples"})]
LearningRate = Annotated[float, Field(gt=0, le=1000, description="Of the optimizer, in the first epoch")]
Momentum = Annotated[float, Field(ge=0, lt=1, description="Of SGD, without Nesterov's correction; Adam has its own")]
WeightDecay = Annotated[float, Field(ge=0, le=1, description="Pull of every parameter towards zero")]
LrStepEpochs = Annotated[
    int,
    Field(
        ge=1,
        le=1000,
        description="Under the schedule step, the learning rate is divided by 10 each time so many epochs are over",
        json_schema_extra={"unit": "epochs"},
    ),
]
Schedule = Annotated[schedule.Schedule, Field(description="Of the learning rate: in steps, or half a cosine down to 0")]
Optimizer = Annotated[settings.Optimizer, Field(description="SGD, or Adam with its usual moments 0.9 and 0.999")]
LabelSmoothing = Annotated[
    float, Field(ge=0, lt=1, description="Share of each label that is spread over all classes while training")
]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to compute")]
