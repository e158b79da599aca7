"""The one registry of data sets: what is known of a set before it is read, and how it is found by its name.

A set is registered by a module of this package or of a plug-in, or it lies in the folder of the data sets, under the
name of its kind: `folder/NAME`. Then its provider is made from what its files say, when it is first asked for.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, get_args

from mgic.errors import DataMissing, UnknownName
from mgic.records import DatasetInfo, Task
from mgic.registry import Registry, no_such


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What is known of a set without opening it, and how to open it.

    Args:
        train: Number of training samples.
        present: Whether its files lie under the given folder, or where the system keeps them.
        read: The set; each task says how. Raises `DataMissing` where files are absent or damaged.
        how_to_get: The command, or the words, that bring it here.
        fetch: Downloads the files into the given folder; None: nobody can.
        validation: Number of samples that the set itself sets aside to choose by.
        licence: Of what may not be used for everything.
        hash: Of a set that lies here by its path, changes with any of its files; the others' is known once they are
            read.
    """

    task: ClassVar[Task]

    name: str
    title: str
    how_to_get: str
    present: Callable[[Path], bool]
    read: Callable[..., Any]
    train: int = 0
    test: int = 0
    validation: int = 0
    fetch: Callable[[Path], None] | None = None
    licence: str = ""
    hash: str = ""

    @property
    @abstractmethod
    def sample(self) -> tuple[int, ...]:
        """Size of one, without the batch."""

    @property
    @abstractmethod
    def number_of_classes(self) -> int:
        """0 where there are none."""


P = TypeVar("P", bound=Provider, covariant=True)


@dataclass(frozen=True)
class Place:
    """A folder of data sets in which each entry is one, under its own name.

    Args:
        task: What its sets are for.
        names: Given the folder of all data sets, those of the sets.
        provider: Given that folder and one of the names. Raises `DataMissing` where what lies there is no set.
    """

    task: Task
    names: Callable[[Path], list[str]]
    provider: Callable[[Path, str], Provider]


SETS: Registry[Provider] = Registry("data set", "mgic.data")
PLACES: Registry[Place] = Registry("place of data sets", "mgic.data")


@dataclass
class _Look:
    """Where this process looks for sets by path, and those it has found there since it was told."""

    folder: Path
    found: dict[tuple[Path, str], Provider]


_look = _Look(Path("data"), {})


def look_in(data_dir: Path) -> None:
    """From now on configs that name a set by its path mean one in this folder, as it is now."""
    _look.folder = data_dir
    _look.found.clear()


def list_datasets(data_dir: Path | None = None) -> list[str]:
    """Task by task; with a folder, the sets that lie in it by their paths too."""
    tasks = get_args(Task)
    known = sorted(SETS, key=lambda name: tasks.index(SETS[name].task))
    return known if data_dir is None else [*known, *_by_path(data_dir)]


def _by_path(data_dir: Path) -> list[str]:
    return [f"{place}/{name}" for place in PLACES for name in PLACES[place].names(data_dir)]


def find(name: str, data_dir: Path | None = None) -> Provider:
    """The provider of a set.

    Args:
        name: Of a registered set, or `PLACE/NAME`.
        data_dir: Where that lies; None: where `look_in` said.

    Raises:
        UnknownName: There is no set of that name.
        DataMissing: What lies there is none.
    """
    place, slash, own = name.partition("/")
    if not slash or place not in PLACES:
        return SETS[name]
    folder = _look.folder if data_dir is None else data_dir
    key = (folder.absolute(), name)
    if data_dir is None and key in _look.found:
        return _look.found[key]
    there = PLACES[place].names(folder)
    if own not in there:
        raise no_such("data set", name, [f"{place}/{one}" for one in there], f"none in {place}")
    try:
        found = PLACES[place].provider(folder, own)
    except DataMissing as error:
        raise DataMissing(_told(str(error), folder)) from error
    _look.found[key] = found
    return found


def _told(words: str, folder: Path) -> str:
    """As text, whatever bytes a file's name has; who asks over the network knows no folders of this machine."""
    text = words.encode(errors="backslashreplace").decode()
    return re.sub(rf"(?<![\w/.-]){re.escape(str(folder))}/", "", text)


class SetsOf(Mapping[str, P], Generic[P]):
    """The registered sets of one task; by its path a set of it is found too.

    Args:
        provider: The type of their providers.
    """

    def __init__(self, provider: type[P]) -> None:
        self._provider = provider

    def __getitem__(self, name: str) -> P:
        """Raises `UnknownName`, for a set of another task too, and `DataMissing`; see `find`."""
        return self.find(name)

    def find(self, name: str, data_dir: Path | None = None) -> P:
        """As the function `find`, of this task alone."""
        if "/" not in name and name not in SETS:
            raise no_such("data set", name, list(self))
        found = find(name, data_dir)
        if not isinstance(found, self._provider):
            words = f"{name} is a data set for {found.task}, this needs one for {self._provider.task}"
            raise UnknownName(f"{words}: {', '.join(self)}")
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, one in SETS.items() if isinstance(one, self._provider))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in SETS and isinstance(SETS[str(name)], self._provider)

    def add(self, name: str, provider: Provider) -> Provider:
        """Register a set. Raises `ValueError` where the name is taken."""
        return SETS.add(name, provider)

    def here(self, name: str, data_dir: Path) -> P:
        """The provider of a set whose files are there.

        Raises:
            UnknownName, DataMissing: As `find`; or the set is not on this machine, and the message says how to get it.
        """
        provider = self.find(name, data_dir)
        if not provider.present(data_dir):
            raise DataMissing(f"the data set {name} is not under {data_dir}; {provider.how_to_get}")
        return provider


def dataset_info(name: str, data_dir: Path, look: bool = True) -> DatasetInfo:
    """What is known without reading it; `present` looks only whether the files are there.

    A set by its path is looked into when its files have changed. What is none has a `problem`, in words.

    Args:
        name: Of the set.
        data_dir: Where it lies.
        look: Whether there is time to look into one by its path.

    Raises:
        UnknownName: There is no set of that name.
    """
    try:
        if not look and "/" in name:
            raise DataMissing("not looked into yet: ask again")
        found = find(name, data_dir)
    except DataMissing as error:
        task, words = PLACES[name.partition("/")[0]].task, str(error)
        known = {"name": name, "title": name, "task": task, "how_to_get": words, "problem": words}
        return DatasetInfo(**known, shape=(), classes=0, train=0, test=0, present=False, package="")
    return DatasetInfo(
        name=name,
        title=found.title,
        task=found.task,
        shape=found.sample,
        classes=found.number_of_classes,
        train=found.train,
        test=found.test,
        validation=found.validation,
        present=found.present(data_dir),
        how_to_get=found.how_to_get,
        package=SETS.package(name) if name in SETS else "",
        licence=found.licence,
        hash=found.hash,
    )


def fetch(name: str, data_dir: Path) -> None:
    """Download a data set, unless it is there already.

    Raises:
        UnknownName: There is no data set of that name.
        DataMissing: The folder cannot be made, or the download failed; the message says at what.
    """
    provider = find(name, data_dir)
    if provider.present(data_dir):
        return
    if provider.fetch is None:
        raise DataMissing(f"{name} cannot be downloaded from here: {provider.how_to_get}")
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataMissing(f"the folder {data_dir} for {name} cannot be made: {error.strerror}") from error
    provider.fetch(data_dir)
