"""`mgic backup` and `mgic restore`: the store and the files of its runs as one archive, and back."""

import os
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from mgic.cli.terminal import Code
from mgic.cli.up import only_one
from mgic.errors import BadConfig
from mgic.extras import ALONE, has_service
from mgic.place import check_folder
from mgic.plugins import SAFE

Home = Annotated[Path, typer.Option(envvar="MGIC_HOME", help="Where `mgic up` keeps everything.")]
# Of `python -m backend.backup`, from sysexits.h.
CODES = {
    os.EX_OK: Code.OK,
    os.EX_DATAERR: Code.NOTHING,
    os.EX_UNAVAILABLE: Code.UNREACHABLE,
    os.EX_CONFIG: Code.USAGE,
    os.EX_IOERR: Code.REFUSED,
}


def backup(
    file: Annotated[Path, typer.Argument(help="The archive, a tar; - writes it to standard output.")],
    home: Home = Path(".mgic"),
) -> None:
    """Back up the store and the files of its runs, while the service runs; exit 4 if some files are missing.

    The settings say which store: MGIC_HOME, MGIC_DATABASE_URL, MGIC_ARTIFACT_URL. Data sets, settings and logs are
    not in it. A file of that name is replaced once the new one is whole.

    Example: mgic backup lab.tar
    """
    raise typer.Exit(_asked(home, "take", str(file)))


def restore(
    file: Annotated[Path, typer.Argument(help="What `mgic backup` has written; - reads it from standard input.")],
    home: Home = Path(".mgic"),
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is whole and could be restored.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="In the place of a store that is not empty.")] = False,
) -> None:
    """Put a backup back, with the service stopped; an older schema is brought up, a newer one refused.

    Nothing is changed before all of the archive was read and found whole; the store changes in one step, the last.

    Example: mgic restore lab.tar --replace
    """
    if check:
        raise typer.Exit(_asked(home, "check", str(file)))
    embedded = not os.environ.get("MGIC_DATABASE_URL")
    check_folder("MGIC_HOME", home)
    with only_one(Path(os.path.realpath(home))) if embedded else nullcontext():
        raise typer.Exit(_asked(home, "restore", str(file), *(["--replace"] if replace else [])))


def _asked(home: Path, *words: str) -> int:
    """In a process of its own, since the core knows no database; it speaks for itself."""
    if not has_service():
        raise BadConfig(f"there is no store to back up here: {ALONE}")
    check_folder("MGIC_HOME", home)
    told = {**os.environ, "MGIC_HOME": os.path.realpath(home)}
    done = subprocess.run([*SAFE, "backend.backup", *words], env=told, check=False)
    return CODES.get(done.returncode, Code.BUG)
