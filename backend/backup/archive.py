"""The archive: a tar of plain files, of which the first says what it holds and the last has the hash of each other.

backup.json               what made it, when, of which schema, and how many rows each table had
store/...                 the database
artifacts/<key>           the files of runs, by their keys
SHA256SUMS                as `sha256sum --check` reads it
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Literal

from pydantic import ValidationError

from mgic import __version__
from mgic.errors import BadConfig
from mgic.records import Record

HEAD = "backup.json"
SUMS = "SHA256SUMS"
STORE = "store/"
FILES = "artifacts/"
FORMAT = 1
PIECE = 2**20
MOST_HEAD = 2**20  # bytes


class Head(Record):
    """What an archive holds."""

    format: int = FORMAT
    program: str = __version__
    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    schema_version: str
    rows: dict[str, int]  # by table


class Pieces:
    """Bytes that come piece by piece, as something to read from; `sha256` of what was read."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        parts, wanted = [], size
        while wanted and (piece := self._left or next(self._pieces, b"")):
            parts.append(piece[:wanted])
            self._left = piece[wanted:]
            wanted -= len(parts[-1])
        found = b"".join(parts)
        self.sha256.update(found)
        return found


class Writer:
    """Writes an archive front to back, so that it may go down a pipe.

    Args:
        file: Takes the bytes.
        head: Of it.
    """

    def __init__(self, file: BinaryIO, head: Head) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - `close` does
        self._sums: dict[str, str] = {}
        self.add_bytes(HEAD, head.model_dump_json(indent=2).encode() + b"\n")

    def add(self, name: str, size: int, pieces: Iterable[bytes]) -> str:
        """A file of exactly so many bytes; its SHA-256. Raises `OSError` where there are fewer."""
        source = Pieces(pieces)
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, 0o600, int(datetime.now(UTC).timestamp())
        self._tar.addfile(info, source)  # type: ignore[arg-type]
        self._sums[name] = source.sha256.hexdigest()
        return self._sums[name]

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, len(content), [content])

    def close(self) -> None:
        """The hashes, and the end: an archive without them is not whole."""
        self.add_bytes(SUMS, "".join(f"{digest}  {name}\n" for name, digest in self._sums.items()).encode())
        self._tar.close()


def verified(path: Path) -> Head:
    """Read all of it once; what it holds.

    Raises:
        BadConfig: It is no backup, of a format that this program does not know, cut off, or changed since.
    """
    found: dict[str, str] = {}
    head: Head | None = None
    told: dict[str, str] | None = None
    for name, size, content in members(path):
        if told is not None or name in found:
            raise BadConfig(f"{path} is damaged: {name[:200]} stands where it should not")
        if head is None:
            head = _head(path, name, size, content)
            content.seek(0)
        if name == SUMS:
            lines = b"".join(pieces_of(content)).decode(errors="replace").splitlines()
            told = {line[66:]: line[:64] for line in lines}
        else:
            digest = hashlib.sha256()
            for piece in pieces_of(content):
                digest.update(piece)
            found[name] = digest.hexdigest()
    if head is None or told is None:
        raise BadConfig(f"{path} is not whole: its end is missing")
    if wrong := sorted(name for name in found.keys() | told.keys() if found.get(name) != told.get(name)):
        raise BadConfig(f"{path} is damaged: {', '.join(wrong[:3])} is not what was backed up")
    return head


def _head(path: Path, name: str, size: int, content: IO[bytes]) -> Head:
    try:
        if name != HEAD or size > MOST_HEAD:
            raise BadConfig(f"{path} is no backup of MGIC Lab")
        head = Head.model_validate_json(content.read())
    except ValidationError as error:
        raise BadConfig(
            f"{path} is no backup that this version of MGIC Lab reads: {HEAD} is not as expected"
        ) from error
    if head.format > FORMAT:
        raise BadConfig(f"{path} was made by the newer version {head.program}: restore it with that one")
    return head


def members(path: Path, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[tuple[str, int, IO[bytes]]]:
    """The files in it, in their order: name, bytes, content; a content can be read until the next is asked for.

    Raises:
        BadConfig: It is no tar file, is cut off, or has something else than plain files with plain names in it.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                if not info.isfile() or not _plain(info.name):
                    raise BadConfig(f"{path} is no backup of MGIC Lab: it has {info.name[:200]!r} in it")
                if wanted(info.name):
                    yield info.name, info.size, tar.extractfile(info) or io.BytesIO()
    except (tarfile.TarError, EOFError) as error:
        raise BadConfig(f"{path} is no whole tar file: {error}") from error


def _plain(name: str) -> bool:
    return "\0" not in name and not any(part in ("", ".", "..") for part in name.split("/"))


def pieces_of(content: IO[bytes]) -> Iterator[bytes]:
    """Raises `BadConfig` where the archive is cut off in the middle of it."""
    try:
        while piece := content.read(PIECE):
            yield piece
    except tarfile.TarError as error:
        raise BadConfig(f"the archive is cut off: {error}") from error
