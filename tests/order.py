"""Which files are tested in one process, and which come first.

Each process takes the next file when it has done the last: what is long comes first, so that nobody is left alone with
it at the end, and what `make quick` runs comes last. Files that use one service are one portion, since it takes
longer to start than most files to test.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.quick import imports_what_is_slow

LONGEST = ("test_cancel.py", "test_models.py")
_USES_A_SERVICE = re.compile(r"^def \w+\([^)]*\b(service|broken)\b", re.MULTILINE)


class Portions(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return used_service(self.config.rootpath / path) or path


@cache
def used_service(path: Path) -> str:
    """Which of the two that are shared a test or a fixture asks for: `service`, `broken`, or none."""
    found = _USES_A_SERVICE.search(path.read_text())
    return found[1] if found else ""


def place(path: Path, marked: bool) -> int:
    """Of a file in the order; `marked`: something is killed in it on purpose, which takes the time it takes."""
    if used_service(path):
        return 0
    if marked or path.name in LONGEST:
        return 1
    return 2 if imports_what_is_slow(path) else 3


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    marked = {item.path for item in items if item.get_closest_marker("fault")}
    places = {item.path: place(item.path, item.path in marked) for item in items}
    return sorted(items, key=lambda item: places[item.path])
