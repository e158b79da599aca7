"""What docs/pages.md says that tests hold: they are there, under the words that stand beside each point."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs" / "pages.md").read_text(), re.MULTILINE)


def held(row: str) -> list[tuple[str, str]]:
    """Files with the beginnings of names of tests in them."""
    found = re.findall(r"`(test_\w+)`: ([^`|]+)", row)
    return [(file, "test_" + "_".join(words.split())) for file, said in found for words in said.split(";")]


def test_every_point_has_a_test_that_is_there():
    assert [int(number) for number, _ in ROWS] == list(range(1, 21))
    missing = [
        (number, file, name)
        for number, row in ROWS
        for file, name in held(row) or [("no test", "")]
        if file == "no test" or f"\ndef {name}" not in (ROOT / "tests" / "browser" / f"{file}.py").read_text()
    ]
    assert missing == []
