"""The switch between ways to count the same network: MACs, FLOPs, and MACs without the transfers R and P."""

from collections.abc import Mapping
from typing import Any

COST_COLUMN = "macs"
KINDS = {
    "macs": "MACs",
    "flops": "FLOPs (2x)",
    "without": "MACs without R and P",
}
TITLES = {
    "macs": "MACs per image{at}, batch 1",
    "flops": "FLOPs per image{at}, batch 1 (2 x MACs)",
    "without": "MACs per image{at} without R and P, batch 1",
}


def cost_title(kind: str, at: str = "") -> str:
    """Of an axis; `at`: the words of `size_words`."""
    return TITLES[kind].format(at=f" {at}" if at else "")


def counted(values: Mapping[str, Any], kind: str) -> float | None:
    """The cost of one row in the chosen count; None where the row has none."""
    macs = values.get(COST_COLUMN)
    if macs is None:
        return None
    if kind == "flops":
        return float(2 * macs)
    if kind == "without":
        return float(macs - (values.get("transfer_macs") or 0))
    return float(macs)
