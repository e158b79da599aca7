"""What takes seconds to find out about an installed package, kept on disk until another version is installed."""

import logging
import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

log = logging.getLogger(__name__)
FOLDER = Path(".cache", "mgic")  # in the user's home

Found = TypeVar("Found")


def kept(package: str, kind: type[Found], find: Callable[[], Found]) -> Found:
    """What `find` says of the package; from disk, where it was asked of this version before.

    Args:
        package: As it is called where it is installed.
        kind: What `find` returns, as JSON can hold it.
        find: Takes its time.

    Where nothing can be written it is found again by each process; a file that cannot be read is written anew.
    """
    reader: TypeAdapter[Found] = TypeAdapter(kind)
    try:
        path = Path.home() / FOLDER / f"{package}-{version(package)}.json"
    except RuntimeError:  # the user has no home
        return find()
    try:
        return reader.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        found = find()
    try:
        _write(path, reader.dump_json(found))
    except OSError as error:
        log.info("%s is found out again by the next process: %s", package, error)
    return found


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: other processes read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
