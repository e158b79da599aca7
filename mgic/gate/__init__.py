"""Holds models against a baseline, for the command line and the service alike. Without torch."""

from mgic.gate.comparison import Pair, compare, find_base
from mgic.gate.limits import parse_limits
from mgic.gate.markdown import as_markdown
from mgic.gate.runs import Training, of_outcome, of_run, trained, with_runs

__all__ = [
    "Pair",
    "Training",
    "as_markdown",
    "compare",
    "find_base",
    "of_outcome",
    "of_run",
    "parse_limits",
    "trained",
    "with_runs",
]
