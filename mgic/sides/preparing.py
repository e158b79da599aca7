"""From the working copy and a checkout of the base to two versions of the code that can be measured side by side."""

import os
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from mgic.errors import BadConfig, Problem
from mgic.measure.blocks import Code
from mgic.registry import LAB, top_level

INSTALL_S = 1800
LAYOUTS = (".", "src", "lib", "python")  # where a package may lie in a repository


@contextmanager
def prepared(
    head: Path, base: Path, folder: Path, imports: Sequence[str], install: str | None, files_only: bool = False
) -> Iterator[tuple[Code, Code]]:
    """Base and head.

    Args:
        head: Root of the working copy.
        base: Root of the checkout of the base.
        folder: Where the command stands, in `head`.
        imports: Modules to import.
        install: A command that installs what a side needs, run in its checkout with an environment of its own; None:
            both sides share this one.
        files_only: Whether files alone are held against each other, so that no code is needed.

    Raises:
        BadConfig: The command fails on a side.
    """
    if not (imports or install or files_only or _own_lab(head)):
        words = (
            "no module of this repository is named, so that both sides would be the same code: --import package.module"
        )
        raise BadConfig(f"--import: {words}", (Problem("--import", "missing", words),))
    below = folder.relative_to(head)
    path = [str(below), *(layout for layout in LAYOUTS if layout != str(below))]
    with TemporaryDirectory(prefix="mgic-sides-") as made:
        sides = []
        for name, root in (("base", base), ("head", head)):
            at = root / below
            where = at if at.is_dir() else root  # the folder may be new
            looked_in = [str(root / part) for part in path if _holds(root / part, imports)] or [str(where)]
            if install is None:
                sides.append(Code(root, where, tuple(looked_in), tuple(imports), sys.executable, _own_lab(root)))
            else:
                python = _installed(name, root, Path(made) / name, install)
                sides.append(Code(root, where, tuple(looked_in), tuple(imports), python, {}, True))
        yield sides[0], sides[1]


def _holds(folder: Path, imports: Sequence[str]) -> bool:
    """Whether one of the modules is there."""
    return folder.is_dir() and any(PathFinder.find_spec(top_level(name), [str(folder)]) for name in imports)


def _own_lab(root: Path) -> dict[str, str]:
    """Where the lab itself is what is measured, each side is measured by its own."""
    if not (root / LAB / "measure" / "forking.py").is_file():
        return {}
    return {"PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])}


def _installed(name: str, root: Path, folder: Path, command: str) -> str:
    """The interpreter of a new environment in which the command has run; what is installed here is there too."""
    venv.create(folder, symlinks=True, with_pip=False)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python*/site-packages")
    here = [entry for entry in sys.path if entry and Path(entry).is_dir() and entry != str(root)]
    lab = find_spec(LAB)
    lab_folder = str(Path(next(iter(lab.submodule_search_locations or []))).parent) if lab else ""
    (site / "_here.pth").write_text("\n".join([*here, lab_folder]) + "\n")
    variables = {**os.environ, "VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    (folder / "bin" / "pip").write_text(f'#!/bin/sh\nexec "{python}" -m pip "$@"\n')
    (folder / "bin" / "pip").chmod(0o755)
    try:
        done = subprocess.run(command, shell=True, cwd=root, env=variables, timeout=INSTALL_S, capture_output=True)
    except subprocess.TimeoutExpired as error:
        raise _bad(f"on the {name} side the command has not ended after {INSTALL_S // 60} minutes") from error
    if done.returncode:
        said = " ".join(os.fsdecode(done.stderr or done.stdout).split())[-500:] or "it said nothing"
        raise _bad(f"on the {name} side the command ended with code {done.returncode}: {said}")
    return str(python)


def _bad(words: str) -> BadConfig:
    return BadConfig(f"--install: {words}", (Problem("--install", "install", words),))
