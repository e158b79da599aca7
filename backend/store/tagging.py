"""What people say of sweeps and runs: names, tags, notes."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, literal, select, update

from backend.store.database import Database
from backend.store.schema import run_tags, runs, sweep_tags, sweeps
from mgic.errors import NotFound

AT_A_TIME = 500  # in one query


class Tagging(Database):
    """The part of the store that keeps these."""

    def describe_run(self, run_id: UUID, given: Mapping[str, Any]) -> None:
        """Set what is given of `tags` and `notes`. Raises `NotFound`."""
        columns, tags = _parted(given)
        with self._write() as connection:
            seq = connection.scalar(select(runs.c.seq).where(runs.c.id == run_id).with_for_update())
            if seq is None:
                raise NotFound(f"there is no run {run_id}")
            if columns:
                connection.execute(update(runs).where(runs.c.seq == seq).values(columns))
            if tags is not None:
                connection.execute(delete(run_tags).where(run_tags.c.run_seq == seq))
                if tags:
                    connection.execute(insert(run_tags), [{"run_seq": seq, "tag": tag} for tag in tags])

    def describe_sweep(self, sweep_id: UUID, given: Mapping[str, Any]) -> None:
        """Set what is given of `name`, `tags` and `notes`. Raises `NotFound`."""
        columns, tags = _parted(given)
        with self._write() as connection:
            known = connection.scalar(select(sweeps.c.id).where(sweeps.c.id == sweep_id).with_for_update())
            if known is None:
                raise NotFound(f"there is no sweep {sweep_id}")
            if columns:
                connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(columns))
            if tags is not None:
                connection.execute(delete(sweep_tags).where(sweep_tags.c.sweep_id == sweep_id))
                if tags:
                    connection.execute(insert(sweep_tags), [{"sweep_id": sweep_id, "tag": tag} for tag in tags])

    def _run_tags(self, connection: Connection, seqs: list[int]) -> dict[int, list[str]]:
        return _grouped(connection, run_tags.c.run_seq, run_tags.c.tag, seqs)

    def _sweep_tags(self, connection: Connection, ids: list[UUID]) -> dict[UUID, list[str]]:
        return _grouped(connection, sweep_tags.c.sweep_id, sweep_tags.c.tag, ids)

    def _copy_tags(self, connection: Connection, run_id: UUID, new_id: UUID) -> None:
        """A run that takes the place of another has its tags."""
        seq = select(runs.c.seq).where(runs.c.id == run_id).scalar_subquery()
        new_seq = connection.scalar(select(runs.c.seq).where(runs.c.id == new_id))
        of_old = select(literal(new_seq), run_tags.c.tag).where(run_tags.c.run_seq == seq)
        connection.execute(insert(run_tags).from_select(["run_seq", "tag"], of_old))


def _parted(given: Mapping[str, Any]) -> tuple[dict[str, Any], Iterable[str] | None]:
    """What is a column, and the tags."""
    return {name: value for name, value in given.items() if name != "tags"}, given.get("tags")


def _grouped(connection: Connection, key: Any, tag: Any, wanted: list[Any]) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for start in range(0, len(wanted), AT_A_TIME):
        query = select(key, tag).where(key.in_(wanted[start : start + AT_A_TIME])).order_by(tag)
        for one, word in connection.execute(query):
            found.setdefault(one, []).append(word)
    return found
