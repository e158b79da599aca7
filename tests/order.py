"""Which tests are run in one process, and which come first.

Each process takes the next file when it has done the last: what is long comes first, so that nobody is left alone with
it at the end, and what `make quick` runs comes last. Files that use one service are one portion, since it takes
longer to start than most files to test.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.quick import imports_what_is_slow

LONGEST = ("test_cancel.py", "test_models.py")
SHARED = ("service", "broken", "api")


def services(items: Iterable[pytest.Item]) -> dict[Path, str]:
    """Of the files whose tests share a service, which one; they ask for it by a fixture or by a parameter."""
    found: dict[Path, set[str]] = defaultdict(set)
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        named = {value for value in parameters if isinstance(value, str)}
        found[item.path] |= {name for name in SHARED if name in named or _is_shared(item, name)}
    return {path: next(name for name in SHARED if name in names) for path, names in found.items() if names}


def _is_shared(item: pytest.Item, name: str) -> bool:
    """Rather than one of the file's own of the same name."""
    fixtures = item._fixtureinfo.name2fixturedefs.get(name, ())
    return bool(fixtures) and fixtures[-1].func.__module__.endswith("conftest")


def portions(items: Sequence[pytest.Item]) -> list[list[int]]:
    """The numbers of tests that one process runs."""
    service, found = services(items), defaultdict(list)
    for number, item in enumerate(items):
        found[service.get(item.path, item.path)].append(number)
    return list(found.values())


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The services, what is named as longest, then the API alone, and files in which something is killed on purpose,
    which takes the time it takes, by turns with files that compute; the quick ones last.

    So neither all processes wait nor all compute.
    """
    items = list(items)
    files = list(dict.fromkeys(item.path for item in items))
    marked = {item.path for item in items if item.get_closest_marker("fault")}
    used = services(items)
    service, broken, api = ([path for path in files if used.get(path) == name] for name in SHARED)
    longest = [path for path in files if path.name in LONGEST]
    waiting = [path for path in files if path in marked]
    slow = [path for path in files if imports_what_is_slow(path) and path not in marked]
    by_turns = [path for pair in zip_longest(waiting, slow) for path in pair if path]
    order = list(dict.fromkeys([*service, *broken, *longest, *api, *by_turns, *files]))
    places = {path: number for number, path in enumerate(order)}
    return sorted(items, key=lambda item: places[item.path])
