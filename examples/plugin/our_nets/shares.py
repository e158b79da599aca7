"""How much of a network's work do the transfers between its levels take?"""

from pydantic import BaseModel, Field

from mgic import count_cost, create
from mgic.experiment import Context, experiment
from mgic.records import View


class Config(BaseModel):
    group_size: int = Field(8, ge=1, le=64, description="Channels per group")
    width: int = Field(64, ge=16, le=1024, description="Channels of our_net")


class Result(BaseModel):
    share: float = Field(description="Of all multiply-accumulates, per cent", json_schema_extra={"unit": "%"})


VIEW = View(title="Share of the transfers", x="width", y="share", series="group_size", log_x=True)


@experiment(title="Share of the transfers", views=(VIEW,))
def transfer_share(config: Config, context: Context) -> Result:
    """The part of restrictions and prolongations in the multiply-accumulates of our_net."""
    cost = count_cost(create("our_net", width=config.width, group_size=config.group_size), (3, 32, 32))
    context.report(1.0)
    return Result(share=100 * cost.transfer_macs / cost.macs)
