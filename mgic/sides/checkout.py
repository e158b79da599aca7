"""The base of a pull request, as git has it: which commit that is, and its files in a folder of their own."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from mgic.errors import BadConfig, NotFound, Problem
from mgic.repository import repository_of

PATIENCE_S = 120
PULL_REQUEST = "refs/pull/"  # of GitHub: HEAD is a merge, made for the job, of the head into the base
OPTION = "--base"
ALL = "origin '+refs/heads/*:refs/remotes/origin/*'"  # a clone of one branch follows no other


@dataclass(frozen=True)
class Base:
    """The commit that the head is held against.

    Args:
        root: Of the repository.
        commit: Its id.
        ref: As asked for.
        why: How it was found, where that is not plain.
    """

    root: Path
    commit: str
    ref: str
    why: str = ""


def base_of(ref: str, folder: Path, environment: Mapping[str, str]) -> Base:
    """The commit where the head left `ref`.

    Args:
        ref: A branch, a tag or a commit.
        folder: Somewhere in the repository.
        environment: Of the job; GitHub tells in it that HEAD is a merge that nobody made.

    Raises:
        BadConfig: No repository, no such ref, or no commit that both have.
        NotFound: The clone is too shallow to tell; the message has the command that deepens it.
    """
    if ref.startswith("-") or not ref.strip():
        raise _bad(f"{ref[:80]!r} is no name of a commit")
    here = repository_of(folder)
    if here is None:
        raise _bad("there is no git repository here with a commit in it, so that there is no other version to measure")
    known = _line(here.root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    parents = (_line(here.root, "rev-list", "--parents", "-n", "1", "HEAD") or "").split()[1:]
    merge = environment.get("GITHUB_REF", "").startswith(PULL_REQUEST) and len(parents) == 2
    if merge and (known is None or _line(here.root, "merge-base", "HEAD", known) == parents[0]):
        return Base(here.root, parents[0], ref, "HEAD is the merge that GitHub made for the pull request")
    shallow = _line(here.root, "rev-parse", "--is-shallow-repository") == "true"
    if known is None:
        raise _unknown(here.root, ref, shallow)
    found = _line(here.root, "merge-base", "HEAD", known)
    if found is None:
        if shallow:
            raise NotFound(
                f"{OPTION}: this clone is shallow and does not reach back to where HEAD left {ref}; deepen it: "
                "git fetch --unshallow (GitHub: actions/checkout with fetch-depth: 0, GitLab: GIT_DEPTH: 0)"
            )
        raise _bad(f"HEAD and {ref} have no commit in common")
    return Base(here.root, found, ref)


@contextmanager
def checked_out(base: Base) -> Iterator[Path]:
    """The files of that commit in a folder, which is removed whatever happens."""
    folder = Path(mkdtemp(prefix="mgic-base-"))
    place = folder / base.root.name
    try:
        _git(
            base.root,
            "-c",
            "advice.detachedHead=false",
            "worktree",
            "add",
            "--detach",
            "--force",
            str(place),
            base.commit,
        )
        if (place / ".gitmodules").is_file():
            _git(place, "submodule", "update", "--init", "--recursive", "--quiet")
        yield place
    finally:
        _run(base.root, "worktree", "remove", "--force", "--force", str(place))  # of this one, and of no other
        shutil.rmtree(folder, ignore_errors=True)


def file_at(root: Path, ref: str, path: str) -> bytes:
    """What a file had in a commit.

    Raises:
        BadConfig: No such commit, or it has no such file.
    """
    done = _run(root, "cat-file", "blob", f"{ref}:{path}")
    if done.returncode:
        raise BadConfig(f"--baseline: {ref} has no file {path}: {_said(done)}")
    return done.stdout


def changed_since(base: Base, path: Path) -> bool:
    """Whether a file of the repository is another one than in the base; new ones are."""
    done = _run(base.root, "diff", "--quiet", base.commit, "--", str(path))
    untracked = _line(base.root, "ls-files", "--error-unmatch", "--", str(path)) is None
    return done.returncode != 0 or untracked


def _unknown(root: Path, ref: str, shallow: bool) -> Exception:
    if shallow:
        words = f"{OPTION}: this clone is shallow and does not know {ref}; deepen it: git fetch --unshallow {ALL}"
        return NotFound(f"{words} (GitHub: actions/checkout with fetch-depth: 0, GitLab: GIT_DEPTH: 0)")
    name = re.split("[~^]", ref)[0]
    if name != ref and _line(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
        return _bad(f"git knows {name[:100]!r} here, and no commit so far before it as {ref[:200]!r}")
    return _bad(f"git knows no commit {ref[:200]!r} here; if it is a branch of the remote: git fetch {ALL}")


def _line(root: Path, *words: str) -> str | None:
    """The first line of what git says; None where it fails."""
    done = _run(root, *words)
    text = os.fsdecode(done.stdout).strip()
    return text.splitlines()[0] if done.returncode == 0 and text else None


def _git(root: Path, *words: str) -> None:
    done = _run(root, *words)
    if done.returncode:
        raise _bad(f"git {words[0]} failed: {_said(done)}")


def _run(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    plain = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # of a hook: they name another checkout
        plain.pop(variable, None)
    try:
        return subprocess.run(["git", "-C", str(root), *words], capture_output=True, timeout=PATIENCE_S, env=plain)
    except subprocess.TimeoutExpired as error:
        raise _bad(f"git {words[0]} gave no answer for {PATIENCE_S} s") from error
    except OSError as error:
        raise _bad(f"git cannot be started: {error.strerror}") from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(os.fsdecode(done.stderr).split())[-300:] or f"code {done.returncode}"


def _bad(words: str) -> BadConfig:
    return BadConfig(f"{OPTION}: {words}", (Problem(OPTION, "base", words),))
