"""Holds models against a baseline, for the command line and the service alike. Without torch."""

from mgic.gate.comparison import Pair, compare, find_base
from mgic.gate.formats import as_annotations, as_bmf, as_junit, as_smaller_is_better, as_text
from mgic.gate.limits import Rules, joined, parse_rules, read_rules
from mgic.gate.markdown import as_markdown
from mgic.gate.runs import Training, of_outcome, of_run, trained, with_runs
from mgic.gate.words import METRICS
from mgic.gate.worst import change_in_words, first_to_see, row_in_words, worst_of

__all__ = [
    "METRICS",
    "Pair",
    "Rules",
    "Training",
    "as_annotations",
    "as_bmf",
    "as_junit",
    "as_markdown",
    "as_smaller_is_better",
    "as_text",
    "change_in_words",
    "compare",
    "find_base",
    "first_to_see",
    "joined",
    "of_outcome",
    "of_run",
    "parse_rules",
    "read_rules",
    "row_in_words",
    "trained",
    "with_runs",
    "worst_of",
]
