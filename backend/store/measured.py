"""What finished runs have measured: few columns of many runs, to hold beside the paper's rows."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from backend.store.database import Database
from backend.tables import runs
from mgic.records import Config, RunStatus


class MeasuredRun(NamedTuple):
    """A succeeded run; `values` has what its result has under each column asked for, None where it has nothing."""

    id: UUID
    version: int  # of the experiment
    config: Config
    values: dict[str, Any]


class Measurements(Database):
    """The part of the store that reads single columns of results."""

    def measured_runs(
        self, experiment: str, models: Collection[str] | None, columns: Sequence[str], most: int
    ) -> list[MeasuredRun]:
        """Succeeded runs of these models (None: of any, or of none), oldest first; of each the newest `most`."""
        rank = func.row_number().over(partition_by=runs.c.model, order_by=runs.c.seq.desc())
        newest = select(runs.c.seq, rank.label("rank")).where(
            runs.c.experiment == experiment, runs.c.status == RunStatus.SUCCEEDED
        )
        if models is not None:
            newest = newest.where(runs.c.model.in_(models))
        chosen = newest.subquery()
        query = (
            select(runs.c.id, runs.c.version, runs.c.config, *(runs.c.result[column] for column in columns))
            .join(chosen, chosen.c.seq == runs.c.seq)
            .where(chosen.c.rank <= most)
            .order_by(runs.c.seq)
        )
        with self._read() as connection:
            return [
                MeasuredRun(run_id, version, config, dict(zip(columns, values, strict=True)))
                for run_id, version, config, *values in connection.execute(query)
            ]
