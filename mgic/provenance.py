"""Where a result comes from: `source`, the lab's own version, and `subject`, the code that was under test.

The two are never mixed: the lab may be installed somewhere inside the repository of who uses it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mgic import plugins
from mgic.data import SETS
from mgic.experiment import EXPERIMENTS
from mgic.models import MODELS
from mgic.origin import source
from mgic.plugins.code import files_of, fingerprint, look
from mgic.plugins.loading import Plugin
from mgic.records import Config, PluginCode, Point
from mgic.registry import LAB, top_level
from mgic.repository import Repository, forget_places, remote_of, repository_of, tracked

CONVERTED = "mgic/"  # before the name of a network that is converted
UNKNOWN = PluginCode(module="", by="", commit=None, dirty=True, fingerprint="")  # code that nobody asked for by name


NO_SUBJECT: Mapping[str, Any] = MappingProxyType(  # of a run that ended before it was known
    {"commit": None, "branch": None, "dirty": None, "remote": None, "fingerprint": "", "plugins": []}
    | {"ci_run": None, "pull_request": None}
)


def subject(experiment: str, config: Config, links: Mapping[str, str | None]) -> dict[str, Any]:
    """The repository of the plug-in that a run uses, or else of one that is imported, or of the current directory.

    Args:
        experiment: Its name.
        config: Of the run.
        links: Of `ci_links`.
    """
    used = used_by(experiment, config)
    plugin = next(iter([*used, *plugins.imported()]), None)
    folder = plugin.home.folder if plugin and plugin.home else None
    found = repository_of(folder) if folder else None
    found = found or _here()
    codes = [code_of(one) for one in used]
    own = plugin is not None and found is not None and folder is not None and found.root.resolve() == folder.resolve()
    dirty = _is_dirty(found, plugin) if own and plugin and found else found.changed if found else None
    return {
        "commit": found.commit if found else None,
        "branch": (found.branch or links.get("branch")) if found else links.get("branch"),
        "dirty": dirty,
        "remote": remote_of(found.root) if found else None,
        "fingerprint": "",
        "plugins": [code.model_dump() for code in codes],
        "ci_run": links.get("ci_run"),
        "pull_request": links.get("pull_request"),
    }


def closed(about: Mapping[str, Any], since: float) -> dict[str, Any]:
    """The same at the end of the run, with what was loaded by then; what was changed meanwhile is of no commit.

    Args:
        about: From `subject`.
        since: When the run began, in seconds.
    """
    homes = {plugin.asked.module: plugin.home for plugin in plugins.imported() if plugin.home}
    look(homes.values(), int(since * 1e9))
    torn = {"dirty": True} if plugins.changed() else {}
    codes = [
        code | {"fingerprint": fingerprint([homes[code["module"]]])} | torn if code["module"] in homes else code
        for code in about["plugins"]
    ]
    return {**about, **torn} | {"plugins": codes, "fingerprint": fingerprint(homes.values())}


def ask_ahead() -> None:
    """What Git says of the lab's own code, which is loaded by now, and where the repository of this folder begins and
    comes from: known from here on, and in every copy of this process."""
    source()
    if found := _here():
        remote_of(found.root)
    else:
        forget_places()  # there may be one later


def used_by(experiment: str, config: Config) -> tuple[Plugin, ...]:
    """The plug-ins whose experiment, models or data sets a run uses."""
    found = [plugin for module in _modules(experiment, config) if (plugin := _plugin(module)) is not None]
    return tuple(dict.fromkeys(found))


def with_code(experiment: str, points: Iterable[Point]) -> Iterator[Point]:
    """The same points, each with the code from outside that it would use, as that is now."""
    known: dict[str, PluginCode] = {}
    for point in points:
        modules = list(_modules(experiment, point.config))
        known |= {module: _code(_plugin(module)) for module in modules if module not in known}
        yield point.model_copy(update={"code": tuple(dict.fromkeys(known[module] for module in modules))})


def fingerprint_of_model(name: str) -> str:
    """Of the plug-in that a model comes from; empty for the lab's own and for those of packages."""
    module = _of_model(name) if plugins.imported() else None
    plugin = _plugin(module) if module and top_level(module) != LAB else None
    return fingerprint([plugin.home]) if plugin and plugin.home else ""


def code_of(plugin: Plugin) -> PluginCode:
    """Raises `ValueError` for one that could not be imported."""
    if plugin.home is None:
        raise ValueError(f"{plugin.asked.module} is not imported")
    found = repository_of(plugin.home.folder) if plugin.home.repository and plugin.home.folder else None
    return PluginCode(
        module=plugin.asked.module,
        by=plugin.asked.by,
        commit=found.commit if found else None,
        dirty=_is_dirty(found, plugin) if found else None,
        fingerprint=fingerprint([plugin.home]),
    )


def _code(plugin: Plugin | None) -> PluginCode:
    return UNKNOWN if plugin is None else code_of(plugin)


def _is_dirty(found: Repository, plugin: Plugin) -> bool:
    """Whether what was imported is something else than the commit: changed, or not in it at all."""
    if found.changed or plugins.changed():
        return True
    known, root = tracked(found.root.resolve()), found.root.resolve()
    files = files_of(plugin.home).values() if plugin.home else ()
    return any(file.path.is_relative_to(root) and file.path not in known for file in files)


def _here() -> Repository | None:
    try:
        return repository_of(Path.cwd())
    except FileNotFoundError:
        return None


def _plugin(module: str) -> Plugin | None:
    """Whose module it is."""
    for plugin in plugins.imported():
        if module == plugin.asked.module or (plugin.home and module in files_of(plugin.home)):
            return plugin
    return None


def _modules(experiment: str, config: Config) -> Iterator[str]:
    """The modules from outside that registered what the run uses."""
    if experiment not in EXPERIMENTS:
        return
    properties = EXPERIMENTS[experiment].info.config_schema.get("properties", {})
    named = [EXPERIMENTS.module(experiment)]
    for field, about in properties.items():
        value = config.get(field, about.get("default"))
        texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
        if about.get("choices") == "models":
            named += [module for text in texts if (module := _of_model(text))]
        if about.get("choices") == "datasets":
            named += [SETS.module(text) for text in texts if text in SETS]
    yield from (module for module in dict.fromkeys(named) if top_level(module) != LAB)


def _of_model(spec: str) -> str | None:
    """The module that a network comes from; None for what no registry has."""
    name = spec.partition("(")[0].strip().removeprefix(CONVERTED)
    if name in MODELS:
        return MODELS.module(name)
    return name.partition(":")[0] if ":" in name else None
