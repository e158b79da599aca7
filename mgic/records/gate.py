"""The gate: what is exact of some models, kept as a baseline, and what holds against it."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from mgic.records.base import MODEL_NAME_PATTERN, NAME_PATTERN, Config, Record
from mgic.records.limits import Limits

MAX_GATE_MODELS = 50
SPEC_PATTERN = rf"^{MODEL_NAME_PATTERN}(\([^\x00-\x1f\x7f|`<>]*\))?$"

Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Side = Annotated[int, Field(ge=1, le=2**14, strict=True)]
InputSize = Annotated[tuple[Side, ...], Field(min_length=1, max_length=3)]
Spec = Annotated[str, Field(min_length=1, max_length=500)]
Specs = Annotated[list[Spec], Field(min_length=1, max_length=MAX_GATE_MODELS)]
Named = Annotated[str, Field(pattern=NAME_PATTERN)]
RunIds = Annotated[list[UUID], Field(max_length=MAX_GATE_MODELS)]


class Source(Record):
    """The program that counted; the names are those of a run's environment."""

    mgic: str = Field(max_length=40, description="Version")
    commit: str = Field(max_length=64, description='"unknown" outside a checkout')
    dirty: bool | None = Field(description="Whether the checkout was changed since that commit")


class Top1(Record):
    """A test accuracy, and the training it came from."""

    value: float = Field(ge=0, le=100, description="Test samples whose class is the first answer, %")
    run_id: UUID | None = Field(description="Of the service; null for a run that no service has kept")
    experiment: str = Field(max_length=120)
    experiment_version: int | None = Field(description="null where the run does not say")
    dataset: str = Field(max_length=120)
    dataset_hash: str = Field(max_length=64)
    epochs: int = Field(ge=1)
    seed: int = Field(ge=0)
    training: Config = Field(
        max_length=100, description="Every other field of the run's config but the model, its options and the device"
    )


class ModelFigures(Record):
    """What is exact of one model."""

    model: str = Field(max_length=500, pattern=SPEC_PATTERN, description="Spec: its name, and the options given")
    options: Config = Field(max_length=100, description="All its options, defaults filled in")
    input_size: InputSize = Field(description="Of one sample: channels, height, width")
    params: Count = Field(description="Trainable parameters")
    macs: Count = Field(description="Multiply-accumulates of one sample")
    size_bytes: Count = Field(description="Size of its state dict as a safetensors file in float32, bytes")
    top1: Top1 | None = Field(None, description="null where no run was given")

    @property
    def name(self) -> str:
        """The model's name, without options."""
        return self.model.partition("(")[0]


class Baseline(Record):
    """Models and their figures under a name. A file of it and the service's answer are the same record."""

    schema_version: Literal[1]
    id: UUID | None = Field(None, description="In the service; null in a file that `mgic baseline` wrote")
    name: str = Field(pattern=NAME_PATTERN)
    created_at: AwareDatetime
    source: Source
    models: tuple[ModelFigures, ...] = Field(max_length=MAX_GATE_MODELS, json_schema_extra={"minItems": 1})

    @field_validator("models")
    @classmethod
    def _once(cls, models: tuple[ModelFigures, ...]) -> tuple[ModelFigures, ...]:
        specs = [each.model for each in models]
        if not specs:
            raise PydanticCustomError("too_short", "should have at least 1 model")
        for spec in specs:
            if specs.count(spec) > 1:
                raise PydanticCustomError("repeated", "{spec} stands there twice", {"spec": spec})
        return models


class BaselineRequest(Record):
    """What to count and keep, and the runs that tell how well it does."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "main", "models": ["resnet20", "mgic_resnet20(group_size=8)"]}]}
    )

    name: str = Field(pattern=NAME_PATTERN)
    models: Specs = Field(description="Model specs, such as mgic_resnet20(group_size=8,coarsest_size=16)")
    input_size: InputSize | None = Field(None, description="Of one sample; left out: what each model is made for")
    runs: RunIds = Field([], description="Finished trainings of these models, at most one each, for `top1`")


def _named_or_whole(value: Any, _union: ValidatorFunctionWrapHandler) -> str | Baseline:
    """Told apart by hand: a union would report the faults of both of its members."""
    if isinstance(value, str):
        if not re.fullmatch(NAME_PATTERN, value):
            words = "should be an id, a name of 1 to 120 plain characters, or a document"
            raise PydanticCustomError("bad_name", words)
        return value
    return Baseline.model_validate(value)


class ComparisonRequest(Record):
    """What to hold against which baseline. The models are counted as the service's own code builds them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"baseline": "main", "models": ["mgic_resnet20(group_size=4)"]}]}
    )

    baseline: Annotated[Named | Baseline, WrapValidator(_named_or_whole)] = Field(
        description="Its id, its name, or a whole baseline document"
    )
    models: Specs | None = Field(None, description="Model specs; left out: all of the baseline's")
    runs: RunIds = Field([], description="Finished trainings of these models, at most one each, for `top1`")
    limits: Limits = Limits()
    name: Named | None = Field(
        None, description="What it is a comparison of: by it a list, a history or a badge finds it"
    )
