"""A service that tests share is started in one process of `make test`: all files that use it are found."""

from collections import defaultdict
from pathlib import Path

from tests.order import SHARED, used_service


def test_files_whose_tests_share_a_service_go_where_it_is(request):
    asked: dict[Path, set[str]] = defaultdict(set)
    for item in request.session.items:
        fixtures = item._fixtureinfo.name2fixturedefs
        asked[item.path] |= {name for name in SHARED if _is_shared(fixtures.get(name, ()))}
    wrong = {path: names for path, names in asked.items() if names and used_service(path) not in names}
    assert wrong == {}


def _is_shared(fixtures) -> bool:
    """Rather than one of the file's own of the same name."""
    return bool(fixtures) and fixtures[-1].func.__module__.endswith("conftest")
