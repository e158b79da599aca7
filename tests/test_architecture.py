"""The rules of the house that no linter knows."""

import ast
import importlib
import re
import subprocess
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
    "mgic/cli/__init__.py": "an unforeseen error must not end with 1, which says that a run failed",
    "backend/reaper.py": "a thread that ended would leave lost runs lost",
    "backend/janitor.py": "a thread that ended would let checkpoints pile up",
    "backend/artifacts.py": "each library behind fsspec has errors of its own",
    "worker/pulse.py": "a thread that ended would let the lease of a live run expire",
    "backend/guard.py": "an unforeseen error is answered as a problem document too",
}


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_files_are_short_and_named_for_what_they_hold(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert path.stem not in EMPTY_NAMES


@pytest.mark.parametrize("path", OURS, ids=names(OURS))
def test_functions_are_short_and_files_say_what_they_are(path):
    tree = ast.parse(path.read_text())
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
        and "versions" not in path.parts  # a migration is one list of changes, however long
    ]
    assert long == []
    assert not tree.body or ast.get_docstring(tree), "a file opens with one sentence"


@pytest.mark.parametrize("path", SOURCES, ids=names(SOURCES))
def test_nothing_is_left_to_do(path):
    marks = ["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]
    assert [mark for mark in marks if re.search(rf"\b{mark}\b", path.read_text())] == []


def broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or (isinstance(kind, ast.Name) and kind.id.endswith("Exception")) for kind in caught)


def test_only_the_listed_places_catch_everything():
    found = {
        str(path.relative_to(ROOT))
        for path in OURS
        if any(isinstance(n, ast.ExceptHandler) and broad(n) for n in ast.walk(ast.parse(path.read_text())))
    }
    assert found == BROAD_HANDLERS.keys()


def test_pages_do_not_import_what_is_heavy():
    imports = re.compile(rf"^\s*(?:import|from) (?:{'|'.join(HEAVY)}|backend|worker)\b", re.MULTILINE)
    assert [str(path) for path in (ROOT / "dashboard").rglob("*.py") if imports.search(path.read_text())] == []


def test_every_public_name_of_mgic_is_there():
    for name in mgic.__all__:
        assert getattr(mgic, name) is not None
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        mgic.nothing_of_the_kind  # noqa: B018 - looking it up is the test


@pytest.mark.parametrize("package", PACKAGES)
def test_a_name_that_is_exported_exists(package):
    for path in (ROOT / package).rglob("__init__.py"):
        if "app_pages" in path.parts or "migrations" in path.parts:
            continue
        module = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts))
        assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []


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
    commands = importlib.import_module("mgic.cli").COMMANDS.keys() | {"data"}
    called = [re.match(r"(?:\S*/)?mgic ([a-z]\w*)", line) for line in lines]
    assert {match[1] for match in called if match} <= commands


def test_ci_runs_the_command_that_the_readme_names():
    command = subprocess.check_output([ROOT / ".ci" / "readme-test-command"], cwd=ROOT, text=True)
    assert command == "make test\n"
