"""A table of results as LaTeX, Markdown or CSV, with a line that says what it is of, for `mgic table check`."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from mgic.latex import latex, latex_words
from mgic.records import csv_cell
from mgic.tables.results import Asked, Cell, ResultTable, decimals

MARK, ROW_MARK = "mgic: table", "mgic: row"
COUNT = "n"
FORMATS = {"latex": ("application/x-tex", "tex"), "markdown": ("text/markdown", "md"), "csv": ("text/csv", "csv")}


def marker(asked: Asked) -> str:
    """In a line, what makes the same table again."""
    told = {"of": asked.of, "by": asked.by, "columns": asked.columns, "table": asked.table, "at": asked.at}
    return f"{MARK} {json.dumps({name: one for name, one in told.items() if one}, ensure_ascii=True)}"


def read_marker(text: str) -> Asked:
    """What `marker` wrote. Raises `ValueError` for what it did not."""
    told: dict[str, Any] = json.loads(text)
    columns = {str(name): int(power) for name, power in told["columns"].items()}
    return Asked(tuple(told["of"]), tuple(told["by"]), columns, told.get("table"), str(told.get("at", "")))


def as_latex(table: ResultTable, provenance: str = "") -> str:
    r"""A `table` with the rules of booktabs; the document needs `\usepackage{booktabs}`."""
    header = " & ".join(map(latex_words, _header(table)))
    lines = [
        " & ".join([*map(latex, row.keys), str(row.n), *cells]) + rf" \\ % {ROW_MARK} {row.mark}"
        for row, cells in zip(table.rows, _cells(table, _latex_cell), strict=True)
    ]
    return "\n".join(
        [
            f"% {marker(table.asked)}",
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{latex_words(_caption(table, provenance, ''))}}}",
            rf"  \label{{tab:{table.asked.of[0][:8] if table.asked.of else 'results'}}}",
            rf"  \begin{{tabular}}{{{'l' * len(table.asked.by)}{'r' * (1 + len(table.columns))}}}",
            r"    \toprule",
            rf"    {header} \\",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def as_markdown(table: ResultTable, provenance: str = "") -> str:
    header = _header(table)
    sides = ["---"] * len(table.asked.by) + ["--:"] * (1 + len(table.columns))
    rows = [
        [*map(markdown, row.keys), str(row.n), *cells]
        for row, cells in zip(table.rows, _cells(table, _markdown_cell), strict=True)
    ]
    lines = ["| " + " | ".join(line) + " |" for line in (list(map(markdown, header)), sides, *rows)]
    return "\n".join(
        [f"<!-- {marker(table.asked)} -->", "", *lines, "", markdown(_caption(table, provenance, table.asked.at)), ""]
    )


def as_rows(table: ResultTable) -> list[dict[str, Any]]:
    """Whole numbers in their own units: the mean, the ends of the interval, n, and whether it is the best one."""
    return [
        dict(zip(table.asked.by, row.keys, strict=True))
        | {COUNT: row.n}
        | {
            f"{column.name}{end}": one
            for column, cell in zip(table.columns, row.cells, strict=True)
            for end, one in zip(("", "_low", "_high", "_n", "_best"), _numbers(cell), strict=True)
        }
        for row in table.rows
    ]


def as_csv(table: ResultTable) -> str:
    """What `as_rows` says; a number that is missing is an empty cell."""
    text = io.StringIO()
    rows = as_rows(table)
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(one) for name, one in row.items()} for row in rows)
    return text.getvalue()


def written(table: ResultTable, kind: str, provenance: str = "") -> str:
    """As one of `FORMATS`."""
    if kind == "csv":
        return as_csv(table)
    return (as_latex if kind == "latex" else as_markdown)(table, provenance)


def markdown(text: str) -> str:
    """As it stands in a cell."""
    escaped = "".join(f"\\{letter}" if letter in "\\`*_|<>[]$" else letter for letter in text)
    return escaped.replace("\n", " ")


def _header(table: ResultTable) -> list[str]:
    return [*table.heads, COUNT, *(column.title for column in table.columns)]


def _caption(table: ResultTable, provenance: str, address: str) -> str:
    notes = "; ".join(table.notes)
    return " ".join(filter(None, [f"{notes[:1].upper()}{notes[1:]}.", provenance, address]))


def _cells(table: ResultTable, write: Callable[[str, str, bool], str]) -> list[list[str]]:
    places = [decimals(column, table.rows, at) for at, column in enumerate(table.columns)]
    units = [10.0**column.power for column in table.columns]
    return [
        [
            write(_fixed(cell.mean, unit, digits), _fixed(cell.half, unit, digits), cell.best)
            for cell, unit, digits in zip(row.cells, units, places, strict=True)
        ]
        for row in table.rows
    ]


def _fixed(number: float | None, unit: float, digits: int) -> str:
    return "" if number is None else f"{number / unit:.{digits}f}"


def _latex_cell(mean: str, half: str, best: bool) -> str:
    if not mean:
        return "--"
    text = rf"{mean} \pm {half}" if half else mean
    return rf"$\mathbf{{{text}}}$" if best else f"${text}$"


def _markdown_cell(mean: str, half: str, best: bool) -> str:
    if not mean:
        return "-"
    text = f"{mean} ± {half}" if half else mean
    return f"**{text}**" if best else text


def _numbers(cell: Cell) -> list[Any]:
    if cell.mean is None:
        return [None, None, None, 0, False]
    low, high = (None, None) if cell.half is None else (cell.mean - cell.half, cell.mean + cell.half)
    return [cell.mean, low, high, cell.n, cell.best]
