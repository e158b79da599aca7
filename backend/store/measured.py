"""What runs that ended have measured, or why they have not: few columns of many runs, beside the paper's rows."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from backend.store.database import Database
from backend.store.rows import OPEN
from backend.store.schema import events, runs
from mgic.records import Config, RunStatus


class MeasuredRun(NamedTuple):
    """A run that succeeded or failed; `values` has what its result has under each column asked for, or None."""

    id: UUID
    version: int  # of the experiment
    config: Config
    values: dict[str, Any]
    failed: str | None = None  # the reason, if it failed


class Measurements(Database):
    """The part of the store that reads single columns of results."""

    def measured_state(self) -> tuple[float | None, ...]:
        """Equal to that of another moment if the same runs have ended then, and in the same way.

        The newest event would be enough if events were stored in the order of their ids; an end that is
        stored after a newer event leaves one open run less. A deletion sets ids free, but never a time.
        """
        newest = select(func.coalesce(func.max(events.c.id), 0))
        at = select(events.c.at).order_by(events.c.id.desc()).limit(1)
        open_runs = select(func.count()).select_from(runs).where(runs.c.status.in_(OPEN))
        all_runs = select(func.count()).select_from(runs)
        parts = (query.scalar_subquery() for query in (newest, at, open_runs, all_runs))
        with self._read() as connection:
            return tuple(connection.execute(select(*parts)).one())

    def measured_runs(
        self, experiment: str, models: Collection[str] | None, columns: Sequence[str], most: int
    ) -> list[MeasuredRun]:
        """Runs of these models (None: of any, or of none) that succeeded or failed: of each the newest `most`.

        They come oldest first. A failed run that was tried again, a cancelled one, and a training that was ended early
        say nothing.
        """
        rank = func.row_number().over(partition_by=runs.c.model, order_by=runs.c.seq.desc())
        newest = select(runs.c.seq, rank.label("rank")).where(
            runs.c.experiment == experiment,
            ~runs.c.imported,
            runs.c.status.in_((RunStatus.SUCCEEDED, RunStatus.FAILED)),
            ~((runs.c.status == RunStatus.FAILED) & runs.c.superseded),
            ~runs.c.stopped_early,
        )
        if models is not None:
            newest = newest.where(runs.c.model.in_(models))
        chosen = newest.subquery()
        query = (
            select(
                runs.c.id,
                runs.c.version,
                runs.c.config,
                runs.c.status,
                runs.c.reason,
                *(runs.c.result[column] for column in columns),
            )
            .join(chosen, chosen.c.seq == runs.c.seq)
            .where(chosen.c.rank <= most)
            .order_by(runs.c.seq)
        )
        with self._read() as connection:
            return [
                MeasuredRun(run_id, version, config, dict(zip(columns, values, strict=True)), _why(status, reason))
                for run_id, version, config, status, reason, *values in connection.execute(query)
            ]


def _why(status: str, reason: str | None) -> str | None:
    return (reason or "failed") if status == RunStatus.FAILED else None
