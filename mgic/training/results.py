"""What a result says of a training: a type for each field that all of them have, and their values."""

from typing import Annotated, Any

from pydantic import Field

from mgic.records import ModelCost
from mgic.training.loop import Trained

Params = Annotated[int, Field(description="Trainable parameters", json_schema_extra={"goal": "min"})]
TransferMacs = Annotated[int, Field(description="Share of the transfer operators R and P in `macs`")]
Speed = Annotated[float, Field(description="While training, without evaluation")]
Seconds = Annotated[float, Field(description="Training alone, without evaluation", json_schema_extra={"unit": "s"})]
Steps = Annotated[int, Field(description="Batches trained on")]
Resumed = Annotated[bool, Field(description="Whether an interrupted attempt was gone on with")]


def course(trained: Trained[Any], cost: ModelCost) -> dict[str, Any]:
    """The fields `params macs transfer_macs seconds epochs_done steps resumed` of a result.

    Args:
        trained: What a training came to.
        cost: Of one sample.
    """
    return {
        "params": cost.params,
        "macs": cost.macs,
        "transfer_macs": cost.transfer_macs,
        "seconds": trained.seconds,
        "epochs_done": trained.epochs,
        "steps": trained.steps,
        "resumed": trained.resumed,
    }
