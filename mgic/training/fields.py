"""What a config says of a training: a type for each field, with bounds and words; an experiment adds the default."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from mgic.errors import DataMissing, Problem, UnknownName
from mgic.training import hyperparameters, precision, schedule

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
Schedule = Annotated[
    schedule.Schedule,
    Field(description="Of the learning rate: in steps, half a cosine or the power 0.9 of a line down to 0"),
]
Optimizer = Annotated[hyperparameters.Optimizer, Field(description="SGD, or Adam with its usual moments 0.9 and 0.999")]
LabelSmoothing = Annotated[
    float, Field(ge=0, lt=1, description="Share of each label that is spread over all classes while training")
]
Ema = Annotated[
    float,
    Field(ge=0, lt=1, description="Decay of a moving average of the weights, tested in place of them; 0 for none"),
]
Processes = Annotated[
    int,
    Field(ge=1, le=64, description="Processes that share each batch, a GPU each where the device is cuda"),
]
Precision = Annotated[
    precision.Precision,
    Field(description="Of convolutions and matrix products while training, on every device; scores are in float32"),
]
ValidationShare = Annotated[
    float,
    Field(
        ge=0,
        le=0.5,
        description="Share of the training samples that is held out, to choose by; the seed decides which, with each "
        "class in proportion. 0 for none: then there is only the test set to choose by",
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where to compute")]


def known(names: Mapping[str, Any]) -> AfterValidator:
    """A name that is in a registry, or else an error that tells the nearest one, or why what has the name is none."""

    def check(name: str) -> str:
        try:
            names[name]
        except (UnknownName, DataMissing) as error:
            raise ValueError(str(error)) from error
        return name

    return AfterValidator(check)


def whole_batch(batch_size: int, samples: int) -> list[Problem]:
    """What is wrong with a batch that has more samples than there are."""
    if batch_size <= samples:
        return []
    return [
        Problem("batch_size", "too_large", f"batch_size={batch_size} is more than the {samples} samples to learn from")
    ]


def whole_shares(processes: int, batch_size: int, samples: int) -> list[Problem]:
    """What is wrong with so many processes: each needs two samples of every batch, the last one too, for BatchNorm."""
    rest = samples % batch_size
    smallest = min(batch_size, rest if rest > 1 else batch_size, samples)
    if processes == 1 or smallest >= 2 * processes:
        return []
    words = f"processes={processes} leave fewer than 2 samples each of a batch of {smallest}"
    return [Problem("processes", "too_many", words)]
