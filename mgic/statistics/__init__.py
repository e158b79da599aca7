"""What several seeds say together. Light on purpose: the dashboard's pages load this."""

from mgic.statistics.change_points import FEWEST_POINTS, Change, change_points, value_steps
from mgic.statistics.comparison import Difference, Equivalence, equivalence, holm, paired, unpaired
from mgic.statistics.factorial import Interaction, Rival, effect, interaction, pairs, rivals, turned
from mgic.statistics.importance import explained, method
from mgic.statistics.pareto import MIN_SEEDS, CostError, OnFront, front, front_probability
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
from mgic.statistics.signed_rank import Centre, signed_rank
from mgic.statistics.sufficiency import Proposal, Step, Sufficiency, Verdict, proposal, sufficiency
from mgic.statistics.summary import MIN_FOR_INTERVAL, Summary, summary, t_interval

__all__ = [
    "FEWEST_POINTS",
    "MIN_FOR_INTERVAL",
    "MIN_SEEDS",
    "Centre",
    "Change",
    "CostError",
    "Difference",
    "Equivalence",
    "Interaction",
    "OnFront",
    "Proposal",
    "Replication",
    "Rival",
    "Step",
    "Sufficiency",
    "Summary",
    "Verdict",
    "change_points",
    "default_margin",
    "effect",
    "equivalence",
    "explained",
    "front",
    "front_probability",
    "holm",
    "interaction",
    "least_spread",
    "method",
    "paired",
    "pairs",
    "percentile",
    "prediction_interval",
    "proposal",
    "replication",
    "rivals",
    "rounding",
    "samples_needed",
    "sampling_variance",
    "seeds_needed",
    "signed_rank",
    "smallest_gap",
    "sufficiency",
    "summary",
    "t_interval",
    "turned",
    "unpaired",
    "value_steps",
]
