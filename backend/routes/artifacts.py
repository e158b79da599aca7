"""The files that runs left: listed with size and hash, given whole, in part, or as thumbnails."""

import logging
import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Header, HTTPException, Query, Response
from fastapi.responses import StreamingResponse

from backend.artifacts import Artifacts, attempt
from backend.auth import Reads
from backend.deps import ArtifactsDep, StoreDep, StrictQuery
from backend.thumbnails import MAX_BYTES, MEDIA_TYPES, NoThumbnail, one, thumbnail
from mgic.errors import BadConfig, NotFound, Problem, Unavailable
from mgic.records import Artifact, Page

log = logging.getLogger(__name__)
router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[Reads, StrictQuery])
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
BYTES = {"schema": {"type": "string", "format": "binary"}}
# A file is of the type that its name says, whatever that is; a thumbnail is a PNG.
CONTENT = {"content": {kind: BYTES for kind in ("application/octet-stream", "image/png", "*/*")}}
Pixels = Annotated[
    int | None, Query(ge=16, le=1024, description="Of a picture, a PNG whose longer side has at most so many pixels")
]


@router.get("/{run_id}/artifacts")
def list_artifacts(run_id: UUID, store: StoreDep) -> Page[Artifact]:
    """The files it left."""
    return Page(items=tuple(artifact for artifact, _, _ in store.artifacts(run_id)))


@router.get(
    "/{run_id}/artifacts/{name:path}",
    response_class=StreamingResponse,
    responses={200: CONTENT, 206: CONTENT | {"description": "The part that was asked for"}},
)
def get_artifact(
    run_id: UUID,
    name: str,
    store: StoreDep,
    artifacts: ArtifactsDep,
    thumbnail: Pixels = None,
    byte_range: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """One of them, as it is: bytes, of the media type that the list says. One range of them with `Range`.

    With `thumbnail` a PNG, made of a picture that is a PNG or a JPEG; what is no picture has none.
    """
    for artifact, owner, fence in store.artifacts(run_id):
        if artifact.name == name:  # a path made up by a client finds nothing
            key = attempt(owner, fence, name)
            try:
                if thumbnail is not None:
                    return Response(_small(artifacts, key, artifact, thumbnail), media_type="image/png")
                return _stream(artifacts, key, artifact, byte_range or "")
            except OSError as error:  # its words have a path of this machine, or the address of a bucket
                log.warning("the files of runs cannot be reached: %s", error)
                raise Unavailable("the files of runs cannot be reached; the log has more") from error
    raise NotFound(f"run {run_id} has no artifact {name[:80]!r}")


def _stream(artifacts: Artifacts, key: str, artifact: Artifact, byte_range: str) -> Response:
    size = artifacts.size(key)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{artifact.sha256}"',
        "Content-Disposition": f"attachment; filename*=utf-8''{quote(PurePosixPath(artifact.name).name)}",
    }
    start, end, status = 0, size, 200
    if match := ONE_RANGE.fullmatch(byte_range.strip()):  # several ranges, and what is none, get the whole
        first, last = match.groups()
        if first or last:
            start = int(first) if first else max(0, size - int(last))
            end = min(size, int(last) + 1) if first and last else size
            if start >= end:
                words = f"the file has {size} bytes, none of them in {byte_range[:50]!r}"
                raise HTTPException(416, words, {"Content-Range": f"bytes */{size}"})
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    return StreamingResponse(artifacts.read(key, start, end), status, headers, artifact.media_type)


@lru_cache(maxsize=64)
def _small(artifacts: Artifacts, key: str, artifact: Artifact, pixels: int) -> bytes:
    """What lies under a key never changes."""
    if artifact.media_type not in MEDIA_TYPES:
        raise _refused(f"{artifact.name} is {artifact.media_type}; only PNG and JPEG pictures have thumbnails")
    size = artifacts.size(key)
    if size > MAX_BYTES:
        raise _refused(f"{artifact.name} has {size} bytes; thumbnails are made of at most {MAX_BYTES}")
    try:
        with one.turn():
            return thumbnail(b"".join(artifacts.read(key, 0, size)), pixels)
    except NoThumbnail as error:
        raise _refused(f"{artifact.name}: {error}") from error


def _refused(words: str) -> BadConfig:
    return BadConfig(words, (Problem("thumbnail", "no_thumbnail", words),))
