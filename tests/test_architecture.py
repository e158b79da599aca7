"""The rules of the house that no linter knows."""

import ast
import importlib
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import mgic

ROOT = Path(__file__).parents[1]
PACKAGES = ("mgic", "backend", "worker", "dashboard")
SOURCES = [path for folder in (*PACKAGES, "docker", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
OURS = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in PACKAGES]
MAX_LINES = 400
MAX_FUNCTION_LINES = 60
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
HEAVY = {"torch", "torchvision", "sklearn"}

# Where any exception may be caught, and why nothing narrower would do.
BROAD_HANDLERS = {
    "mgic/execution.py": "a failed point must not stop its sweep",
    "mgic/plugins/loading.py": "the import of somebody else's module may raise anything",
    "mgic/models/__init__.py": "the network of somebody else may raise anything while it is built",
    "mgic/measure/forking.py": "the code of a pull request may raise anything",
    "mgic/cli/__init__.py": "an unforeseen error must not end with 1, which says that a run failed",
    "backend/reaper.py": "a thread that ended would leave lost runs lost",
    "backend/scout.py": "a thread that ended would leave searches without trials",
    "backend/janitor.py": "a thread that ended would let checkpoints pile up",
    "backend/artifacts.py": "each library behind fsspec has errors of its own",
    "worker/pulse.py": "a thread that ended would let the lease of a live run expire",
    "backend/guard.py": "an unforeseen error is answered as a problem document too",
}


def found(rule: Callable[[Path], object], paths: Iterable[Path]) -> dict[str, object]:
    """What the rule finds fault with, by file."""
    faults = {str(path.relative_to(ROOT)): rule(path) for path in paths}
    return {name: fault for name, fault in faults.items() if fault}


def test_files_are_short_and_named_for_what_they_hold():
    assert found(lambda path: lines if (lines := len(path.read_text().splitlines())) > MAX_LINES else 0, SOURCES) == {}
    assert found(lambda path: path.stem in EMPTY_NAMES, SOURCES) == {}


def long_functions(path: Path) -> list[str]:
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
        and "versions" not in path.parts  # a migration is one list of changes, however long
    ]


def says_nothing(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    return bool(tree.body) and not ast.get_docstring(tree)


def test_functions_are_short_and_files_say_what_they_are():
    assert found(long_functions, OURS) == {}
    assert found(says_nothing, OURS) == {}, "a file opens with one sentence"


def test_nothing_is_left_to_do():
    marks = re.compile(
        "|".join(rf"\b{mark}\b" for mark in ("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"))
    )
    assert found(lambda path: marks.findall(path.read_text()), SOURCES) == {}


def broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id.endswith("Exception")) for kind in caught)


def test_only_the_listed_places_catch_everything():
    def catches(path: Path) -> bool:
        return any(isinstance(n, ast.ExceptHandler) and broad(n) for n in ast.walk(ast.parse(path.read_text())))

    assert found(catches, OURS).keys() == BROAD_HANDLERS.keys()


def test_pages_do_not_import_what_is_heavy():
    imports = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(HEAVY)}|backend|worker)\b", re.MULTILINE)
    assert [str(path) for path in (ROOT / "dashboard").rglob("*.py") if imports.search(path.read_text())] == []


def test_every_public_name_of_mgic_is_there():
    for name in mgic.__all__:
        assert getattr(mgic, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        mgic.nothing_of_the_kind  # noqa: B018 - looking it up is the test


def test_a_name_that_is_exported_exists():
    def missing(path: Path) -> list[str]:
        module = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts))
        return [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]

    packages = [path for path in OURS if path.name == "__init__.py" and "migrations" not in path.parts]
    assert found(missing, packages) == {}


def fenced(markdown: str) -> list[str]:
    """The lines of all code blocks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docker/README.md"])
def test_every_make_target_and_command_of_the_documents_exists(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / document).read_text()
    lines = fenced(text) + re.findall(r"`([^`\n]+)`", text)
    assert {line.split()[1] for line in lines if re.match(r"make \w", line)} <= targets
    commands = importlib.import_module("mgic.cli").COMMANDS.keys() | {"data", "key"}
    called = [re.match(r"(?:\S*/)?mgic ([a-z]\w*)", line) for line in lines]
    assert {match[1] for match in called if match} <= commands


def test_ci_runs_the_command_that_the_readme_names():
    command = subprocess.check_output([ROOT / ".ci" / "readme-test-command"], cwd=ROOT, text=True)
    assert command == "make test\n"
