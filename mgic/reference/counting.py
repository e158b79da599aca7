"""The costs that `counted.json` holds, counted anew from the networks; importing this loads torch."""

import json
from pathlib import Path

import torch

from mgic.layers import Coarsening
from mgic.layers.transfer_operators import TransferOperators
from mgic.measure.cost import count_cost, model_totals
from mgic.records import Cost, ModelCost, Record
from mgic.reference.paper import LOCK, Countable, countables


class Transfers(Record):
    """The options of a row that is counted as the transfer operators alone (Table 1)."""

    group_size: int
    coarsest_size: int
    coarsening: Coarsening


def count(what: Countable) -> dict[str, int]:
    """`params`, `macs` and `transfer_macs`: an entry of `counted.json`.

    Raises:
        UnknownName: No such model.
        BadConfig: Options it does not take, or an input that does not fit.
    """
    cost = _cost(what)
    return {"params": cost.params, "macs": cost.macs, "transfer_macs": cost.transfer_macs}


def _cost(what: Countable) -> Cost | ModelCost:
    if what.model is not None:
        return model_totals(what.model, what.options, what.input_size)
    options = Transfers.model_validate(what.options)
    with torch.device("meta"):
        alone = TransferOperators(what.input_size[0], options.group_size, options.coarsest_size, options.coarsening)
    return count_cost(alone, what.input_size)


def recount(path: Path = LOCK) -> int:
    """Write `counted.json` anew; returns how many entries it has. Raises as `count` and `OSError`."""
    counts = {key: count(what) for key, what in sorted(countables().items())}
    path.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")
    return len(counts)
