"""What several seeds say together. Light on purpose: the dashboard's pages load this."""

from mgic.statistics.pareto import CostError, OnFront, front, front_probability
from mgic.statistics.quantiles import percentile, samples_needed
from mgic.statistics.replication import (
    Replication,
    default_margin,
    least_spread,
    prediction_interval,
    replication,
    rounding,
    sampling_variance,
    seeds_needed,
    smallest_gap,
)
from mgic.statistics.summary import MIN_FOR_INTERVAL, Summary, summary, t_interval

__all__ = [
    "MIN_FOR_INTERVAL",
    "CostError",
    "OnFront",
    "Replication",
    "Summary",
    "default_margin",
    "front",
    "front_probability",
    "least_spread",
    "percentile",
    "prediction_interval",
    "replication",
    "rounding",
    "samples_needed",
    "sampling_variance",
    "seeds_needed",
    "smallest_gap",
    "summary",
    "t_interval",
]
