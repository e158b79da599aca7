"""The switch between ways to count the same network: MACs, FLOPs, and the paper's figure."""

from collections.abc import Mapping
from typing import Any

COST_COLUMN = "macs"
KINDS = {
    "macs": "MACs",
    "flops": "FLOPs (2x)",
    "paper": "as the paper counts (no R, P)",
}
TITLES = {
    "macs": "MACs per image, batch 1",
    "flops": "FLOPs per image, batch 1 (2 x MACs)",
    "paper": "MACs per image without R and P, as the paper counts",
}


def counted(values: Mapping[str, Any], kind: str) -> float | None:
    """The cost of one row in the chosen count; None where the row has none."""
    macs = values.get(COST_COLUMN)
    if macs is None:
        return None
    if kind == "flops":
        return float(2 * macs)
    if kind == "paper":
        return float(macs - (values.get("transfer_macs") or 0))
    return float(macs)
