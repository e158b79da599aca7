"""Find runs, wait for them, stop them, try them again, say something of them, delete them; their curves and logs."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend.auth import Adds, OwnRun, Reads, StillLetInDep, Submits
from backend.deps import Cursor, CursorDep, JanitorDep, Limit, ReaperDep, RunsLookoutDep, StoreDep, StrictQuery
from backend.filters import RunQueryDep
from mgic.records import Curves, Event, LogLine, Page, Run, RunCount, RunPatch, is_table

router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[StrictQuery])
After = Annotated[str | None, Query(max_length=200, description="next_cursor of the last answer")]


def _known(run_id: UUID, store: StoreDep) -> Run:
    return store.run(run_id)


@router.get("", dependencies=[Reads])
def list_runs(
    store: StoreDep,
    cursor: CursorDep,
    query: RunQueryDep,
    limit: Limit = 50,
    tables: Annotated[bool, Query(description="false: results without their tables, so that a list is light")] = True,
) -> Page[Run]:
    """All that meet every filter given, the newest first if nothing else is asked for."""
    items, place = store.runs(limit, cursor.run, query)
    return Page(items=tuple(items if tables else map(_without_tables, items)), next_cursor=cursor.write(place))


@router.get("/count", dependencies=[Reads])
def get_run_count(store: StoreDep, query: RunQueryDep) -> RunCount:
    """How many runs `GET /runs` has in all with these filters."""
    return RunCount(total=store.count_runs(query))


@router.get("/{run_id}", dependencies=[Reads])
async def get_run(
    run_id: UUID, store: StoreDep, lookout: RunsLookoutDep, wait: Annotated[float, Query(ge=0, le=30)] = 0
) -> Run:
    """One run; with `wait`, when it has ended or changed its status, at the latest after so many seconds."""
    return await lookout.after(run_id, store.run, lambda run: run.status.terminal, wait)


@router.patch("/{run_id}", dependencies=[Submits, OwnRun])
def update_run(run_id: UUID, change: RunPatch, store: StoreDep) -> Run:
    """Its tags and notes; what is left out stays."""
    store.describe_run(run_id, change.model_dump(exclude_unset=True))
    return store.run(run_id)


@router.delete("/{run_id}", status_code=204, dependencies=[Submits, OwnRun])
def delete_run(run_id: UUID, store: StoreDep, janitor: JanitorDep) -> None:
    """Remove it with curves, log and files; 409 while it has not ended, or where something else needs it."""
    store.delete_run(run_id)
    janitor.wake()  # the files, now that the row is gone


@router.get("/{run_id}/events", response_class=EventSourceResponse, dependencies=[Reads, Depends(_known)])
async def stream_run_events(
    run_id: UUID,
    request: Request,
    store: StoreDep,
    lookout: RunsLookoutDep,
    still_let_in: StillLetInDep,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Its transitions as server-sent events, until it has ended; `Last-Event-ID` goes on after that one.

    It ends too when the key that asked for it does.
    """
    given = last_event_id or ""
    after = int(given) if given.isascii() and given.isdecimal() and len(given) < 18 else 0
    async for run in lookout.listen(run_id, store.run, request, still_let_in):  # and then its events: none is missed
        for event in await run_in_threadpool(store.events, run_id, after):
            after = event.id
            yield ServerSentEvent(data=event, event="transition", id=str(event.id))
        if run.status.terminal:
            return


@router.get("/{run_id}/transitions", dependencies=[Reads])
def list_run_transitions(run_id: UUID, store: StoreDep) -> Page[Event]:
    """The same as a list, so far."""
    return Page(items=tuple(store.events(run_id)))


@router.get("/{run_id}/curves", dependencies=[Reads])
def get_run_curves(run_id: UUID, store: StoreDep, cursor: CursorDep, after: After = None) -> Curves:
    """Points the run has reported, oldest first; poll with `after` until the cursor is null: no more will come."""
    ended = store.run(run_id).status.terminal
    points, place = store.curves(run_id, _place(cursor, after))
    return Curves(items=tuple(points), next_cursor=None if ended and not points else cursor.write(place))


@router.get("/{run_id}/log", dependencies=[Reads])
def get_run_log(
    run_id: UUID, store: StoreDep, cursor: CursorDep, after: After = None, limit: Limit = 500
) -> Page[LogLine]:
    """Lines the run has printed, oldest first; poll with `after` until the cursor is null: no more will come."""
    ended = store.run(run_id).status.terminal
    lines, place = store.log(run_id, _place(cursor, after), limit)
    return Page(items=tuple(lines), next_cursor=None if ended and not lines else cursor.write(place))


@router.post("/{run_id}/cancel", dependencies=[Submits, OwnRun])
def cancel_run(run_id: UUID, store: StoreDep) -> Run:
    """Stop it; 409 if it has ended."""
    return store.cancel_run(run_id)


@router.post("/{run_id}/retry", status_code=201, dependencies=[Submits, OwnRun, Adds])
def retry_run(run_id: UUID, store: StoreDep, reaper: ReaperDep) -> Run:
    """A new run with the config of this failed or cancelled one, in its place in the sweep.

    An input of it that has ended without success is retried first. What failed because this one did is queued again.
    """
    again = store.retry(run_id)
    reaper.wake()
    return again


def _without_tables(run: Run) -> Run:
    result = run.result and {name: value for name, value in run.result.items() if not is_table(value)}
    return run.model_copy(update={"result": result})


def _place(cursor: Cursor, after: str | None) -> int:
    """`after`, or `cursor`, which every list takes."""
    return cursor.read(after) or cursor.after or 0
