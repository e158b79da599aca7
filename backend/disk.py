"""Is there room where this service writes?"""

import os
from pathlib import Path
from tempfile import TemporaryFile

from sqlalchemy import Engine

from backend.artifacts import Artifacts

ROOM_BYTES = 2**20  # less than this is none


def shortages(engine: Engine, artifacts: Artifacts) -> dict[str, str]:
    """What can keep nothing more, and why in the system's words; a server and a bucket know their own disks."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    places = {
        "the database": Path(file).absolute().parent if file else None,
        "the files of runs": artifacts.folder,
    }
    found = {what: refusal(place) for what, place in places.items() if place is not None}
    return {what: why for what, why in found.items() if why}


def refusal(folder: Path) -> str:
    """Why nothing can be written there; "" if it can. A folder that is not there yet would be made in its parent.

    Room is taken and given back at once, which also meets a quota, and a disk that has become read-only.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        return error.strerror or str(error)
    return ""
