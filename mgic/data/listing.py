"""Which names in a folder are a data set's: those of its pattern, whatever else computers leave beside them."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from mgic.errors import DataMissing

VISIBLE = re.compile(
    r"(?s)[^.].*"
)  # of a folder; what begins with a dot is an editor's, a system's or a version control's


def named_files(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """The files right in a folder whose whole names match, in the order of the names.

    Raises:
        DataMissing: The folder is absent, or cannot be listed.
    """
    return _named(folder, pattern, folders=False)


def named_folders(folder: Path, pattern: re.Pattern[str] = VISIBLE) -> list[Path]:
    """The folders right in a folder whose whole names match, in the order of the names.

    Raises:
        DataMissing: The folder is absent, or cannot be listed.
    """
    return _named(folder, pattern, folders=True)


def all_there(paths: Iterable[Path], folders: bool = False) -> bool:
    """Whether each is a file, or a folder; what the system does not let be seen is not there."""
    return all((os.path.isdir if folders else os.path.isfile)(path) for path in paths)


def file_state(path: Path) -> os.stat_result:
    """Size and time of a file that may be read.

    Raises:
        DataMissing: It is absent, a link to nothing, empty, or a pipe or a device, at which a reader would wait.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        what = "is a link to nothing" if path.is_symlink() else "is missing"
        raise DataMissing(f"{path} {what}") from error
    except OSError as error:
        raise DataMissing(f"{path} cannot be read: {error.strerror}") from error
    if not S_ISREG(found.st_mode):
        raise DataMissing(f"{path} is no file")
    if not found.st_size:
        raise DataMissing(f"{path} is empty; get it anew")
    return found


def _named(folder: Path, pattern: re.Pattern[str], folders: bool) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if pattern.fullmatch(entry.name) and entry.is_dir() == folders]
    except OSError as error:
        raise DataMissing(f"the folder {folder} cannot be listed: {error.strerror}") from error
    return [folder / name for name in sorted(names)]
