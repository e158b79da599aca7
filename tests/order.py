"""Which files are tested in one process, and which come first.

Each process takes the next file when it has done the last: what is long comes first, so that nobody is left alone with
it at the end, and what `make quick` runs comes last. Files that use one service are one portion, since it takes
longer to start than most files to test.
"""

import re
from collections.abc import Iterable
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.quick import imports_what_is_slow

LONGEST = ("test_cancel.py", "test_models.py")
_USES_A_SERVICE = re.compile(r"^def \w+\([^)]*\b(service|broken|api)\b", re.MULTILINE)


class Portions(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return used_service(self.config.rootpath / path) or path


@cache
def used_service(path: Path) -> str:
    """Which of those that are shared a test or a fixture asks for: `service`, `broken`, `api`, or none."""
    text = path.read_text()
    shared = [name for name in _USES_A_SERVICE.findall(text) if f"def {name}(" not in text]
    return shared[0] if shared else ""


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Services, what is named as longest, then files in which something is killed on purpose, which takes the time it
    takes, by turns with files that compute, so that neither all processes wait nor all compute; the quick ones last."""
    items = list(items)
    files = list(dict.fromkeys(item.path for item in items))
    marked = {item.path for item in items if item.get_closest_marker("fault")}
    services = [path for path in files if used_service(path)]
    longest = [path for path in files if path.name in LONGEST]
    waiting = [path for path in files if path in marked]
    slow = [path for path in files if imports_what_is_slow(path) and path not in marked]
    by_turns = [path for pair in zip_longest(waiting, slow) for path in pair if path]
    order = list(dict.fromkeys([*services, *longest, *by_turns, *files]))
    places = {path: number for number, path in enumerate(order)}
    return sorted(items, key=lambda item: places[item.path])
