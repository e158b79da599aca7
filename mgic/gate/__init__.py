"""Holds models against a baseline, for the command line and the service alike. Without torch."""

from mgic.gate.comparison import Pair, compare, find_base
from mgic.gate.limits import parse_limits
from mgic.gate.markdown import as_markdown
from mgic.gate.runs import Training, of_outcome, of_run, trained, with_runs
from mgic.gate.worst import change_in_words, first_to_see, row_in_words, worst_of

__all__ = [
    "Pair",
    "Training",
    "as_markdown",
    "change_in_words",
    "compare",
    "find_base",
    "first_to_see",
    "of_outcome",
    "of_run",
    "parse_limits",
    "row_in_words",
    "trained",
    "with_runs",
    "worst_of",
]
