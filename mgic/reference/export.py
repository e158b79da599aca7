"""The printed rows beside our counts, for a reader: aligned text, Markdown, LaTeX."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, get_args

from mgic.latex import latex_words
from mgic.records import Apart, Counted, Match, Metric, PaperTable, Record, Reference
from mgic.reference.paper import MATCH, NEAR, PERCENT, as_printed, list_references, list_tables, printed_twice

METRICS: dict[Metric, str] = {
    "top1": "top-1 %",
    "top5": "top-5 %",
    "miou": "mIoU %",
    "mse": "MSE",
    "mobile_ms": "phone ms",
    "cpu_ms": "CPU ms",
}
CONVENTION = (
    "FLOPs in the paper are multiply-accumulates (MACs). Ours are those of convolutions and matrix products for one"
    " sample, with the transfer operators R and P, and beside that without them."
)
MATCHING = (
    f"A figure of ours is a match if it is within {MATCH} % of the printed one, rounds if it is not but is equal when"
    f" rounded to the printed digits, near if it is within {NEAR} %, and off otherwise; MACs by the table's one rule of"
    " counting."
)
JUDGING = (
    "A row is judged by runs here only if its network is the printed one, no figure of its cost being off, and if its"
    " accuracy is of the training that a run of it has: what the paper quotes was trained otherwise there. A figure of"
    " other samples than ours is judged only if how much such a figure differs between sets of samples is known. A row"
    " is reproduced if an equivalence test finds the gap within the margin, 1 point (3 % of a figure that is no"
    " percentage) where none is named; docs/statistics.md has the formulas."
)
COMMAND = "mgic reference --format markdown > docs/paper.md"
MISSING = "-"


class Coverage(Record):
    """How many rows there are, and how many of their printed figures ours meet."""

    rows: int
    runnable: int  # an experiment here can train the row's network
    counted: int  # rows whose network is counted here
    with_cost: int  # of them, those that print parameters or MACs
    all_met: int  # of these, those whose printed figures are all a match
    all_round: int  # of these, those that are met, but some figure only when rounded to its printed digits
    judged: int  # runnable rows whose results are held against the printed ones
    apart: dict[Apart, int]  # the other runnable rows
    printed_twice: tuple[tuple[str, ...], ...]  # of the judged ones those that print one figure of one network
    params: dict[Match, int]
    macs: dict[Match, int]


def coverage(rows: Iterable[Reference]) -> Coverage:
    rows = list(rows)
    counts = [row.counted for row in rows if row.counted is not None]
    figures = [[found for found in (count.params_match, count.macs_match) if found is not None] for count in counts]
    return Coverage(
        rows=len(rows),
        runnable=sum(row.experiment is not None for row in rows),
        counted=len(counts),
        with_cost=sum(bool(found) for found in figures),
        all_met=sum(set(found) == {"match"} for found in figures),
        all_round=sum("rounds" in found and set(found) <= {"match", "rounds"} for found in figures),
        judged=sum(row.experiment is not None and row.apart is None for row in rows),
        apart={name: sum(row.apart == name for row in rows) for name in get_args(Apart)},
        printed_twice=printed_twice(rows),
        params=_tally(count.params_match for count in counts),
        macs=_tally(count.macs_match for count in counts),
    )


def _tally(matches: Iterable[Match | None]) -> dict[Match, int]:
    found = Counter(matches)
    return {name: found[name] for name in get_args(Match)}


class Column(NamedTuple):
    title: str
    cell: Callable[[Reference], str]
    right: bool = True


def figure(number: int) -> str:
    """Four digits and a unit: 853018 is 0.853M."""
    power, unit = (9, "B") if number >= 10**9 else (6, "M") if number >= 10**4 else (3, "K")
    return f"{number / 10**power:.4g}{unit}"


def percent(number: float | None) -> str:
    if number is None:
        return MISSING
    return f"{number:+.1f}" if round(number, 1) else "0.0"


def columns(rows: Sequence[Reference]) -> list[Column]:
    """Those that say something of at least one row."""
    every = [
        Column("row", lambda row: row.id, right=False),
        Column("network", lambda row: row.label, right=False),
        Column("setting", lambda row: row.setting or MISSING, right=False),
        Column("params", lambda row: as_printed(row).params or MISSING),
        Column("our params", _counted(lambda count: figure(count.params))),
        Column("off by %", _counted(lambda count: percent(count.params_deviation))),
        Column("fit", _counted(lambda count: count.params_match or MISSING), right=False),
        Column("MACs", lambda row: as_printed(row).macs or MISSING),
        Column("our MACs", _counted(lambda count: figure(count.macs))),
        Column("off by %", _counted(lambda count: percent(count.macs_deviation))),
        Column("without R, P", _without(lambda count: figure(count.macs - count.transfer_macs))),
        Column("off by %", _without(lambda count: percent(count.macs_deviation_without_transfer))),
        Column("fit", _counted(_macs_fit), right=False),
    ]
    every += [Column(title, _metric(name)) for name, title in METRICS.items()]
    every.append(Column("runs as", lambda row: row.experiment or MISSING, right=False))
    every.append(Column("judged", _judged, right=False))
    return [column for column in every if any(column.cell(row) != MISSING for row in rows)]


def _macs_fit(count: Counted) -> str:
    """By which of the two countings, where they differ."""
    if count.macs_match is None or not 0 < count.transfer_macs < count.macs:
        return count.macs_match or MISSING
    return f"{count.macs_match} ({'with' if count.transfer_counted else 'without'} R, P)"


def _judged(row: Reference) -> str:
    if row.experiment is None:
        return MISSING
    unit = "" if row.metric not in PERCENT else " point" if row.margin == 1 else " points"
    return row.apart_words or f"within {row.margin:.2g}{unit}"


def _counted(read: Callable[[Counted], str]) -> Callable[[Reference], str]:
    return lambda row: read(row.counted) if row.counted else MISSING


def _without(read: Callable[[Counted], str]) -> Callable[[Reference], str]:
    """Nothing for a network that has neither R nor P, nor for these alone."""
    return _counted(lambda count: read(count) if 0 < count.transfer_macs < count.macs else MISSING)


def _metric(name: Metric) -> Callable[[Reference], str]:
    digits = "#.3g" if METRICS[name].endswith("%") else "g"  # 75.0, as printed

    def cell(row: Reference) -> str:
        return (
            max(f"{row.metrics[name]:{digits}}", f"{row.metrics[name]:g}", key=len) if name in row.metrics else MISSING
        )

    return cell


def remarks(rows: Sequence[Reference]) -> list[tuple[str, str, str]]:
    """For each row its id, its network with options as a command has them, and what is to be said of it."""
    reasons = {row.cannot_run for row in rows}
    shared = reasons.pop() if len(reasons) == 1 else None
    found = [("", "", f"No row can be run here, {shared}.")] if shared else []
    for row in rows:
        network = " ".join([row.model or "", *(f"{k}={_plain(v)}" for k, v in row.options.items())]).strip()
        said = [row.convention, f"quoted from {row.quoted_from}" if row.quoted_from else ""]
        said.append(f"cannot be run here, {row.cannot_run}" if row.cannot_run and not shared else "")
        sentence = "; ".join(filter(None, said))
        text = " ".join(filter(None, [sentence and f"{sentence}.", row.note]))
        if network or text:
            found.append((row.id, network, text))
    return found


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def heading(table: PaperTable) -> str:
    return f"Table {table.name}: {table.title}" if table.name[-1].isdigit() else table.title


def _counting(table: PaperTable) -> str:
    return f"Rule of counting MACs: {'with' if table.transfer_counted else 'without'} R and P. {table.counting}"


def as_text(table: PaperTable, rows: Sequence[Reference]) -> str:
    """Aligned columns for a terminal, notes below."""
    shown = columns(rows)
    cells = [[column.title for column in shown], *([column.cell(row) for column in shown] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(line, widths, shown, strict=True)
        ).rstrip()
        for line in cells
    ]
    notes = [f"- {note}" for note in (_counting(table), *table.notes)]
    said = [
        " ".join(filter(None, [f"{row}:" if row else "", network and f"[{network}]", text]))
        for row, network, text in remarks(rows)
    ]
    return "\n".join(
        [f"{heading(table)} ({table.place})", "", *lines, "", *notes, *said, "", CONVENTION, MATCHING, JUDGING]
    )


def as_markdown(table: PaperTable, rows: Sequence[Reference]) -> str:
    """A section: heading, table, notes, and what network each row is."""
    shown = columns(rows)
    lines = [
        [column.title for column in shown],
        ["--:" if column.right else "---" for column in shown],
        *([column.cell(row) for column in shown] for row in rows),
    ]
    grid = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    notes = [f"- {_markdown(note)}" for note in (_counting(table), *table.notes)]
    said = [
        "- " + " ".join(filter(None, [row and f"{row}:", network and f"`{network}`:", _markdown(text)]))
        for row, network, text in remarks(rows)
    ]
    parts = [[f"## {heading(table)}"], [f"{table.place}."], grid, notes, said]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _markdown(text: str) -> str:
    return re.sub(r"([_*<])", r"\\\1", text)


def paper_as_markdown() -> str:
    """Every table, after what they say together."""
    every = list_references()
    found = coverage(every)
    head = (
        "# The paper's figures beside ours\n\n"
        f"Written by `{COMMAND}`; a test holds it to that. The rows are data, in `mgic/reference/tables/`.\n\n"
        f"{CONVENTION}\n{MATCHING} The text at hand had no page numbers, so that a table's place is its section.\n"
        f"{JUDGING}\n\n"
        f"- {found.rows} printed rows in {len(list_tables())} tables. Tables 4, 6, 9 and 12 print architectures, and"
        " figures 3 and 4 are plots without numbers.\n"
        f"- {found.counted} rows have a network that is counted here; {found.runnable} rows can be run here, the others"
        " say why not.\n"
        f"- Parameters: {_sentence(found.params)}. MACs: {_sentence(found.macs)}.\n"
        f"- Of {found.with_cost} rows that print a cost and have a network here, {found.all_met} are met within"
        f" {MATCH} % in all that they print; {found.all_round} more are met only when rounded to the printed digits.\n"
        f"- Of the {found.runnable} rows that can be run, {found.judged} are judged; {found.apart['another network']}"
        f" have another network, {found.apart['quoted']} are quoted from other trainings, and of"
        f" {found.apart['other samples']} the samples are others and their spread is not known.\n"
        f"- {said_twice(found.printed_twice)}\n"
    )
    return "\n\n".join([head.rstrip(), *(as_markdown(table, list_references(table.name)) for table in list_tables())])


def said_twice(groups: Sequence[Sequence[str]]) -> str:
    """Which judged rows are one piece of evidence."""
    if not groups:
        return "No two judged rows print the same figure of the same network."
    return f"Judged rows that print one figure of one network: {'; '.join(' and '.join(ids) for ids in groups)}."


def _sentence(tally: dict[Match, int]) -> str:
    return f"of {sum(tally.values())} figures " + ", ".join(f"{count} {match}" for match, count in tally.items())


def as_latex(table: PaperTable, rows: Sequence[Reference]) -> str:
    r"""A `table` with rules of booktabs, then the notes as a list."""
    shown = columns(rows)
    lines = [
        [latex_words(column.title) for column in shown],
        *([_latex_cell(c.cell(row)) for c in shown] for row in rows),
    ]
    header, *body = [" & ".join(line) + r" \\" for line in lines]
    caption = latex_words(f"{table.title}. {CONVENTION}")
    notes = [rf"  \item {latex_words(note)}" for note in (_counting(table), *table.notes)]
    for row, network, text in remarks(rows):
        words = [row and f"{row}:", network and rf"\texttt{{{latex_words(network)}}}:", latex_words(text)]
        notes.append(rf"  \item {' '.join(filter(None, words))}")
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering\footnotesize",
            rf"  \caption{{{caption}}}",
            rf"  \label{{tab:mgic-{table.name}}}",
            rf"  \begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in shown)}}}",
            r"    \toprule",
            f"    {header}",
            r"    \midrule",
            *(f"    {line}" for line in body),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            r"\begin{itemize}",
            *notes,
            r"\end{itemize}",
        ]
    )


def paper_as_latex() -> str:
    """Every table; the document it stands in needs the package booktabs."""
    tables = [as_latex(table, list_references(table.name)) for table in list_tables()]
    return "\n\n".join(["% needs \\usepackage{booktabs}", *tables])


def _latex_cell(text: str) -> str:
    """A minus before a number is a minus, not a hyphen."""
    return f"${text}$" if re.match(r"[+-]\d", text) else latex_words(text)
