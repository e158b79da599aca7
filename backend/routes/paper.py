"""What the paper prints, what is counted here, and how the finished runs stand to it."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, Literal
from weakref import WeakKeyDictionary

from fastapi import APIRouter
from fastapi.responses import Response

from backend.auth import Reads
from backend.catalogue import Catalogue
from backend.deps import CatalogueDep, StoreDep, StrictQuery, Text
from backend.line import Line
from backend.store import Store
from backend.verdicts import GUESSING, field_defaults, option_defaults, standings, summarise, wanted
from mgic.records import Page, PaperSummary, PaperTable, Reference, Standing
from mgic.reference import list_references as printed
from mgic.reference import list_tables
from mgic.reference.export import as_latex, as_markdown

router = APIRouter(prefix="/references", tags=["paper"], dependencies=[Reads, StrictQuery])
NEWEST = 2000  # runs of a model that are looked at
MEDIA_TYPES = {"csv": "text/csv", "markdown": "text/markdown", "latex": "application/x-tex"}
_computing = Line("board", 16, 30)
_kept: WeakKeyDictionary[Store, dict[str | None, tuple[tuple[float | None, ...], list[Standing]]]] = WeakKeyDictionary()
SUFFIXES = {"csv": "csv", "markdown": "md", "latex": "tex"}


@router.get(
    "",
    response_model=Page[Standing],
    responses={200: {"content": {media_type: {"schema": {"type": "string"}} for media_type in MEDIA_TYPES.values()}}},
)
def list_references(
    store: StoreDep,
    catalogue: CatalogueDep,
    table: Text = None,
    format: Literal["json", "csv", "markdown", "latex"] = "json",
) -> Any:
    """The printed rows of one table, or of all, each with our cost, its best finished runs and a verdict."""
    rows = _standings(store, catalogue, table)
    if format == "json":
        return Page[Standing](items=tuple(rows))
    text = _csv(rows) if format == "csv" else _sections(rows, as_markdown if format == "markdown" else as_latex)
    name = f"paper-table-{table}" if table else "paper"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{SUFFIXES[format]}"'}
    return Response(text, media_type=MEDIA_TYPES[format], headers=headers)


@router.get("/tables")
def list_paper_tables() -> Page[PaperTable]:
    """The tables that print results, with what is wrong in them and how they are read here."""
    return Page(items=tuple(list_tables()))


@router.get("/summary")
def get_paper_summary(store: StoreDep, catalogue: CatalogueDep) -> PaperSummary:
    """How much of the paper can be run here, has the printed cost, and has been measured."""
    return summarise(_standings(store, catalogue, None))


def _standings(store: Store, catalogue: Catalogue, table: str | None) -> list[Standing]:
    """Computed again only when something has happened to a run since the last time."""
    with _computing.turn():
        kept, state = _kept.setdefault(store, {}), store.measured_state()
        if table not in kept or kept[table][0] != state:
            kept[table] = (state, _computed(store, catalogue, table))  # no more names than there are tables
        return kept[table][1]


def _computed(store: Store, catalogue: Catalogue, table: str | None) -> list[Standing]:
    rows = printed(table)
    runs = {
        name: store.measured_runs(name, of.models, (*of.metrics, GUESSING), NEWEST) for name, of in wanted(rows).items()
    }
    # The catalogue is another process, and may be starting: without runs nothing is asked of it.
    if not any(runs.values()):
        return standings(rows, runs, {})
    experiments = catalogue.experiments()
    versions = {experiment.name: experiment.version for experiment in experiments}
    return standings(rows, runs, option_defaults(catalogue.models()), field_defaults(experiments), versions)


def _sections(rows: Sequence[Standing], write: Callable[[PaperTable, Sequence[Reference]], str]) -> str:
    """Printed and counted, a section a table."""
    parts = [(table, [row for row in rows if row.table == table.name]) for table in list_tables()]
    return "\n\n".join(write(table, of_table) for table, of_table in parts if of_table) + "\n"


def _csv(rows: Sequence[Standing]) -> str:
    """A line a row; costs in units, not millions. All its text is ours, so no cell can be a formula of a stranger."""
    text = io.StringIO()
    lines = [_line(row) for row in rows]
    writer = csv.DictWriter(text, list(dict.fromkeys(name for line in lines for name in line)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(row: Standing) -> dict[str, object]:
    line: dict[str, object] = row.model_dump(include={"id", "table", "label", "setting", "figure_of", "quoted_from"})
    line |= {"printed_params": row.params, "printed_macs": row.macs}
    line |= {f"counted_{name}": value for name, value in row.counted or ()}
    line |= {f"printed_{name}": value for name, value in row.metrics.items()}
    for kind, found in (("measured", row.measured), ("quick", row.quick)):
        line |= {
            f"{kind}_{name}": getattr(found, name, None) for name in ("metric", "mean", "n", "seeds", "low", "high")
        }
    line |= {"test_set": row.test_set, "margin": row.margin}
    line["smallest_gap"] = row.measured.smallest_gap if row.measured else None
    return line | {"verdict": row.verdict, "says": row.says, "why": row.why}
