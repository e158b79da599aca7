"""Whose a sweep, a run or a comparison is: None where nobody had to say who it was for."""

from uuid import UUID

from sqlalchemy import Select, select

from backend.store.database import Database
from backend.store.schema import comparisons, runs, sweeps
from mgic.errors import NotFound


class Owners(Database):
    """The part of the store that knows to whom things belong; each method raises `NotFound`."""

    def sweep_owner(self, sweep_id: UUID) -> str | None:
        return self._owner(select(sweeps.c.owner).where(sweeps.c.id == sweep_id), f"sweep {sweep_id}")

    def run_owner(self, run_id: UUID) -> str | None:
        """That of its sweep."""
        joined = select(sweeps.c.owner).join(runs, runs.c.sweep_id == sweeps.c.id)
        return self._owner(joined.where(runs.c.id == run_id), f"run {run_id}")

    def comparison_owner(self, comparison_id: UUID) -> str | None:
        query = select(comparisons.c.owner).where(comparisons.c.id == comparison_id)
        return self._owner(query, f"comparison {comparison_id}")

    def _owner(self, query: Select[str | None], what: str) -> str | None:
        with self._read() as connection:
            owners = connection.scalars(query).all()
        if not owners:
            raise NotFound(f"there is no {what}")
        return owners[0]
