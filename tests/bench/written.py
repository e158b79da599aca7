"""Where on a page of the documentation the table of a command stands, and how it gets there."""

from pathlib import Path


def put(page: Path, command: str, text: str) -> None:
    """Take the place of what the command wrote there before, between two lines that name it.

    Raises:
        SystemExit: The page has no such lines.
    """
    begin, end = (f"<!-- {word}: `python -m tests.bench {command}` -->" for word in ("begin", "end"))
    head, begun, rest = page.read_text().partition(begin)
    _, ended, tail = rest.partition(end)
    if not begun or not ended:
        raise SystemExit(f"{page} has no lines {begin} and {end}")
    page.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}")
