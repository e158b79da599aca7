"""Comparisons: verdicts with their rows and samples, found by name, branch and verdict, and a metric's history."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select
from sqlalchemy.exc import IntegrityError

from backend.store.database import Database
from backend.store.schema import comparison_rows, comparisons
from mgic.errors import Conflict, NotFound
from mgic.gate import worst_of
from mgic.records import Comparison, ComparisonBrief, GateMetric, GateVerdict, MetricPoint, Origin

OWN = {"id", "created_at", "origin"}  # the service's to give
LIGHT = tuple(column for column in comparisons.c if column.name not in ("document", "samples"))


@dataclass(frozen=True)
class NewComparison:
    comparison: Comparison
    origin: Origin
    idempotency_key: str | None = None
    payload_hash: str = ""
    owner: str | None = None


@dataclass(frozen=True)
class ComparisonQuery:
    """Which comparisons a list has; None: any."""

    name: str | None = None
    branch: str | None = None
    testbed: str | None = None
    verdict: GateVerdict | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        given = {name: getattr(self, name) for name in ("name", "branch", "testbed", "verdict")}
        return [comparisons.c[name] == value for name, value in given.items() if value is not None]


class Comparisons(Database):
    """The part of the store that keeps comparisons."""

    def add_comparison(self, new: NewComparison) -> Comparison:
        """Store it. With an idempotency key that the store has, nothing is stored and that comparison is returned.

        Raises:
            Conflict: The key was used for another request.
        """
        try:
            with self._write() as connection:
                known = self._comparison_of_key(connection, new.idempotency_key, new.payload_hash)
                return known or self._insert_comparison(connection, new)
        except IntegrityError:  # the same key was used at the same moment by another process
            if known := self.comparison_of_key(new.idempotency_key, new.payload_hash):
                return known
            raise

    def comparison_of_key(self, key: str | None, payload_hash: str) -> Comparison | None:
        """The comparison that was added with this idempotency key.

        Raises:
            Conflict: It was added by another request.
        """
        with self._read() as connection:
            return self._comparison_of_key(connection, key, payload_hash)

    def comparison(self, comparison_id: UUID, samples: bool = True) -> Comparison:
        """The whole of it, or all but its samples. Raises `NotFound`."""
        columns = comparisons.c if samples else [column for column in comparisons.c if column.name != "samples"]
        with self._read() as connection:
            row = connection.execute(select(*columns).where(comparisons.c.id == comparison_id)).mappings().first()
            if row is None:
                raise NotFound(f"there is no comparison {comparison_id}")
            return _record(row, _rows(connection, row["seq"]))

    def comparisons(
        self, limit: int, before: int | None = None, query: ComparisonQuery | None = None
    ) -> tuple[list[ComparisonBrief], int | None]:
        """Newest first, and the cursor of the next page."""
        wanted = select(*LIGHT).where(*(query or ComparisonQuery()).conditions)
        if before is not None:
            wanted = wanted.where(comparisons.c.seq < before)
        with self._read() as connection:
            rows = connection.execute(wanted.order_by(comparisons.c.seq.desc()).limit(limit + 1)).mappings().all()
        return [_brief(row) for row in rows[:limit]], rows[limit - 1]["seq"] if len(rows) > limit else None

    def history(
        self,
        model: str,
        metric: GateMetric,
        limit: int,
        before: int | None = None,
        query: ComparisonQuery | None = None,
    ) -> tuple[list[MetricPoint], int | None]:
        """The newest points, oldest first, and the cursor of those before them."""
        of = comparison_rows.c
        columns = (comparisons.c[name] for name in ("seq", "id", "created_at", "branch", "commit", "testbed"))
        wanted = (
            select(*columns, of.row)
            .join(comparison_rows, of.comparison_seq == comparisons.c.seq)
            .where(of.model == model, of.metric == metric, *(query or ComparisonQuery()).conditions)
        )
        if before is not None:
            wanted = wanted.where(of.comparison_seq < before)
        with self._read() as connection:
            rows = connection.execute(wanted.order_by(of.comparison_seq.desc()).limit(limit + 1)).mappings().all()
        return [_point(row) for row in rows[:limit]][::-1], rows[limit - 1]["seq"] if len(rows) > limit else None

    def delete_comparison(self, comparison_id: UUID) -> None:
        """With its rows and samples. Raises `NotFound`."""
        with self._write() as connection:
            if not connection.execute(delete(comparisons).where(comparisons.c.id == comparison_id)).rowcount:
                raise NotFound(f"there is no comparison {comparison_id}")

    def _comparison_of_key(self, connection: Connection, key: str | None, payload_hash: str) -> Comparison | None:
        if key is None:
            return None
        row = connection.execute(select(comparisons).where(comparisons.c.idempotency_key == key)).mappings().first()
        if row is None:
            return None
        if row["payload_hash"] != payload_hash:
            raise Conflict("this Idempotency-Key was used for another request")
        return _record(row, _rows(connection, row["seq"]))

    def _insert_comparison(self, connection: Connection, new: NewComparison) -> Comparison:
        given = new.comparison.model_dump(mode="json", exclude=OWN)
        rows, samples = given.pop("rows"), given.pop("samples")
        query = insert(comparisons).values(
            id=self._new_id(),
            name=new.comparison.name,
            verdict=new.comparison.verdict,
            **_head(new),
            created_at=self._now(connection),
            brief=_told(new),
            document={**given, "origin": new.origin},
            samples=samples,
            idempotency_key=new.idempotency_key,
            payload_hash=new.payload_hash,
            owner=new.owner,
        )
        stored = connection.execute(query.returning(comparisons)).mappings().one()
        if rows:
            connection.execute(
                insert(comparison_rows),
                [
                    {"comparison_seq": stored["seq"], "place": place, "row": row}
                    | {name: row[name] for name in ("model", "metric")}
                    for place, row in enumerate(rows)
                ],
            )
        return _record(stored, rows)


def _head(new: NewComparison) -> dict[str, str | None]:
    """The columns that say what was measured, and where. What the service has counted is its own code."""
    given = new.comparison
    side, source = given.head_side, given.head_source
    own = source.commit if new.origin == "service" and source.commit != "unknown" else None
    return {
        "branch": side.branch if side else None,
        "commit": side.commit if side else own,
        "testbed": given.conditions.hostname if given.conditions else None,
    }


def _told(new: NewComparison) -> dict[str, Any]:
    """What a list shows beside the columns."""
    given = new.comparison
    worst = worst_of(given.rows)
    return {
        "summary": given.summary,
        "origin": new.origin,
        "baseline": given.baseline,
        "dirty": given.head_side.dirty if given.head_side else given.head_source.dirty,
        "worst": worst.model_dump(mode="json") if worst else None,
        "ci_run": given.ci_run,
        "pull_request": given.pull_request,
    }


def _rows(connection: Connection, seq: int) -> list[dict[str, Any]]:
    of = comparison_rows.c
    return list(connection.scalars(select(of.row).where(of.comparison_seq == seq).order_by(of.place)))


def _record(row: RowMapping, rows: list[dict[str, Any]]) -> Comparison:
    whole = {**row["document"], "rows": rows, "samples": row.get("samples", ())}
    return Comparison.model_validate({**whole, "id": row["id"], "created_at": _moment(row)})


def _brief(row: RowMapping) -> ComparisonBrief:
    columns = {name: row[name] for name in ("id", "name", "verdict", "branch", "commit", "testbed")}
    return ComparisonBrief.model_validate({**row["brief"], **columns, "created_at": _moment(row)})


def _point(row: RowMapping) -> MetricPoint:
    columns = {name: row[name] for name in ("branch", "commit", "testbed", "row")}
    return MetricPoint.model_validate({**columns, "comparison_id": row["id"], "created_at": _moment(row)})


def _moment(row: RowMapping) -> datetime:
    return datetime.fromtimestamp(row["created_at"], UTC)
