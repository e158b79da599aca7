"""Which source files were loaded of what was imported from outside, their fingerprint, and whether they have changed.

The files of a plug-in are those of its own top-level package and of its own repository, or, outside of one, of the
folder that it was imported from. Packages that are installed beside it are not its own.
"""

import hashlib
import sys
import sysconfig
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from mgic.registry import LAB, top_level

INSTALLED = {"site-packages", "dist-packages"}
STANDARD = Path(sysconfig.get_path("stdlib"))
OURS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Home:
    """Where a plug-in's own files are: of the top-level package, and, unless it is installed, in a folder.

    `repository`: whether the folder is the root of one.
    """

    package: str
    folder: Path | None
    repository: bool

    def owns(self, name: str, path: Path) -> bool:
        if path.is_relative_to(OURS) or path.is_relative_to(STANDARD):
            return False
        if top_level(name) == self.package:
            return True
        inside = self.folder is not None and path.is_relative_to(self.folder)
        return inside and self.folder is not None and not INSTALLED & set(path.relative_to(self.folder).parts)


@dataclass(frozen=True)
class File:
    """A source file as it was loaded. `torn`: it was written while it was being loaded, before or after who knows."""

    path: Path
    stamp: tuple[int, int]  # when it was written, in ns, and its size in bytes
    digest: str
    torn: bool


_SEEN: dict[str, File] = {}  # by module


def home_of(module: ModuleType) -> Home:
    package = top_level(module.__name__)
    path = _source(module)
    if path is None or INSTALLED & set(path.parts):
        return Home(package, None, False)
    for folder in path.parents:
        if (folder / ".git").exists():
            return Home(package, folder, True)
    top = sys.modules.get(package, module)
    inner = next(iter(getattr(top, "__path__", ())), None)
    return Home(package, Path(inner).parent if inner else path.parent, False)


def look(homes: Iterable[Home], since_ns: int) -> None:
    """Note what was loaded of them since this was last asked; what was noted once stays as it was then.

    Args:
        homes: Of the plug-ins.
        since_ns: When the loading began.
    """
    known = list(homes)
    if not known:  # all modules would be gone through for nothing
        return
    for name, module in list(sys.modules.items()):
        path = None if name in _SEEN or name == LAB else _source(module)
        if path is None or not any(home.owns(name, path) for home in known):
            continue
        stamp = _stamp(path)
        if stamp is not None:
            torn = since_ns <= stamp[0] <= time.time_ns()
            _SEEN[name] = File(path, stamp, hashlib.sha256(path.read_bytes()).hexdigest(), torn)


def files_of(home: Home) -> dict[str, File]:
    """By module, in the order of their names."""
    return {name: file for name, file in sorted(_SEEN.items()) if home.owns(name, file.path)}


def loaded_files() -> tuple[Path, ...]:
    """The source files of all plug-ins that are loaded in this process."""
    return tuple(file.path for file in _SEEN.values())


def fingerprint(homes: Iterable[Home]) -> str:
    """16 hex digits of the SHA-256 over the names of the modules and what was in their files; empty for no files."""
    lines = {f"{name} {file.digest}" for home in homes for name, file in files_of(home).items()}
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16] if lines else ""


def changed() -> bool:
    """Whether a file that was loaded is another one now; then only a new process has the new code."""
    return any(file.torn or _stamp(file.path) != file.stamp for file in _SEEN.values())


def _source(module: ModuleType | None) -> Path | None:
    text = getattr(module, "__file__", None)
    return _resolved(text) if isinstance(text, str) and text.endswith(".py") else None


@cache  # a process has some thousand modules, and looks at all of them for each plug-in
def _resolved(text: str) -> Path:
    return Path(text).resolve()


def _stamp(path: Path) -> tuple[int, int] | None:
    """None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
