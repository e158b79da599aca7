"""Which tests `make quick` runs: those that start nothing and train nothing, as their imports and fixtures tell.

Nothing is listed test by test. A file is left unread if it imports one of `SLOW`; of the others, a test is left out
that is marked, or that has a fixture which keeps something running: one wider than a test, with an end of its own.
"""

import re
from inspect import isgeneratorfunction
from pathlib import Path

import pytest

# What starts a process, a server or a browser; what trains, exports or times; networks of others, which are large.
SLOW = (
    *("subprocess", "multiprocessing", "concurrent", "threading", "uvicorn", "playwright", "streamlit", "psycopg"),
    *("onnx", "onnxruntime", "timm", "torchvision", "torch.utils.flop_counter", "hypothesis"),
    *("mgic.runner", "mgic.sweep", "mgic.training", "mgic.tasks", "mgic.inference", "mgic.experiments", "mgic.cli"),
    "mgic.reference.counting",  # of every network of the paper
    *("tests.backend.api_alone", "tests.bucket", "tests.mgic.tasks", "worker"),
)
_IMPORT = re.compile(
    rf"^\s*(?:from|import) (?:{'|'.join(map(re.escape, SLOW))})\b|^\s*from mgic import [^\n]*\brun", re.MULTILINE
)
MARKED = {"thorough", "fault", "browser"}


def imports_what_is_slow(path: Path) -> bool:
    return _IMPORT.search(path.read_text()) is not None


def starts_something(item: pytest.Item) -> bool:
    """By a mark, by a fixture wider than a test that has an end, or by a parameter that is called like a server."""
    if any(item.get_closest_marker(name) for name in MARKED):
        return True
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    if any(isinstance(value, str) and value == "postgres" for value in parameters):
        return True
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    return any(each[-1].scope != "function" and isgeneratorfunction(each[-1].func) for each in fixtures)
