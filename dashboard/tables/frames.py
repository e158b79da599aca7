"""Runs and cells as tables. What people typed is data here, never Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from dashboard.forms.fields import written
from mgic.figures.choice import CAUTION, GUESSING, WORDS
from mgic.figures.columns import with_unit
from mgic.figures.samples import SEED, differing
from mgic.figures.words import NO_NUMBER, seconds, si, status, value
from mgic.records import Config, ExperimentInfo, Point, Preview, Run, is_table, stopped_early, title_of

SHOWN_ALWAYS = ("model",)


def runs_table(runs: Sequence[Run], info: ExperimentInfo | None) -> pd.DataFrame:
    """A row a run: status, the config fields that differ, its results with units, how long it took."""
    fields = [*differing([run.config for run in runs])]
    fields += [name for name in (*SHOWN_ALWAYS, SEED) if name not in fields and any(name in r.config for r in runs)]
    results = dict.fromkeys(name for run in runs for name, one in (run.result or {}).items() if _is_scalar(one))
    for name in ("seconds", GUESSING, CAUTION):  # the attempt's own, below, is there for failed runs too; so is a note
        results.pop(name, None)
    results = {name: None for name in results if any((run.result or {}).get(name) is not None for run in runs)}
    rows = []
    for run in runs:
        row: dict[str, Any] = {"open": link("run", str(run.id)), "status": status(run.status)}
        row |= {with_unit(info, name): cell(run.config.get(name)) for name in fields}
        row |= {with_unit(info, name): (run.result or {}).get(name) for name in results if name not in fields}
        row |= {"time": seconds(run.seconds), "attempt": run.attempt, "note": note(run)}
        rows.append(row)
    return typed(pd.DataFrame(rows))


def result_tables(runs: Sequence[Run], info: ExperimentInfo | None) -> dict[str, pd.DataFrame]:
    """By name, the rows of each table that results have, with the config fields that differ between their runs."""
    ended = [run for run in runs if run.result]
    names = dict.fromkeys(name for run in ended for name, one in (run.result or {}).items() if is_table(one))
    fields = differing([run.config for run in ended])
    seeds = {run.config.get(SEED) for run in ended}
    fields += (SEED,) if len(seeds) > 1 else ()
    return {name: _rows_table(ended, name, fields, info) for name in names}


def _rows_table(ended: Sequence[Run], name: str, fields: Sequence[str], info: ExperimentInfo | None) -> pd.DataFrame:
    rows = []
    for run in ended:
        for row in (run.result or {}).get(name) or []:
            shown: dict[str, Any] = {"open": link("run", str(run.id))} if len(ended) > 1 else {}
            shown |= {with_unit(info, field): cell(run.config.get(field)) for field in fields}
            rows.append(shown | {with_unit(info, column): cell(one) for column, one in row.items()})
    return typed(pd.DataFrame(rows))


def note(run: Run) -> str:
    """What a reader wants to know first of a run that did not just succeed, or succeeded at nothing."""
    if run.failure:
        return f"{run.failure.reason.value}: {run.failure.message}"
    if stopped_early(run.result):
        return "ended early by its search: no trained network"
    if (run.result or {}).get(GUESSING) is True:
        return WORDS
    if not run.status.terminal and run.progress:
        return f"{run.phase} {run.progress:.0%}".strip()
    return "retry of another run" if run.retry_of else ""


def preview_table(preview: Preview) -> pd.DataFrame:
    """A row a cell, before anything is queued; text, since a cell that is still counted has no number."""
    fields = _shown_fields([point.requested for point in preview.points], [point.config for point in preview.points])
    return pd.DataFrame([_preview_row(point, fields) for point in preview.points])


def _preview_row(point: Point, fields: Sequence[str]) -> dict[str, str]:
    cost = point.cost
    waiting = "…" if point.pending else NO_NUMBER
    asked = point.config.get("group_size")
    real = ", ".join(map(str, point.group_sizes))
    costs = point.networks or ((cost,) if cost else ())
    shares = [f"{one.transfer_macs / one.macs:.1%}" for one in costs if one.macs]
    state = f"✖ {point.problem}" if point.problem else ("● in the store" if point.duplicate_of else "new")
    row = {
        title_of(name): strike(value(point.config[name]), point) if name in point.config else NO_NUMBER
        for name in fields
    }
    row |= {
        "parameters": " + ".join(si(one.params) for one in costs) or waiting,
        "MACs": " + ".join(si(one.macs) for one in costs) or waiting,
        "of them R and P": ", ".join(shares) or waiting,
        "MACs of the run": si(point.work_macs) if point.work_macs is not None else waiting,
        "group size: asked → real": f"{asked} → {real}" if asked is not None and real else waiting,
        "predicted time": waiting if point.pending else seconds(point.seconds),
        "state": state,
    }
    return row


def strike(text: str, point: Point) -> str:
    """Struck out, letter by letter, where the cell cannot run: a table reads no Markdown."""
    return "".join(f"{letter}\u0336" for letter in text) if point.problem else text


def tags_text(tags: Iterable[str]) -> str:
    """Each once, in a cell."""
    return ", ".join(dict.fromkeys(tags))


def link(page: str, identifier: str) -> str:
    """Address of a page about one thing, relative to any page of this app."""
    return f"{page}?{page}={identifier}"


def _shown_fields(requested: Sequence[Config], configs: Sequence[Config]) -> list[str]:
    asked = {name for config in requested for name in config}
    varied = [name for name in differing(configs) if name in asked]
    seeds = {config.get(SEED) for config in configs}
    extra = [SEED] if len(seeds) > 1 else []
    return [name for name in SHOWN_ALWAYS if any(name in c for c in configs) and name not in varied] + varied + extra


def _is_scalar(one: object) -> bool:
    return one is None or isinstance(one, (bool, int, float, str))


def cell(one: Any) -> Any:
    return written(one) if isinstance(one, list) else one


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed kinds become text: a browser's table wants one kind a column."""
    for name in table.columns:
        there = [one for one in table[name] if not pd.isna(one)]
        kinds = {type(one) for one in there}
        if not kinds <= {int, float} and len(kinds) > 1:
            table[name] = [None if pd.isna(one) else value(one) for one in table[name]]
    return table
