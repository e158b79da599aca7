"""Weights that a command line names by a path: the config has their name, and the run finds them where they lie."""

from pathlib import Path

from mgic.errors import BadCheckpoint, Problem
from mgic.experiment import WEIGHTS
from mgic.models.weights import SUFFIX
from mgic.records import SweepRequest, Value


def by_name(sweep: SweepRequest) -> tuple[SweepRequest, dict[str, Path]]:
    """The same request with names for paths, which have a / in them, and the folder of each.

    Raises:
        BadCheckpoint: There is no such file, it has another ending, or two have the same name.
    """
    folders: dict[str, Path] = {}
    if not sweep.axes or WEIGHTS not in sweep.axes:
        return sweep, folders
    names: list[Value] = []
    for value in sweep.axes[WEIGHTS]:
        if isinstance(value, str) and "/" in value:
            path = Path(value).resolve()
            if path.suffix != SUFFIX or not path.is_file():
                raise _bad(f"{value} is no file that ends in {SUFFIX}")
            if folders.setdefault(path.stem, path.parent) != path.parent:
                raise _bad(f"two files are called {path.name}; a result would not tell which is meant")
            value = path.stem
        names.append(value)
    if clash := [name for name in folders if names.count(name) > 1]:
        raise _bad(f"{clash[0]} is there by its path and by its name")
    return sweep.model_copy(update={"axes": {**sweep.axes, WEIGHTS: names}}), folders


def _bad(words: str) -> BadCheckpoint:
    return BadCheckpoint(f"{WEIGHTS}: {words}", (Problem(WEIGHTS, "bad_checkpoint", words),))
