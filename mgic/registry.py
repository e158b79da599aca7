"""A name -> object table that fills itself from the modules of one package."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from functools import partial
from types import FrameType
from typing import Any, TypeVar

from mgic.errors import UnknownName

T = TypeVar("T")


ALIKE = 0.6  # as difflib's own get_close_matches
LAB = "mgic"


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:80], other).ratio()


def no_such(kind: str, name: str, known: Sequence[str], none: str = "none") -> UnknownName:
    """The error for a name that is not among the `known` ones, with the nearest of these; `none`: if there are none."""
    near = max(known, key=partial(_likeness, name), default="")  # of equals the first: resnet20 for resnet21
    alike = _likeness(name, near) > ALIKE
    hint = f"did you mean {near!r}?" if alike else f"known: {', '.join(known) or none}"
    return UnknownName(f"no {kind} called {name[:80]!r}; {hint}")


def natural(name: str) -> list[tuple[int, str]]:
    """A sort key under which resnet20 comes before resnet110."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def top_level(module: str) -> str:
    """`package` of `package.module.other`."""
    return module.partition(".")[0]


def registering() -> str:
    """The module whose own lines are being executed, through whatever functions of others they came here."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


class Registry(Mapping[str, T]):
    """Objects by name. `package` is imported, module by module, on the first look-up."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._items: dict[str, T] = {}
        self._modules: dict[str, str] = {}  # name -> the module that registered it
        self._loaded = False
        _ALL.append(self)

    def add(self, name: str, item: T) -> T:
        """Raises `ValueError` where the name is taken, with both modules."""
        module = registering()
        if top_level(module) != LAB:
            self._load()  # the lab's own first: who comes second is at fault
        if name in self._items:
            raise ValueError(f"two {self.kind}s are called {name!r}: one of {self._modules[name]}, one of {module}")
        self._items[name] = item
        self._modules[name] = module
        return item

    def module(self, name: str) -> str:
        """The module that registered it. Raises `UnknownName`."""
        _ = self[name]
        return self._modules[name]

    def package(self, name: str) -> str:
        """The top-level package that registered it: `mgic` is the lab itself. Raises `UnknownName`."""
        return top_level(self.module(name))

    def __getitem__(self, name: str) -> T:
        """Raises `UnknownName`, which is no KeyError: `get` raises it too, with the nearest name."""
        self._load()
        if name not in self._items:
            raise no_such(self.kind, name, list(self))
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._items, key=natural))

    def __len__(self) -> int:
        self._load()
        return len(self._items)

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            for module in pkgutil.iter_modules(importlib.import_module(self._package).__path__):
                importlib.import_module(f"{self._package}.{module.name}")


_ALL: list[Registry[Any]] = []


def load_own() -> None:
    """What comes with the lab, of every table that there is by now, and of those that are made meanwhile."""
    while left := [registry for registry in _ALL if not registry._loaded]:
        for registry in left:
            registry._load()


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """What outsiders register in here is forgotten if it ends with an exception."""
    before = {id(registry): set(registry._items) for registry in _ALL}
    whole = False
    try:
        yield
        whole = True
    finally:
        for registry in () if whole else _ALL:
            _forget(registry, before.get(id(registry), set()))


def _forget(registry: Registry[Any], kept: set[str]) -> None:
    for name, module in list(registry._modules.items()):
        if top_level(module) != LAB and name not in kept:
            registry._items.pop(name, None)
            del registry._modules[name]


def registered(package: str) -> tuple[str, ...]:
    """What a top-level package has registered: `model tiny`, `data set stripes`."""
    return tuple(
        f"{registry.kind} {name}"
        for registry in _ALL
        for name, module in registry._modules.items()
        if top_level(module) == package
    )
