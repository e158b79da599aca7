"""Tells those who wait for runs or sweeps that something has happened to them: one look at the store for all."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from backend.doorkeeper import StillLetIn
from backend.store import DATABASE_ERRORS
from mgic.errors import NotFound

LOOK_EVERY_S = 0.2
QUIET_S = 10.0  # after which it is looked whether a client that hears of nothing is still there
KEY_EVERY_S = 10.0
Thing = TypeVar("Thing")


class Lookout:
    """Looks while anybody waits; of the event loop that those are in.

    Args:
        look: The state of each of these things that is there: another one when something has happened to it.
    """

    def __init__(self, look: Callable[[Collection[UUID]], Mapping[UUID, Hashable]]) -> None:
        self._ask = look
        self._waiting: dict[UUID, dict[asyncio.Future[None], Hashable]] = {}  # by thing, with what each has seen
        self._looking: asyncio.Task[None] | None = None

    async def after(
        self, thing: UUID, read: Callable[[UUID], Thing], ended: Callable[[Thing], bool], seconds: float
    ) -> Thing:
        """What `read` gives when something has happened to it or it has ended, at the latest after so many seconds."""
        seen = await self._state(thing) if seconds else None  # before it is read, so that no change is missed
        found = await run_in_threadpool(read, thing)
        if not seconds or ended(found):
            return found
        await self._news(thing, seen, seconds)
        return await run_in_threadpool(read, thing)

    async def listen(
        self, thing: UUID, read: Callable[[UUID], Thing], request: Request, still_let_in: StillLetIn
    ) -> AsyncIterator[Thing]:
        """What `read` gives, now and each time when something may have happened to it: until it is gone, or the client,
        or its key."""
        checked, news, seen = time.monotonic(), True, None
        while not await request.is_disconnected():
            if time.monotonic() - checked > KEY_EVERY_S:
                checked = time.monotonic()
                if not await still_let_in():
                    return
            if news:
                seen = await self._state(thing)
                try:
                    yield await run_in_threadpool(read, thing)
                except NotFound:
                    return
            news = await self._news(thing, seen, QUIET_S)

    async def _state(self, thing: UUID) -> Hashable:
        """None if there is no such thing. Raises `DATABASE_ERRORS`."""
        return (await run_in_threadpool(self._ask, [thing])).get(thing)

    async def _news(self, thing: UUID, seen: Hashable, seconds: float) -> bool:
        """Wait until the state is another than the one seen, or cannot be known; False: it was not in this time."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(thing, {})[told] = seen
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(told, seconds)
                return True
            return False
        finally:
            of_it = self._waiting[thing]
            del of_it[told]
            if not of_it:
                del self._waiting[thing]

    async def _look(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_EVERY_S)
                things = list(self._waiting)
                try:
                    states = await run_in_threadpool(self._ask, things)
                except DATABASE_ERRORS:  # who waits asks again, and hears of it
                    states = {}
                for thing in things:
                    for told, seen in self._waiting.get(thing, {}).items():
                        if states.get(thing) != seen and not told.done():
                            told.set_result(None)
        finally:
            self._looking = None
