"""What Git says of a folder: the commit, the branch, whether anything was changed, and where it comes from."""

import os
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

PATIENCE_S = 10


@dataclass(frozen=True)
class Repository:
    """`changed`: a file that is tracked is not as it was committed. `branch` is None where none is checked out."""

    root: Path
    commit: str
    branch: str | None
    changed: bool


def repository_of(folder: Path, within: Path | None = None) -> Repository | None:
    """None where there is no repository, no commit in it yet, or no Git.

    Args:
        folder: Somewhere in it.
        within: Only changes below this folder count, but files that are new there count too.
    """
    root = _root(folder)
    untracked = ["--untracked-files=normal", "--", str(within)] if within else ["--untracked-files=no"]
    told = _git(folder, "status", "--porcelain=v2", "--branch", *untracked) if root else None
    if root is None or told is None:
        return None
    lines = told.splitlines()
    about = dict(line.removeprefix("# branch.").partition(" ")[::2] for line in lines if line.startswith("# "))
    commit, branch = about.get("oid", "(initial)"), about.get("head", "(detached)")
    if commit == "(initial)":
        return None
    changed = any(not line.startswith("# ") for line in lines)
    return Repository(root, commit, None if branch == "(detached)" else branch, changed)


def tracked(root: Path) -> frozenset[Path]:
    """All files that a repository knows."""
    told = _git(root, "ls-files", "-z")
    return frozenset(root / name for name in (told or "").split("\0") if name)


@lru_cache
def remote_of(root: Path) -> str | None:
    """Where the repository comes from, without names and passwords of users; None where it does not say."""
    told = _git(root, "remote", "get-url", "origin")
    return without_user(told.strip()) if told else None


def forget_places() -> None:
    """Where repositories begin is asked of Git again."""
    _root.cache_clear()


def without_user(address: str) -> str:
    """`https://host/project` of `https://user:password@host/project?token=0`, `host:project` of `git@host:project`."""
    if "://" not in address:
        return address.rpartition("@")[2] if ":" in address.rpartition("@")[2] else address
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@lru_cache
def _root(folder: Path) -> Path | None:
    told = _git(folder, "rev-parse", "--show-toplevel")
    return Path(told.removesuffix("\n")) if told else None


def _git(folder: Path, *words: str) -> str | None:
    """None where it fails. Nothing is written, not even what Git would remember for next time."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout)
