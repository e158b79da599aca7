"""Tells those who wait for runs that something has happened to them: one look at the store for all who wait."""

import asyncio
from contextlib import suppress
from uuid import UUID

from fastapi.concurrency import run_in_threadpool

from backend.store import DATABASE_ERRORS, Store

LOOK_EVERY_S = 0.5


class Lookout:
    """Looks while anybody waits; of the event loop that those are in."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[UUID, dict[asyncio.Future[None], int | None]] = {}  # by run, with what each has seen
        self._looking: asyncio.Task[None] | None = None

    async def newest(self, run_id: UUID) -> int | None:
        """The run's last event; None if there is no such run. Raises `DATABASE_ERRORS`."""
        return (await run_in_threadpool(self._store.newest_events, [run_id])).get(run_id)

    async def news(self, run_id: UUID, seen: int | None, seconds: float) -> None:
        """Returns when the last event of the run is another than the one seen, or cannot be known, or time is over."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, {})[told] = seen
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(told, seconds)
        finally:
            of_run = self._waiting[run_id]
            del of_run[told]
            if not of_run:
                del self._waiting[run_id]

    async def _look(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_EVERY_S)
                runs = list(self._waiting)
                try:
                    newest = await run_in_threadpool(self._store.newest_events, runs)
                except DATABASE_ERRORS:  # who waits asks again, and hears of it
                    newest = {}
                for run_id in runs:
                    for told, seen in self._waiting.get(run_id, {}).items():
                        if newest.get(run_id) != seen and not told.done():
                            told.set_result(None)
        finally:
            self._looking = None
