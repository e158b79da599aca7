"""A name -> object table that fills itself from the modules of one package."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from functools import partial
from typing import TypeVar

from mgic.errors import UnknownName

T = TypeVar("T")


ALIKE = 0.6  # as difflib's own get_close_matches


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:80], other).ratio()


def natural(name: str) -> list[tuple[int, str]]:
    """A sort key under which resnet20 comes before resnet110."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


class Registry(Mapping[str, T]):
    """Objects by name. `package` is imported, module by module, on the first look-up."""

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._items: dict[str, T] = {}
        self._loaded = False

    def add(self, name: str, item: T) -> T:
        if name in self._items:
            raise ValueError(f"two {self.kind}s are called {name!r}: {self._items[name]!r} and {item!r}")
        self._items[name] = item
        return item

    def __getitem__(self, name: str) -> T:
        """Raises `UnknownName`, which is no KeyError: `get` raises it too, with the nearest name."""
        self._load()
        if name not in self._items:
            near = max(self, key=partial(_likeness, name), default="")  # of equals the first: resnet20 for resnet21
            alike = _likeness(name, near) > ALIKE
            hint = f"did you mean {near!r}?" if alike else f"known: {', '.join(self)}"
            raise UnknownName(f"no {self.kind} called {name[:80]!r}; {hint}")
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
