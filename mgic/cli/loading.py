"""The one late import of the command line."""

from importlib import import_module
from typing import Any


def core() -> Any:
    """The module `mgic.cli.core`, and with it torch: seconds that only a command which needs it should pay."""
    return import_module("mgic.cli.core")
