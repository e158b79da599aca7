"""What docs/faults.md says that tests do: they are there under the words beside each fault, and are marked."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
ROWS = re.findall(r"^\| F(\d+) \|(?:[^|]*\|){3} (.*) \|$", PAGE.read_text(), re.MULTILINE)


def told(row: str) -> list[tuple[str, str]]:
    """Files, with the beginnings of the names of tests in them."""
    found = []
    for file, said in re.findall(r"`([\w/]+/test_\w+)`: ([^`]+)", row):
        found += [(file, "test_" + "_".join(words.strip(" .").split())) for words in said.split(";") if words.strip()]
    return found


def faults(file: str) -> list[str]:
    """The names of those of its tests that are marked as faults, by themselves or with their file."""
    tree = ast.parse((TESTS / f"{file}.py").read_text())
    marks = [ast.unparse(one) for one in tree.body if isinstance(one, ast.Assign)]
    whole = any(mark.startswith("pytestmark") and "pytest.mark.fault" in mark for mark in marks)
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
    return [
        one.name for one in functions if whole or "pytest.mark.fault" in map(ast.unparse, one.decorator_list)
    ]  # fmt: skip


def test_every_fault_has_tests_that_are_there_and_marked():
    assert [int(number) for number, _ in ROWS] == list(range(1, 28))
    missing = [
        (f"F{number}", file, name)
        for number, row in ROWS
        for file, name in told(row) or [("no test", "")]
        if file == "no test" or not any(one.startswith(name) for one in faults(file))
    ]
    assert missing == []
