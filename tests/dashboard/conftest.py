"""What every test of a page needs: that it leaves the process as it was."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _own_main(monkeypatch):
    """Streamlit runs a page as `__main__`; a process that a later test spawns would run the page again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
