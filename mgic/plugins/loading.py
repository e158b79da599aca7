"""Import what was asked for into this process, and keep what came of it."""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType

from mgic.errors import BadConfig, Cancelled, Problem
from mgic.plugins.asked import Asked
from mgic.plugins.code import Home, fingerprint, home_of, look
from mgic.records.service import PluginInfo
from mgic.registry import all_or_nothing, registered, top_level

SAFE = (sys.executable, "-P", "-m")  # a module of ours, whatever lies in the current directory
LONGEST = 300  # characters of an error


@dataclass(frozen=True)
class Plugin:
    """`module` and `home` are None where it could not be imported, and `error` says why."""

    asked: Asked
    module: ModuleType | None
    home: Home | None
    error: str


_PLUGINS: dict[str, Plugin] = {}


def load(wanted: Iterable[Asked], failed: Mapping[str, str] = MappingProxyType({})) -> tuple[PluginInfo, ...]:
    """Import each module, unless that was tried before; one that fails registers nothing, and the others go on.

    Args:
        wanted: The modules.
        failed: Those that need not be tried here, each with the reason.

    Returns:
        Each of these, with its error or with what it registers.
    """
    given = list(wanted)
    if given:
        _append_folder()
    for one in given:
        if one.module not in _PLUGINS:
            words = failed.get(one.module)
            _PLUGINS[one.module] = Plugin(one, None, None, words) if words else _import(one)
    return tuple(_info(_PLUGINS[one.module]) for one in given)


def found() -> tuple[PluginInfo, ...]:
    """All that was asked for in this process, with what came of it."""
    return tuple(map(_info, _PLUGINS.values()))


def failures() -> dict[str, str]:
    """By module, why it is not here."""
    return {name: plugin.error for name, plugin in _PLUGINS.items() if plugin.error}


def imported() -> tuple[Plugin, ...]:
    """Those that are here, in the order of their import."""
    return tuple(plugin for plugin in _PLUGINS.values() if plugin.module is not None)


def imported_modules() -> Mapping[str, ModuleType]:
    """By name: exactly the modules that were asked for and could be imported."""
    return MappingProxyType({plugin.asked.module: plugin.module for plugin in imported() if plugin.module})


def refuse(found: Iterable[PluginInfo], wanted: Iterable[Asked]) -> None:
    """Raises `BadConfig` for a module that was asked for by name, and has an error."""
    needed = {one.module for one in wanted if one.needed}
    for info in found:
        if info.error and info.module in needed:
            words = f"{info.module}: {info.error}"
            raise BadConfig(words, (Problem("--import", "plugin", words),))


def forward() -> list[str]:
    """What a process that this one starts is told on its command line, for `rerun`."""
    return words_for([plugin.asked for plugin in imported()])


def words_for(wanted: Iterable[Asked]) -> list[str]:
    """A command line's end for `told`; nothing for nothing."""
    given = [one.model_dump() for one in wanted]
    return [json.dumps(given)] if given else []


def told(words: Sequence[str]) -> list[Asked]:
    """What the process that started this one has put at the end of its command line."""
    return [Asked(**one) for word in words for one in json.loads(word)]


def rerun(words: Sequence[str]) -> tuple[PluginInfo, ...]:
    """Import what the process that started this one has imported. `words` is its `forward`."""
    return load(told(words))


def _append_folder() -> None:
    """The current directory is looked in last, so that nothing there is taken for what is installed."""
    try:
        folder = os.getcwd()
    except FileNotFoundError:
        return
    if folder not in sys.path:
        sys.path.append(folder)


def _import(one: Asked) -> Plugin:
    start = time.time_ns()
    try:
        with all_or_nothing(), redirect_stdout(sys.stderr):  # stdout is for data
            module = import_module(one.module)
    except (KeyboardInterrupt, Cancelled):
        raise
    except BaseException as error:  # noqa: BLE001 - somebody else's code, in which anything may happen
        return Plugin(one, None, None, _words(one.module, error))
    home = home_of(module)
    look([home], start)
    return Plugin(one, module, home, "")


def _words(module: str, error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}."):
        return f"there is no module {error.name}, neither in the current directory nor installed"
    if isinstance(error, SystemExit):
        return f"its import ended the program (sys.exit({error.code!r}))"
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - its own words fail too
        text = ""
    return f"{type(error).__name__}: {text}"[:LONGEST] if text else type(error).__name__


def _info(plugin: Plugin) -> PluginInfo:
    return PluginInfo(
        module=plugin.asked.module,
        asked_by=plugin.asked.by,
        error=plugin.error,
        registers=registered(top_level(plugin.asked.module)) if plugin.home else (),
        fingerprint=fingerprint([plugin.home]) if plugin.home else "",
    )
