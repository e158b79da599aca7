"""What docs/pages.md says that tests hold: they are there, under the words that stand beside each point, and try the
looks that stand there too."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BROWSER = ROOT / "tests" / "browser"
ROWS = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs" / "pages.md").read_text(), re.MULTILINE)
SIZES = {"desk": r"\bDESK\b", "phone": r"\bPHONE\b|\b390\b"}


def held(row: str) -> list[tuple[str, str]]:
    """Files with the beginnings of names of tests in them."""
    found = re.findall(r"`(test_\w+)`: ([^`|]+)", row)
    return [(file, "test_" + "_".join(words.split())) for file, said in found for words in said.split(";")]


def functions(file: str) -> dict[str, ast.FunctionDef]:
    """Of a file and, behind its own, of what all files share."""
    shared, own = (ast.parse((BROWSER / f"{name}.py").read_text()) for name in ("conftest", file))
    return {one.name: one for tree in (shared, own) for one in tree.body if isinstance(one, ast.FunctionDef)}


def sources(name: str, known: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """Of a test and of the fixtures that it is given, with their decorators."""
    yield ast.unparse(known[name])
    for given in known[name].args.args:
        if given.arg in known:
            yield from sources(given.arg, known)


def tried(file: str, beginning: str) -> set[tuple[str, str]]:
    """Sizes and schemes in which the tests of these names look at a page."""
    known = functions(file)
    text = "\n".join(source for name in known if name.startswith(beginning) for source in sources(name, known))
    every = re.search(r"\bLOOKS\b", text)
    sizes = [size for size, mark in SIZES.items() if every or re.search(mark, text)]
    schemes = ["light", "dark"] if every or "'dark'" in text else ["light"]
    return {(size, scheme) for size in sizes for scheme in schemes}


def in_words(looks: set[tuple[str, str]]) -> str:
    if len(looks) == 4:
        return "all four"
    sizes, schemes = (dict.fromkeys(sorted({look[at] for look in looks}, reverse=at == 1)) for at in (0, 1))
    return f"{' and '.join(sizes)}, {' and '.join(schemes)}"


def test_every_point_has_a_test_that_is_there():
    assert [int(number) for number, _ in ROWS] == list(range(1, 21))
    missing = [
        (number, file, name)
        for number, row in ROWS
        for file, name in held(row) or [("no test", "")]
        if file == "no test" or not any(one.startswith(name) for one in functions(file))
    ]
    assert missing == []


def test_every_point_names_the_looks_that_its_tests_try():
    said = {number: row.split(" | ")[2].strip() for number, row in ROWS}
    assert said == {number: in_words(set().union(*(tried(*one) for one in held(row)))) for number, row in ROWS}
