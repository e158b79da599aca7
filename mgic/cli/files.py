"""Files that an option names: read as editors and version control leave them, written, or said why not."""

import codecs
import re
from pathlib import Path

from mgic.cli.terminal import naming
from mgic.errors import BadConfig, Problem

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# <<<<<<< and the others stand at the start of a line, where no line of JSON begins like that.
MERGE = re.compile(rb"^(<{7}|={7}|>{7}|\|{7})(?=\s|$)", re.MULTILINE)
LFS = b"version https://git-lfs.github.com/spec/"
ANNEX = re.compile(rb"\S*/annex/objects/\S+")  # what git-annex leaves in the place of a file


def read_json(option: str, path: Path) -> bytes:
    """What is in it, to be parsed as JSON: in UTF-8, without a byte-order mark, its lines ended by a line feed each.

    Raises:
        BadConfig: It stands for a file that is not here, or has an unfinished merge in it.
        Refused: The system did not let it be read.
    """
    with naming(f"{option}: {path} cannot be read"):
        text = path.read_bytes()
    return as_json_text(option, text, str(path))


def as_json_text(option: str, text: bytes, path: str) -> bytes:
    """The same of what was read elsewhere; `path` is what errors call it."""
    if text.startswith(UTF16):
        text = text.decode("utf-16", "replace").encode(errors="replace")
    text = text.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
    if text.startswith(LFS):
        raise _bad(option, f"{path} is a pointer of Git LFS, not the file itself: run `git lfs pull`")
    if ANNEX.fullmatch(text.strip()):
        raise _bad(option, f"{path} is a pointer of git-annex, not the file itself: run `git annex get`")
    if mark := MERGE.search(text):
        line = text.count(b"\n", 0, mark.start()) + 1
        raise _bad(option, f"{path} has the mark {mark[1].decode()} of an unfinished merge in line {line}")
    return text


def write_text(option: str, path: Path, text: str) -> None:
    """Raises `Refused` with the option and the path."""
    write_bytes(option, path, text.encode())


def write_bytes(option: str, path: Path, given: bytes) -> None:
    """Raises `Refused` with the option and the path."""
    with naming(f"{option}: {path} cannot be written"):
        path.write_bytes(given)


def _bad(option: str, detail: str) -> BadConfig:
    return BadConfig(f"{option}: {detail}", (Problem(option, "validation", detail),))
