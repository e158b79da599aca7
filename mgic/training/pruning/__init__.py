"""How a network loses channels until what is left fits a budget of multiply-accumulates: one method a file."""

from mgic.training.pruning.ranking import (
    Method,
    Scope,
    Sensitivity,
    fewest_macs,
    norm_names,
    norm_sensitivity,
    prunable_groups,
    prune_to,
    rank,
    ranked_for,
    scale_penalty,
    score,
)

__all__ = [
    "Method",
    "Scope",
    "Sensitivity",
    "fewest_macs",
    "norm_names",
    "norm_sensitivity",
    "prunable_groups",
    "prune_to",
    "rank",
    "ranked_for",
    "scale_penalty",
    "score",
]
