"""Does a printed table still hold? Its numbers against the store's, at the precision in which they are printed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mgic.errors import BadConfig
from mgic.latex import unlatex
from mgic.tables.results import Asked, Cell, Column, ResultTable
from mgic.tables.written import COUNT, MARK, ROW_MARK, read_marker

MARKER = re.compile(rf"{MARK} (\{{.*\}})")
ROW_OF = re.compile(rf"%\s*{ROW_MARK} ([0-9a-f]{{8}})")
NUMBER = re.compile(r"[-+\u2212]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|addlinespace|cmidrule(?:\([^)]*\))?\{[^}]*\})(?:\[[^\]]*\])?"
)
DASHES = {"", "-", "--", "---", "\u2013", "\u2014"}
BOLD = re.compile(r"\\mathbf|\\textbf|\\bfseries|\*\*")


@dataclass(frozen=True)
class Fault:
    """A cell that does not say what the store says."""

    line: int
    cell: str
    printed: str
    stored: str

    def __str__(self) -> str:
        return f"{self.cell}: printed {self.printed or 'nothing'}, stored {self.stored}"


@dataclass(frozen=True)
class Line:
    """A printed row: its cells as they stand there, and the mark of the row, where it has one."""

    number: int
    cells: tuple[str, ...]
    mark: str | None


@dataclass(frozen=True)
class Printed:
    """A table found in a text, with the line of its marker."""

    line: int
    asked: Asked
    rows: tuple[Line, ...]


def find_tables(text: str) -> list[Printed]:
    """Those with a marker.

    Raises:
        BadConfig: A marker is damaged, or no table follows it.
    """
    found = []
    marks = list(MARKER.finditer(text))
    for at, mark in enumerate(marks):
        line = text.count("\n", 0, mark.start()) + 1
        try:
            asked = read_marker(mark[1])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadConfig(f"line {line}: the mark of a table is damaged: {error}") from None
        end = marks[at + 1].start() if at + 1 < len(marks) else len(text)
        start = text.index("\n", mark.end()) if "\n" in text[mark.end() :] else len(text)
        rows = tuple(_rows(text, start, end))
        if not rows:
            raise BadConfig(f"line {line}: no row of a table follows its mark")
        found.append(Printed(line, asked, rows))
    return found


def check(printed: Printed, stored: ResultTable) -> tuple[int, list[Fault]]:
    """How many numbers were compared, and those that differ."""
    asked, faults, count = printed.asked, list[Fault](), 0
    by_mark = {row.mark: row for row in stored.rows}
    by_keys = {row.keys: row for row in stored.rows}
    width = len(asked.by) + 1 + len(stored.columns)
    for line in printed.rows:
        told = ", ".join(map(_plain, line.cells[: len(asked.by)]))
        if len(line.cells) != width:
            faults.append(Fault(line.number, told, f"{len(line.cells)} cells", f"{width}, as the mark says"))
            continue
        keys = tuple(map(_plain, line.cells[: len(asked.by)]))
        row = by_mark.get(line.mark) if line.mark else by_keys.get(keys)
        if row is None:
            faults.append(Fault(line.number, told, "a row", "missing: no run of it is in the store"))
            continue
        cells = line.cells[len(asked.by) :]
        count += len(cells)
        if _plain(cells[0]) != str(row.n):
            faults.append(Fault(line.number, f"{COUNT} of {told}", _plain(cells[0]), str(row.n)))
        faults += [
            Fault(line.number, f"{column.title} of {told}", _plain(text), stored_words)
            for column, cell, text in zip(stored.columns, row.cells, cells[1:], strict=True)
            if (stored_words := _differs(text, cell, column))
        ]
    return count, faults


def missing(printed: Printed, why: str) -> list[Fault]:
    """Of a table whose sweep or run is gone."""
    by = len(printed.asked.by)
    return [
        Fault(line.number, ", ".join(map(_plain, line.cells[:by])), "a row", f"missing: {why}") for line in printed.rows
    ]


def check_file(text: str, load: Callable[[Asked], ResultTable | str]) -> tuple[int, int, list[Fault]]:
    """Tables and numbers of a text, and what is wrong with them.

    Args:
        text: Of a paper, LaTeX or Markdown.
        load: The same table from the store, or in words what of it is gone.
    """
    tables, numbers, faults = find_tables(text), 0, list[Fault]()
    for printed in tables:
        stored = load(printed.asked)
        count, wrong = (0, missing(printed, stored)) if isinstance(stored, str) else check(printed, stored)
        numbers += count
        faults += wrong
    return len(tables), numbers, faults


def _differs(text: str, cell: Cell, column: Column) -> str:
    """What is stored, where that is not what is printed; else empty."""
    numbers = [found.group().replace(",", "").replace("\u2212", "-") for found in NUMBER.finditer(_plain(text))]
    unit = 10.0**column.power
    stored = [one / unit for one in (cell.mean, cell.half) if one is not None]
    if not stored:
        return "" if _plain(text) in DASHES else "no number"
    words = " ± ".join(f"{one:.6g}" for one in stored)
    if not numbers or len(numbers) > len(stored) or not all(map(_rounds_to, stored, numbers)):
        return words
    return f"{words}, which is not shown to be the best" if BOLD.search(text) and not cell.best else ""


def _rounds_to(stored: float, printed: str) -> bool:
    """Whether the printed digits are those of the stored number."""
    digits, _, power = printed.partition("e")
    step = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(stored - float(printed)) <= step / 2 * (1 + 1e-9)


def _rows(text: str, start: int, end: int) -> Iterator[Line]:
    """Of the first table between the two places, without its header."""
    body = text[start:end]
    tabular = re.search(r"\\begin\{tabular[x*]?\}", body)
    if tabular:
        close = body.find(r"\end{tabular", tabular.end())
        yield from _latex_rows(text, start + tabular.end(), start + close if close >= 0 else end)
        return
    yield from _markdown_rows(text[:end].count("\n", 0, start), body)


def _latex_rows(text: str, start: int, end: int) -> Iterator[Line]:
    rule = re.compile(r"\\(?:midrule|hline)").search(text, start, end)
    at = rule.end() if rule else start
    for found in re.finditer(r"(.*?)\\\\(?:\[[^\]]*\])?([^\n]*)", text[at:end], re.DOTALL):
        code = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in found[1].split("\n"))
        code = RULES.sub("", code)
        if "&" not in code:
            continue
        first = at + found.start(1) + len(found[1]) - len(found[1].lstrip())
        mark = ROW_OF.search(found[2])
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)&", code))
        yield Line(text.count("\n", 0, first) + 1, cells, mark[1] if mark else None)


def _markdown_rows(lines_before: int, body: str) -> Iterator[Line]:
    begun = False
    for number, line in enumerate(body.split("\n"), lines_before + 1):
        if line.lstrip().startswith("|"):
            cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|").strip()))
            if begun and not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                yield Line(number, cells, None)
            begun = True
        elif begun:
            return


def _plain(cell: str) -> str:
    """Without what only sets it: bold, mathematics, escapes."""
    text = re.sub(r"\\(?:mathbf|textbf|texttt|emph|mathrm|underline)\s*\{([^{}]*)\}", r"\1", cell)
    text = text.replace(r"\bfseries", "").replace("**", "").strip()
    text = re.sub(r"^\$(.*)\$$", r"\1", text).replace(r"\pm", "±").replace(r"\,", " ")
    text = unlatex(text) if re.search(r"\\[&%$#_{}a-zA-Z]", text) else text
    return re.sub(r"\\([`*_|<>\[\]$\\])", r"\1", text).strip()
