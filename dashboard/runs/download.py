"""The list of runs as CSV: all that the filters let through, read page by page, never all in memory."""

import csv
import io
import json
import tempfile
from collections.abc import Iterable
from typing import Any

from mgic.records import Run, csv_cell

IN_MEMORY = 32 * 2**20  # bytes; more goes to disk


def as_csv(runs: Iterable[Run]) -> bytes:
    """A line a run: what it is, its config and the scalars of its result under `config.` and `result.`."""
    columns: dict[str, None] = {}
    with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8") as kept:
        for run in runs:
            row = _row(run)
            columns |= dict.fromkeys(row)
            kept.write(json.dumps(row) + "\n")
        kept.seek(0)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: csv_cell(one) for name, one in json.loads(line).items()} for line in kept)
    return text.getvalue().encode()


def _row(run: Run) -> dict[str, Any]:
    row: dict[str, Any] = {
        "run": str(run.id),
        "sweep": str(run.sweep_id),
        "sweep_name": run.sweep_name,
        "experiment": run.experiment,
        "status": run.status.value,
        "reason": run.reason.value if run.reason else None,
        "created_at": run.created_at.isoformat(),
        "seconds": run.seconds,
        "tags": ", ".join(dict.fromkeys([*run.tags, *run.sweep_tags])),
        "notes": run.notes,
    }
    row |= {f"config.{name}": one for name, one in run.config.items()}
    return row | {f"result.{name}": one for name, one in (run.result or {}).items()}
