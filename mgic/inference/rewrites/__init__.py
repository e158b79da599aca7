"""Other forms of one exported graph: equal but for rounding, and faster where it is run.

One rewrite a file, each a function that changes a `Graph` in place and says how often.
"""

from collections.abc import Callable

from mgic.inference.rewrites.alignment import align_groups
from mgic.inference.rewrites.connectors import split_connectors
from mgic.inference.rewrites.graph import Graph
from mgic.inference.rewrites.subtraction import subtractions_as_sums

# By the name that a file's metadata has, in the order in which they are done.
REWRITES: dict[str, Callable[[Graph], int]] = {
    "subtractions_as_sums": subtractions_as_sums,
    "split_connectors": split_connectors,
    "align_groups": align_groups,
}

__all__ = ["REWRITES", "Graph", "align_groups", "split_connectors", "subtractions_as_sums"]
