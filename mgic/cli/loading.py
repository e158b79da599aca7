"""The one late import of the command line, and of the plug-ins that it was asked for."""

import os
from collections.abc import Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from mgic import plugins
from mgic.cli.terminal import IMPORT, say
from mgic.errors import BadConfig
from mgic.plugins import Asked

VARIABLE = "MGIC_IMPORT"
_names: ContextVar[tuple[str, ...]] = ContextVar("names", default=())


def remember_imports(given: Sequence[str]) -> None:
    """What the command line and the environment ask for, for `core` and `wanted`. Raises `BadConfig`."""
    names = plugins.split_names(os.environ.get(VARIABLE, ""), VARIABLE)
    for text in given:
        found = plugins.split_names(text, IMPORT)
        if not found:
            raise BadConfig(f"{IMPORT}: the name of a module is wanted, such as package.module")
        names += found
    _names.set(names)


def named_imports() -> tuple[str, ...]:
    """The modules that were named."""
    return _names.get()


def wanted() -> tuple[Asked, ...]:
    """The plug-ins: those that were named, and those of installed packages."""
    return plugins.asked(_names.get())


def bare_core() -> Any:
    """The same without plug-ins."""
    return import_module("mgic.cli.core")


def core() -> Any:
    """The module `mgic.cli.core`, and with it torch: seconds that only a command which needs it should pay.

    Raises:
        BadConfig: A plug-in that was asked for by name cannot be imported. One of an installed package is left out,
            and that is said once.
    """
    module = bare_core()
    before = plugins.failures()
    asked = wanted()
    found = plugins.load(asked)
    plugins.refuse(found, asked)
    for info in found:
        if info.error and info.module not in before:
            say(f"mgic: the plug-in {info.module} of {info.asked_by} is left out: {info.error}")
    return module


def what_plugins_bring() -> list[str]:
    """Changes with the code of any of them; without plug-ins nothing is loaded for it."""
    if wanted():
        core()
    return [f"{info.module} {info.fingerprint} {info.error}" for info in plugins.found()]
