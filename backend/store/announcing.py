"""Of which sweeps those who watch have still to be told that they have ended."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from backend.store.database import Database
from backend.store.rows import OPEN, SEARCHING
from backend.store.schema import announcements, runs, sweeps

HELD_S = 120.0  # by who announces: another one, or the same after a crash, tries again then


@dataclass(frozen=True)
class Due:
    """A sweep to be announced, and how often that has failed."""

    sweep_id: UUID
    attempts: int


class Announcements(Database):
    """The part of the store that remembers what is still to be told. Every method is one transaction."""

    def note_ends(self) -> None:
        """What is in work again is to be announced again; what has ended is due."""
        in_work = select(runs.c.sweep_id).where(runs.c.status.in_(OPEN))
        known = select(announcements.c.sweep_id)
        begun = select(runs.c.sweep_id).where(runs.c.status.in_(OPEN), runs.c.sweep_id.not_in(known)).distinct()
        searching = select(sweeps.c.id).where(sweeps.c.search_state == SEARCHING)
        waiting = announcements.c.due_at.is_(None)
        ended = select(announcements.c.sweep_id).where(
            waiting, announcements.c.sweep_id.not_in(in_work), announcements.c.sweep_id.not_in(searching)
        )
        with self._read() as connection:  # mostly there is nothing to write, and nobody is held up
            if not (list(connection.scalars(begun)) or list(connection.scalars(ended))):
                return
        with self._write() as connection:
            if again := list(connection.scalars(begun)):
                connection.execute(insert(announcements), [{"sweep_id": one, "attempts": 0} for one in again])
            due = list(connection.scalars(ended))
            for some in (due[start : start + 500] for start in range(0, len(due), 500)):
                mine = announcements.c.sweep_id.in_(some)
                connection.execute(update(announcements).where(mine).values(due_at=self._now(connection)))

    def take_due(self, most: int) -> list[Due]:
        """Those whose time has come; nobody else gets them for a while."""
        with self._write() as connection:
            now = self._now(connection)
            query = select(announcements.c.sweep_id, announcements.c.attempts).where(announcements.c.due_at <= now)
            found = connection.execute(
                query.order_by(announcements.c.due_at).limit(most).with_for_update(skip_locked=True)
            ).all()
            for row in found:
                mine = announcements.c.sweep_id == row.sweep_id
                connection.execute(update(announcements).where(mine).values(due_at=now + HELD_S))
            return [Due(row.sweep_id, row.attempts) for row in found]

    def announced(self, sweep_id: UUID) -> None:
        """It was told, or nobody wants to know any more."""
        with self._write() as connection:
            connection.execute(delete(announcements).where(announcements.c.sweep_id == sweep_id))

    def announce_later(self, due: Due, after_s: float, attempted: bool) -> None:
        """It could not be told now, or was not tried."""
        with self._write() as connection:
            later = {"attempts": due.attempts + attempted, "due_at": self._now(connection) + after_s}
            connection.execute(update(announcements).where(announcements.c.sweep_id == due.sweep_id).values(**later))
