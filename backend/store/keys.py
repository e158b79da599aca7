"""Keys and what was done with them: who may ask for what, and who has submitted, cancelled, changed, deleted."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.store.database import Database
from backend.store.schema import acts, keys
from mgic.errors import NotFound
from mgic.records import Act

KeyScope = Literal["read", "submit", "admin", "pages", "worker"]
KeyState = Literal["active", "expired", "revoked"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)
OF_PEOPLE = ("read", "submit", "admin")  # the other two open no route by themselves
USED_EVERY_S = 60  # `last_used_at` is right to so many seconds: a request need not wait for a write


@dataclass(frozen=True)
class StoredKey:
    """A key without its secret. Moments are seconds since 1970."""

    id: str
    name: str
    scope: KeyScope
    digest: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    last_used_at: float | None
    state: KeyState


class Keys(Database):
    """The part of the store that knows keys and the audit. Every method is one transaction."""

    def add_key(self, key_id: str, name: str, scope: KeyScope, digest: str, expires_at: float | None = None) -> bool:
        """Keep a key; False, and nothing is changed, where its id is known."""
        try:
            with self._write() as connection:
                now = self._now(connection)
                values = {"id": key_id, "name": name, "scope": scope, "digest": digest}
                connection.execute(insert(keys).values(**values, created_at=now, expires_at=expires_at))
        except IntegrityError:
            return False
        return True

    def every_key(self) -> list[StoredKey]:
        """All of them, the revoked too, oldest first."""
        with self._read() as connection:
            now = self._now(connection)
            rows = connection.execute(select(keys).order_by(keys.c.seq)).mappings().all()
        return [_record(row, now) for row in rows]

    def key(self, key_id: str) -> StoredKey | None:
        with self._read() as connection:
            row = connection.execute(select(keys).where(keys.c.id == key_id)).mappings().first()
            return _record(row, self._now(connection)) if row else None

    def key_used(self, key: StoredKey) -> None:
        """Note that it was, unless that was noted a moment ago."""
        with self._read() as connection:
            now = self._now(connection)
        if key.last_used_at is None or now - key.last_used_at > USED_EVERY_S:
            with self._write() as connection:
                connection.execute(update(keys).where(keys.c.id == key.id).values(last_used_at=now))

    def revoke_key(self, key_id: str) -> StoredKey:
        """From now on it opens nothing. Raises `NotFound`."""
        with self._write() as connection:
            mine = keys.c.id == key_id
            connection.execute(
                update(keys).where(mine, keys.c.revoked_at.is_(None)).values(revoked_at=self._now(connection))
            )
            row = connection.execute(select(keys).where(mine)).mappings().first()
            if row is None:
                raise NotFound(f"there is no key {key_id[:40]!r}; `mgic key list` shows their ids")
            return _record(row, self._now(connection))

    def has_usable_key(self) -> bool:
        """Whether anybody could use the service with a key."""
        return any(key.state == "active" and key.scope in OF_PEOPLE for key in self.every_key())

    def asks_workers_for_keys(self) -> bool:
        """Once a key for workers was made, also if it was revoked since."""
        with self._read() as connection:
            return connection.execute(select(keys.c.id).where(keys.c.scope == "worker").limit(1)).first() is not None

    def note_act(self, by: str, key_id: str | None, action: str, target: str) -> None:
        """A line of the audit.

        Args:
            by: The name of the key, or of the person that it acted for.
            key_id: None where none was needed.
            action: The name of the operation, `cancel_sweep`.
            target: The path that was asked for.
        """
        with self._write() as connection:
            values = {"at": self._now(connection), "by": by, "key_id": key_id, "action": action, "target": target}
            connection.execute(insert(acts).values(**values))

    def acts(self, limit: int, before: int | None = None, by: str | None = None) -> tuple[list[Act], int | None]:
        """Newest first, and the cursor of the next page."""
        query = select(acts).order_by(acts.c.seq.desc()).limit(limit + 1)
        if by is not None:
            query = query.where(acts.c.by == by)
        if before is not None:
            query = query.where(acts.c.seq < before)
        with self._read() as connection:
            rows = connection.execute(query).mappings().all()
        shown = [_act(row) for row in rows[:limit]]
        return shown, rows[limit - 1]["seq"] if len(rows) > limit else None


def _act(row: RowMapping) -> Act:
    told = {name: row[name] for name in ("by", "key_id", "action", "target")}
    return Act(at=datetime.fromtimestamp(row["at"], UTC), **told)


def _record(row: RowMapping, now: float) -> StoredKey:
    over = row["expires_at"] is not None and row["expires_at"] <= now
    state: KeyState = "revoked" if row["revoked_at"] is not None else "expired" if over else "active"
    return StoredKey(**{name: row[name] for name in StoredKey.__dataclass_fields__ if name != "state"}, state=state)
