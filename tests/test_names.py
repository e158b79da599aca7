"""The names at the top of the package: callable, known to type checkers, and their examples true."""

import doctest
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

import mgic

ENVIRONMENT = {**os.environ, "MYPYPATH": str(Path(__file__).parents[1])}
NAMES = ["MGICBlock", "convert", "count_cost", "create", "export_onnx", "list_models", "optimize_for_inference"]


def test_what_stands_at_the_top_can_be_called_and_is_no_module():
    assert dir(mgic) == sorted(["__version__", *NAMES])
    for name in NAMES:
        assert callable(getattr(mgic, name)), name
        assert not isinstance(getattr(mgic, name), ModuleType), name


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_each_public_name_is_true(name):
    (found,) = doctest.DocTestFinder(recurse=False).find(getattr(mgic, name), name, globs={})
    assert found.examples, f"{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner().run(found, out=said.append)
    assert not said, "".join(said)


def test_a_type_checker_knows_the_names(tmp_path):
    """The types of other packages are left out: to read torch's takes half a minute."""
    assert files("mgic").joinpath("py.typed").is_file()
    (tmp_path / "mypy.ini").write_text("[mypy]\nfollow_imports = skip\n[mypy-mgic.*]\nfollow_imports = silent\n")
    lines = ["import mgic", "reveal_type(mgic.list_models())", "mgic.create(1)", "mgic.describe", "mgic.forget()"]
    (tmp_path / "user.py").write_text("\n".join(lines))
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "user.py"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    said = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("user.py")]
    assert said == [
        'note: Revealed type is "list[str]"',
        'error: Argument 1 to "create" has incompatible type "int"; expected "str"  [arg-type]',
        'error: Module has no attribute "describe"  [attr-defined]',
        'error: Module has no attribute "forget"  [attr-defined]',
    ], done.stdout + done.stderr
