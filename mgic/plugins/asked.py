"""Which modules were asked for, and by whom."""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import entry_points

from mgic.errors import BadConfig, Problem
from mgic.records.base import Record
from mgic.registry import top_level

GROUP = "mgic.plugins"
NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
OPTION = "--import"
OURS = {"mgic", "backend", "worker", "dashboard"}


class Asked(Record):
    """One module that is to be imported.

    `by` is `--import`, or the installed package whose entry point names it. A module that was asked for by name is
    `needed`: a command line does not go on without it.
    """

    module: str
    by: str = OPTION
    needed: bool = True


def split_names(text: str, option: str) -> tuple[str, ...]:
    """The names of modules in `a,b.c`. Raises `BadConfig` for what is no name of a module.

    Args:
        text: As given; empty for none.
        option: Where it was given, for the message.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if not NAME.fullmatch(name):
            words = f"{option}: {name[:80]!r} is no name of a module, such as package.module"
            raise BadConfig(words, (Problem(option, "module_name", words.removeprefix(f"{option}: ")),))
        if top_level(name) in OURS or top_level(name) in sys.stdlib_module_names:
            whose = "the lab's" if top_level(name) in OURS else "Python's"
            words = (
                f"{option}: {name} would be {whose} own module, not one of yours: put yours into a package of its own"
            )
            raise BadConfig(words, (Problem(option, "module_taken", words.removeprefix(f"{option}: ")),))
    return names


def asked(names: Iterable[str]) -> tuple[Asked, ...]:
    """The named modules, and then those that installed packages declare, each once."""
    found = {name: Asked(module=name) for name in names}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.value):
        package = point.dist
        by = f"{package.name} {package.version}" if package else point.name
        found.setdefault(point.module, Asked(module=point.module, by=by, needed=False))
    return tuple(found.values())
