"""Where the files of runs are kept: a folder, or a bucket that every host reaches; both through fsspec.

    <run>/<fence>/<name>       what the attempt with this fence left
    checkpoints/<run>/<name>   snapshots of a run that has not ended

Workers bring files here from disks of their own, and no host depends on another's.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import UUID

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from mgic.errors import NotFound
from mgic.place import is_loopback

SCHEMES = ("", "file", "s3")
# Nobody waits for ever for a bucket. A listing is asked for again each time: other hosts write there too.
S3: dict[str, Any] = {
    "skip_instance_cache": True,  # which does not look at AWS_* variables
    "use_listings_cache": False,
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
}


class ArtifactsAway(OSError):
    """The place of the artifacts does not answer, or not as it should."""


class Artifacts:
    """Files by key, which is a relative path with `/` between its parts.

    Every method raises `ArtifactsAway` where the place does not answer, and `OSError` with an
    `errno` where a disk is full.

    Args:
        url: A folder, `file:///folder` or `s3://bucket/prefix`. A bucket's keys, region and endpoint come from
            the AWS_* variables or files, as for every tool that speaks S3.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._in_bucket = url.startswith("s3://")
        self._root = ""
        self._opened: fsspec.AbstractFileSystem | None = None

    @property
    def folder(self) -> Path | None:
        """Where they lie on a disk of this machine; None in a bucket."""
        return None if self._in_bucket else Path(self._url.removeprefix("file://")).resolve()

    def check(self) -> None:
        """Raises `ArtifactsAway` where there is no such bucket; a folder is made when it is needed."""
        if self._in_bucket:
            try:
                with self._reached("check") as (files, path):
                    files.ls(path.split("/")[0], detail=False)
            except NotFound as error:
                raise ArtifactsAway(f"{self._url} is not there: {error.__cause__}"[:500]) from error

    def put(self, file: Path, key: str) -> None:
        """Keep a copy of `file` under `key`, in place of what was there."""
        try:
            with self._reached(key) as (files, path):
                files.put_file(str(file), path)
        except NotFound as error:  # there is no such bucket
            raise ArtifactsAway(f"{self._url} cannot be written to: {error.__cause__}"[:500]) from error

    def get(self, key: str, file: Path) -> None:
        """Write a copy to `file`: whole, or not at all. Raises `NotFound`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.part")
        try:
            with self._reached(key) as (files, path):
                files.get_file(path, str(draft))
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)

    def size(self, key: str) -> int:
        """Bytes. Raises `NotFound`, also where there is something else than a plain file."""
        with self._reached(key) as (files, path):
            info = files.info(path)
        if info["type"] != "file" or info.get("islink"):
            raise NotFound(f"there is no file {key[:200]!r}")
        return int(info["size"])

    def read(self, key: str, start: int, end: int, piece: int = 2**20) -> Iterator[bytes]:
        """Its bytes from `start` to before `end`, piece by piece. Raises `NotFound` when the first is asked for."""
        with self._reached(key) as (files, path), files.open(path, "rb", block_size=piece) as opened:
            file: BinaryIO = opened
            file.seek(start)
            while start < end and (part := file.read(min(piece, end - start))):
                start += len(part)
                yield part

    def names(self, folder: str) -> list[str]:
        """What lies right in it, in order; nothing where there is no such folder."""
        try:
            with self._reached(folder) as (files, path):
                found = files.ls(path, detail=False)
        except NotFound:
            return []
        return sorted({PurePosixPath(each).name for each in found})

    def remove(self, folder: str) -> None:
        """With all that is in it; it need not be there."""
        with contextlib.suppress(NotFound), self._reached(folder) as (files, path):
            files.rm(path, recursive=True)

    @contextlib.contextmanager
    def _reached(self, key: str) -> Iterator[tuple[fsspec.AbstractFileSystem, str]]:
        """The file system and the whole path. What goes wrong there becomes one of few errors."""
        try:
            yield self._files(), f"{self._root}/{_inside(key)}"
        except FileNotFoundError as error:
            raise NotFound(f"there is no file {key[:200]!r}") from error
        except (OSError, NotFound):
            raise
        except Exception as error:  # each library behind fsspec has errors of its own
            raise ArtifactsAway(f"{type(error).__name__}: {error}"[:500]) from error

    def _files(self) -> fsspec.AbstractFileSystem:
        """Opened when first asked for: after a fork, since a bucket's client has a thread."""
        if self._opened is None:
            folder = self.folder
            if folder is None:
                files, root = url_to_fs(self._url, **_s3())
            else:  # not by `url_to_fs`, to which `::` in a path means something
                files, root = LocalFileSystem(auto_mkdir=True), str(folder)
            self._root, self._opened = root.rstrip("/"), files  # in this order: other threads look at the second
        return self._opened


def _s3() -> dict[str, Any]:
    """A bucket on this machine is reached past all proxies."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    if not is_loopback(urlsplit(endpoint).hostname):
        return S3
    return S3 | {"config_kwargs": {**S3["config_kwargs"], "proxies": {}}}


def attempt(run_id: UUID, fence: int, name: str = "") -> str:
    """The key of what an attempt left, or of its folder."""
    return f"{run_id}/{fence}/{name}".rstrip("/")


CHECKPOINTS = "checkpoints"


def checkpoint(run_id: UUID | str, name: str = "") -> str:
    """The key of a snapshot, or of the folder of a run's snapshots."""
    return f"{CHECKPOINTS}/{run_id}/{name}".rstrip("/")


def _inside(key: str) -> str:
    """Raises `NotFound` for a key that would lead out of the place."""
    if key.startswith("/") or "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        raise NotFound(f"there is no file {key[:200]!r}")
    return key
