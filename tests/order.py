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
SHARED = ("service", "broken", "api")
OTHER_NAMES = {"lab": "broken"}  # of fixtures that are one of these, by parameter
_FIXTURE = re.compile(r"^@pytest\.fixture[^\n]*\ndef (\w+)\(([^)]*)\)", re.MULTILINE)
_TEST = re.compile(r"^def test_\w+\(([^)]*)\)", re.MULTILINE)
_WORD = re.compile(r"\w+")


class Portions(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return used_service(self.config.rootpath / path) or path


@cache
def used_service(path: Path) -> str:
    """Which of those that are shared its tests ask for, or the fixtures that they use, of the file or of its folder."""
    text, beside = path.read_text(), path.with_name("conftest.py")
    of_folder = dict(_FIXTURE.findall(beside.read_text())) if beside.is_file() else {}
    fixtures = {name: words for name, words in of_folder.items() if name not in SHARED} | dict(_FIXTURE.findall(text))
    asked: set[str] = set()
    left = set(_WORD.findall(" ".join(_TEST.findall(text))))
    while left:
        name = left.pop()
        asked |= {name, OTHER_NAMES.get(name, name)}
        left |= set(_WORD.findall(fixtures.get(name, ""))) - asked
    return next((name for name in SHARED if name in asked - fixtures.keys()), "")


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The services, what is named as longest, then the API alone, and files in which something is killed on purpose,
    which takes the time it takes, by turns with files that compute; the quick ones last.

    So neither all processes wait nor all compute.
    """
    items = list(items)
    files = list(dict.fromkeys(item.path for item in items))
    marked = {item.path for item in items if item.get_closest_marker("fault")}
    service, broken, api = ([path for path in files if used_service(path) == name] for name in SHARED)
    longest = [path for path in files if path.name in LONGEST]
    waiting = [path for path in files if path in marked]
    slow = [path for path in files if imports_what_is_slow(path) and path not in marked]
    by_turns = [path for pair in zip_longest(waiting, slow) for path in pair if path]
    order = list(dict.fromkeys([*service, *broken, *longest, *api, *by_turns, *files]))
    places = {path: number for number, path in enumerate(order)}
    return sorted(items, key=lambda item: places[item.path])
