"""How many parameters and multiply-accumulates does a network have?"""

from math import prod
from typing import ClassVar

from pydantic import BaseModel, Field

from mgic.experiment import Context, Estimate, experiment
from mgic.measure.cost import model_totals
from mgic.models import native_size
from mgic.models.config import ModelConfig
from mgic.records import Cost, ModelCost, View


class Config(ModelConfig):
    """No data set takes part, so the model's own `in_channels` and `num_classes` may be chosen here."""

    from_data: ClassVar[frozenset[str]] = frozenset()

    side: int | None = Field(
        None,
        ge=1,
        le=2**12,
        description="Height and width of the input image, or points of a cloud; empty for what the model is made for",
        json_schema_extra={"unit": "pixels"},
    )


class Result(BaseModel):
    params: int = Field(description="Trainable parameters", json_schema_extra={"goal": "min"})
    macs: int = Field(
        description="Multiply-accumulates of one sample, R and P included", json_schema_extra={"goal": "min"}
    )
    transfer_params: int = Field(
        description="Share of the transfer operators R and P in `params`", json_schema_extra={"goal": "min"}
    )
    transfer_macs: int = Field(
        description="Share of the transfer operators R and P in `macs`", json_schema_extra={"goal": "min"}
    )
    macs_without_transfer: int = Field(
        description="Multiply-accumulates without R and P, as Table 7 of the paper counts them"
    )
    flops: int = Field(description="Twice `macs`: a multiplication and an addition each")
    uncounted: str = Field(
        description="Operators that may do products and are not in `macs`, each with the module that called it; "
        "empty if there are none"
    )


def input_size(config: Config) -> tuple[int, ...]:
    channels, *sides = native_size(config.model, config.options)
    return (channels, *(config.side or side for side in sides))


def count(config: Config) -> ModelCost:
    return model_totals(config.model, config.options, input_size(config))


def estimate(config: Config) -> Estimate:
    """Nothing is computed: the work is that of counting."""
    cost = count(config)
    return Estimate(
        cost=Cost(**cost.model_dump(include=set(Cost.model_fields))),
        group_sizes=cost.group_sizes,
        work_macs=0.0,
        batch_pixels=prod(input_size(config)[1:]),
    )


@experiment(
    version=3,  # every convolution and matrix product, whoever calls it
    title="Parameters and MACs",
    views=(
        View(
            title="MACs against parameters",
            kind="scatter",
            x="params",
            y="macs",
            series="model",
            log_x=True,
            log_y=True,
        ),
        View(title="MACs against width", x="width", y="macs", series="model", log_x=True, log_y=True),
        View(title="Parameters against width", x="width", y="params", series="model", log_x=True, log_y=True),
        View(
            title="MACs over group size and coarsest size", kind="heatmap", x="group_size", y="coarsest_size", z="macs"
        ),
        View(title="Share of the transfers", kind="bar", x="model", y="transfer_macs", series="group_size"),
    ),
    estimate=estimate,
)
def cost(config: Config, context: Context) -> Result:
    """Count the convolutions and matrix products of a network, one multiply-accumulate as 1, batch 1.

    Nothing is trained; norms, activations, biases and what works element by element are not counted.
    """
    counted = count(config)
    context.report(1.0)
    return Result(
        params=counted.params,
        macs=counted.macs,
        transfer_params=counted.transfer_params,
        transfer_macs=counted.transfer_macs,
        macs_without_transfer=counted.macs - counted.transfer_macs,
        flops=2 * counted.macs,
        uncounted=", ".join(f"{found.operator} in {found.module or 'the network'}" for found in counted.uncounted),
    )
