"""Baselines: what models were held to be, under a name that is given once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, insert, select
from sqlalchemy.exc import IntegrityError

from backend.store.database import Database
from backend.store.schema import baselines
from mgic.errors import Conflict, NotFound
from mgic.records import Baseline, ModelFigures, Source

VERSION = 1  # of the document


@dataclass(frozen=True)
class NewBaseline:
    name: str
    source: Source
    models: tuple[ModelFigures, ...]
    idempotency_key: str | None = None
    payload_hash: str = ""


class Baselines(Database):
    """The part of the store that keeps baselines."""

    def add_baseline(self, new: NewBaseline) -> Baseline:
        """Store it. With an idempotency key that the store has, nothing is stored and that baseline is returned.

        Raises:
            Conflict: The name is taken, or the key was used for another request.
        """
        try:
            with self._write() as connection:
                known = self._of_key(connection, new.idempotency_key, new.payload_hash)
                return known or self._insert_baseline(connection, new)
        except IntegrityError as error:
            # The name is taken, or the same key was used at the same moment by another process.
            if known := self.baseline_of_key(new.idempotency_key, new.payload_hash):
                return known
            raise Conflict(f"a baseline is called {new.name} already; a name is given once") from error

    def baseline_of_key(self, key: str | None, payload_hash: str) -> Baseline | None:
        """The baseline that was added with this idempotency key.

        Raises:
            Conflict: It was added by another request.
        """
        with self._read() as connection:
            return self._of_key(connection, key, payload_hash)

    def baseline(self, baseline_id: UUID) -> Baseline:
        """Raises `NotFound`."""
        with self._read() as connection:
            row = connection.execute(select(baselines).where(baselines.c.id == baseline_id)).mappings().first()
        if row is None:
            raise NotFound(f"there is no baseline {baseline_id}")
        return _record(row)

    def baselines(
        self, limit: int, before: int | None = None, name: str | None = None
    ) -> tuple[list[Baseline], int | None]:
        """Newest first, and the cursor of the next page; with a name, the one of that name."""
        query = select(baselines).order_by(baselines.c.seq.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(baselines.c.seq < before)
        if name is not None:
            query = query.where(baselines.c.name == name)
        with self._read() as connection:
            rows = connection.execute(query).mappings().all()
        return [_record(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(rows) > limit else None

    def delete_baseline(self, baseline_id: UUID) -> None:
        """Its name may be given again, and it needs no run any more. Raises `NotFound`."""
        with self._write() as connection:
            if not connection.execute(delete(baselines).where(baselines.c.id == baseline_id)).rowcount:
                raise NotFound(f"there is no baseline {baseline_id}")

    def _of_key(self, connection: Connection, key: str | None, payload_hash: str) -> Baseline | None:
        if key is None:
            return None
        query = select(baselines).where(baselines.c.idempotency_key == key)
        row = connection.execute(query).mappings().first()
        if row is None:
            return None
        if row["payload_hash"] != payload_hash:
            raise Conflict("this Idempotency-Key was used for another request")
        return _record(row)

    def _insert_baseline(self, connection: Connection, new: NewBaseline) -> Baseline:
        document = {
            "schema_version": VERSION,
            "source": new.source.model_dump(mode="json"),
            "models": [model.model_dump(mode="json") for model in new.models],
        }
        query = insert(baselines).values(
            id=self._new_id(),
            name=new.name,
            created_at=self._now(connection),
            document=document,
            idempotency_key=new.idempotency_key,
            payload_hash=new.payload_hash,
        )
        return _record(connection.execute(query.returning(baselines)).mappings().one())


def _record(row: RowMapping) -> Baseline:
    created = datetime.fromtimestamp(row["created_at"], UTC)
    return Baseline.model_validate({**row["document"], "id": row["id"], "name": row["name"], "created_at": created})
