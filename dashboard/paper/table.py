"""A table of the paper as a table of the page: what is printed, what is counted and measured here, and how they agree.

A colour never stands alone: beside it stand a symbol and the deviation, or the verdict, in words.
"""

from collections.abc import Sequence

import pandas as pd

from mgic.figures.style import DARK, Look
from mgic.figures.verdicts import METRICS, as_printed, measured_words, verdict_words
from mgic.figures.words import NO_NUMBER, si
from mgic.records import Counted, Match, Metric, Standing, Verdict

SIGNS: dict[Match, str] = {"match": "●", "rounds": "◐", "near": "▲", "off": "✖"}
JUDGED: tuple[Verdict, ...] = ("reproduced", "within noise", "contradicts", "spread unknown", "not run")
AGREEMENT: dict[str, Match] = {"reproduced": "match", "within noise": "near", "contradicts": "off"}

# text on background, each with a contrast above 7
LIGHT_CELLS: dict[Match, tuple[str, str]] = {
    "match": ("#0B4A22", "#D9F2E0"),
    "rounds": ("#0B4A22", "#D9F2E0"),
    "near": ("#553A00", "#FCEBC4"),
    "off": ("#7A1710", "#FBDDD8"),
}
DARK_CELLS: dict[Match, tuple[str, str]] = {
    "match": ("#C4F2D3", "#123D24"),
    "rounds": ("#C4F2D3", "#123D24"),
    "near": ("#FFE5A8", "#463500"),
    "off": ("#FFD6CF", "#561C14"),
}

PARAMS, MACS, WITHOUT, VERDICT = "params here", "MACs here", "without R, P", "verdict"


def shared_setting(rows: Sequence[Standing]) -> list[str]:
    """The parts of the setting that all rows have: `ImageNet`, `224x224`. Said once, they need no column."""
    settings = [row.setting.split(", ") for row in rows]
    return [part for part in settings[0] if all(part in other for other in settings)] if settings else []


def paper_table(rows: Sequence[Standing]) -> pd.DataFrame:
    """A row a printed row, all of it text; columns of figures that the table does not print are left out."""
    metrics = [name for name in METRICS if any(name in row.metrics for row in rows)]
    shared = shared_setting(rows)
    table = pd.DataFrame([_line(row, metrics, shared) for row in rows])
    empty = [name for name in table.columns if name != "measured" and (table[name] == NO_NUMBER).all()]
    return table.drop(columns=empty)


def cell_styles(rows: Sequence[Standing], table: pd.DataFrame, colours: Look) -> pd.DataFrame:
    """CSS for each cell of `paper_table`: the colour of its match, or of its verdict."""
    cells = DARK_CELLS if colours is DARK else LIGHT_CELLS
    styles = pd.DataFrame("", index=table.index, columns=table.columns)
    for place, row in enumerate(rows):
        found: dict[str, Match | None] = {VERDICT: AGREEMENT.get(row.verdict)}
        if row.counted is not None:
            found[PARAMS] = row.counted.params_match
            found[_judged_macs(row.counted)] = row.counted.macs_match
        for name, match in found.items():
            if match is not None and name in table.columns:
                text, background = cells[match]
                styles.loc[table.index[place], name] = f"color: {text}; background-color: {background}"
    return styles


def _judged_macs(counted: Counted) -> str:
    """The column that the table's rule of counting judges; a network without R and P has one count only."""
    return MACS if counted.transfer_counted or not _has_both(counted) else WITHOUT


def _has_both(counted: Counted) -> bool:
    """Else both countings are one, or nothing is left without R and P."""
    return 0 < counted.transfer_macs < counted.macs


def _line(row: Standing, metrics: Sequence[Metric], shared: Sequence[str]) -> dict[str, str]:
    counted = row.counted
    setting = ", ".join(part for part in row.setting.split(", ") if part not in shared)
    line = {"row": row.id, VERDICT: verdict_words(row), "network": row.label, "setting": setting or NO_NUMBER}
    line |= {"params printed": si(row.params), PARAMS: NO_NUMBER}
    line |= {"MACs printed": si(row.macs), MACS: NO_NUMBER, WITHOUT: NO_NUMBER}
    if counted is not None:
        line[PARAMS] = _counted(counted.params, counted.params_deviation, counted.params_match)
        judged = _judged_macs(counted)
        line[MACS] = _counted(counted.macs, counted.macs_deviation, counted.macs_match if judged == MACS else None)
        if _has_both(counted):
            without = counted.macs - counted.transfer_macs
            match = counted.macs_match if judged == WITHOUT else None
            line[WITHOUT] = _counted(without, counted.macs_deviation_without_transfer, match)
    for name in metrics:
        line[f"{METRICS[name]} printed"] = as_printed(row.metrics[name]) if name in row.metrics else NO_NUMBER
    line["measured"] = measured_words(row.measured)
    line["quick, not judged"] = measured_words(row.quick)
    return line


def _counted(value: int, deviation: float | None, match: Match | None) -> str:
    """A symbol only where the figure is judged."""
    if deviation is None:
        return si(value)
    return f"{si(value)} {f'{SIGNS[match]} ' if match else ''}{deviation:+.1f} %"
