"""Is there room where this service writes?"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import Engine

from backend.artifacts import Artifacts

ROOM_BYTES = 2**20  # less than this is none


def shortages(engine: Engine, artifacts: Artifacts) -> dict[str, str]:
    """What can keep nothing more, and why in the system's words; a server and a bucket know their own disks."""
    found = {what: refusal(place) for what, place in places(engine, artifacts).items()}
    return {what: why for what, why in found.items() if why}


def free_bytes(engine: Engine, artifacts: Artifacts) -> dict[str, int]:
    """How much may still be written to each disk of this machine that the service keeps something on."""
    return {what: shutil.disk_usage(_there(place)).free for what, place in places(engine, artifacts).items()}


def places(engine: Engine, artifacts: Artifacts) -> dict[str, Path]:
    """The folders of this machine that this service keeps things in."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    found = {
        "the database": Path(file).absolute().parent if file else None,
        "the files of runs": artifacts.folder,
    }
    return {what: place for what, place in found.items() if place is not None}


def refusal(folder: Path) -> str:
    """Why nothing can be written there; "" if it can. A folder that is not there yet would be made in its parent.

    Room is taken and given back at once, which also meets a quota, and a disk that has become read-only.
    """
    try:
        with TemporaryFile(dir=_there(folder)) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _there(folder: Path) -> Path:
    """It, or of the folders above it the nearest that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
