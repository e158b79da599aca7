"""Modules from outside: importing one registers models, experiments, data sets, recipes and views.

They are named by `--import` and `MGIC_IMPORT`, or by an installed package as an entry point of the group
`mgic.plugins`. Whoever starts a process tells it what to import; nothing here reads an environment variable, and a
name that comes with a request never imports anything.
"""

from mgic.plugins.asked import GROUP, Asked, asked, split_names
from mgic.plugins.code import changed
from mgic.plugins.loading import (
    SAFE,
    failures,
    forward,
    found,
    imported,
    imported_modules,
    load,
    refuse,
    rerun,
    told,
    words_for,
)
from mgic.plugins.trial import load_tried, trial

__all__ = [
    "GROUP",
    "SAFE",
    "Asked",
    "asked",
    "changed",
    "failures",
    "forward",
    "found",
    "imported",
    "imported_modules",
    "load",
    "load_tried",
    "refuse",
    "rerun",
    "split_names",
    "told",
    "trial",
    "words_for",
]
