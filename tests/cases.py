"""Cases of a behaviour of which one stands for the others: those are tested by `make test-all` alone."""

from typing import Any

import pytest


def thorough(*cases: Any) -> list[Any]:
    """Cases that `make test` leaves out; a tuple has the values of several arguments."""
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.thorough) for case in cases]
