"""Answers that take long to make, kept on disk for as long as all that they were made from is the same."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

OURS = Path(__file__).parent
THEIRS = ("pydantic", "timm", "torch", "torchvision")  # whose code answers are made with, beside ours


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Where the system keeps what can be made anew; None for a user without a home."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named / "mgic"
    try:
        return Path.home() / ".cache" / "mgic"
    except RuntimeError:
        return None


def fingerprint(source: Path = OURS, plugins: Iterable[str] = ()) -> str:
    """Changes with any file of the program, with Python, and with the packages that answers are made with.

    By what is in the files: a checkout or an image may give other contents the same time and size.

    Args:
        source: The program's folder.
        plugins: What else is imported, each with what changes when it does.
    """
    digest = hashlib.sha256(sys.version.encode())
    for word in (*(f"{name} {_version(name)}" for name in THEIRS), *sorted(plugins)):
        digest.update(f"\0{word}".encode())
    for path in sorted(source.rglob("*")):
        if path.suffix != ".pyc" and path.is_file():
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(source)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


class Kept:
    """A folder of answers, a file each. Where it cannot be read or written, nothing is kept, and that is no error.

    Args:
        folder: It need not exist; None: nothing is kept.
        key: The `fingerprint` of what answers are made from, as it is before they are made.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self._folder = folder
        self._key = key

    def find(self, question: str, kind: type[T]) -> T | None:
        """None if there is no answer, or one made from something else, or its file is damaged."""
        if self._folder is None:
            return None
        with suppress(OSError, ValueError):
            seal, _, answer = (self._folder / f"{question}.json").read_bytes().partition(b"\n")
            if seal == self._seal(answer):
                return TypeAdapter(kind).validate_json(answer)
        return None

    def keep(self, question: str, kind: type[T], answer: T) -> None:
        """In the place of the last one."""
        if self._folder is None:
            return
        text = TypeAdapter(kind).dump_json(answer)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=f"{question}.", delete=False) as draft:
                try:
                    draft.write(self._seal(text) + b"\n" + text)
                    draft.flush()
                    os.replace(draft.name, self._folder / f"{question}.json")
                except OSError:
                    os.unlink(draft.name)

    def answer(self, question: str, kind: type[T], make: Callable[[], T]) -> T:
        """The one that is kept, or else the one that `make` makes, which is kept from now on."""
        found = self.find(question, kind)
        if found is None:
            found = make()
            self.keep(question, kind, found)
        return found

    def _seal(self, answer: bytes) -> bytes:
        """Of the answer and of what it was made from: it fits no other."""
        return hashlib.sha256(self._key.encode() + answer).hexdigest().encode()
