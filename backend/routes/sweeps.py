"""Preview a sweep, submit it, watch it, stop it, say something of it, delete it."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend import submission
from backend.auth import Adds, CallerDep, IdempotencyKey, OwnSweep, Reads, StillLetInDep, Submits
from backend.deps import (
    CatalogueDep,
    CursorDep,
    JanitorDep,
    Limit,
    ReaperDep,
    RootDep,
    ScoutDep,
    SettingsDep,
    StoreDep,
    StrictQuery,
    SweepsLookoutDep,
    TagName,
    Text,
    Words,
)
from backend.filters import words_of
from mgic.records import Page, Preview, Run, Sweep, SweepPatch, SweepRequest

router = APIRouter(prefix="/sweeps", tags=["sweeps"], dependencies=[StrictQuery])


@router.post("/preview", dependencies=[Reads])
def preview_sweep(request: SweepRequest, store: StoreDep, catalogue: CatalogueDep, settings: SettingsDep) -> Preview:
    """The points of a sweep with cost, duplicates and predicted time. Queues nothing; ask again while `pending`."""
    return submission.preview(request, store, catalogue, settings)


@router.post("", status_code=201, dependencies=[Submits, Adds])
def submit_sweep(
    request: SweepRequest,
    response: Response,
    store: StoreDep,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    reaper: ReaperDep,
    scout: ScoutDep,
    caller: CallerDep,
    root: RootDep,
    idempotency_key: IdempotencyKey = None,
) -> Sweep:
    """Store one run for each point, then tell the workers.

    With `then`, a second sweep is stored in the same transaction: `then_sweep_id` of the answer. Each of its runs
    has one of this sweep as its input, and waits for it. With `search`, a sampler asks for its runs, one after
    another, as those before end.
    """
    sweep = submission.submit(request, idempotency_key, store, catalogue, settings, caller.name or None)
    reaper.wake()  # only now, with the rows committed, may a worker hear of them
    if sweep.search is not None:
        scout.wake()
    response.headers["Location"] = f"{root}/sweeps/{sweep.id}"
    return sweep


@router.get("", dependencies=[Reads])
def list_sweeps(
    store: StoreDep, cursor: CursorDep, limit: Limit = 50, q: Words = None, tag: TagName = None, experiment: Text = None
) -> Page[Sweep]:
    """Newest first; every filter given must match."""
    items, place = store.sweeps(limit, cursor.after, words_of(q), tag, experiment)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.get("/{sweep_id}", dependencies=[Reads])
async def get_sweep(
    sweep_id: UUID, store: StoreDep, lookout: SweepsLookoutDep, wait: Annotated[float, Query(ge=0, le=30)] = 0
) -> Sweep:
    """One sweep, with the state of its runs; with `wait`, when one of these has changed its status or all have ended,
    at the latest after so many seconds."""
    return await lookout.after(sweep_id, store.sweep, lambda sweep: sweep.finished, wait)


def _known(sweep_id: UUID, store: StoreDep) -> Sweep:
    return store.sweep(sweep_id)


@router.get("/{sweep_id}/events", response_class=EventSourceResponse, dependencies=[Reads, Depends(_known)])
async def stream_sweep_events(
    sweep_id: UUID, request: Request, store: StoreDep, lookout: SweepsLookoutDep, still_let_in: StillLetInDep
) -> AsyncIterator[ServerSentEvent]:
    """The sweep as it stands, and again whenever one of its runs has changed its status, until it has ended or is
    deleted. Who comes back after a break misses nothing: the first event has all that has happened.
    """
    told: Sweep | None = None
    async for sweep in lookout.listen(sweep_id, store.sweep, request, still_let_in):
        if told is None or (sweep.counts, sweep.finished) != (told.counts, told.finished):
            told = sweep
            yield ServerSentEvent(data=sweep, event="ended" if sweep.finished else "sweep")
        if sweep.finished:
            return


@router.patch("/{sweep_id}", dependencies=[Submits, OwnSweep])
def update_sweep(sweep_id: UUID, change: SweepPatch, store: StoreDep) -> Sweep:
    """Its name, tags and notes; what is left out stays."""
    store.describe_sweep(sweep_id, change.model_dump(exclude_unset=True))
    return store.sweep(sweep_id)


@router.delete("/{sweep_id}", status_code=204, dependencies=[Submits, OwnSweep])
def delete_sweep(sweep_id: UUID, store: StoreDep, janitor: JanitorDep) -> None:
    """Remove it with its runs and their files; 409 while a run has not ended, or where something else needs one."""
    store.delete_sweep(sweep_id)
    janitor.wake()  # the files, now that the rows are gone


@router.get("/{sweep_id}/runs", dependencies=[Reads])
def list_sweep_runs(sweep_id: UUID, store: StoreDep, cursor: CursorDep, limit: Limit = 50) -> Page[Run]:
    """Its runs, in the order of the grid."""
    items, place = store.sweep_runs(sweep_id, limit, cursor.after)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.post("/{sweep_id}/cancel", dependencies=[Submits, OwnSweep])
def cancel_sweep(sweep_id: UUID, store: StoreDep) -> Sweep:
    """Stop what has not ended, and ask for no more runs of a search. Finished runs keep their results."""
    store.sweep(sweep_id)
    store.cancel_sweep(sweep_id)
    return store.sweep(sweep_id)


@router.post("/{sweep_id}/retry-failed", dependencies=[Submits, OwnSweep, Adds])
def retry_failed_runs(
    sweep_id: UUID,
    store: StoreDep,
    reaper: ReaperDep,
    scout: ScoutDep,
    cancelled: Annotated[bool, Query(description="The cancelled ones, too")] = False,
) -> Sweep:
    """Queue every failed run again, as a new run in its place; what it needs and has failed too is queued before.

    The cancelled ones, which are the rest of a cancelled sweep, are left alone without `cancelled`.
    """
    store.sweep(sweep_id)
    store.retry_failed(sweep_id, cancelled)
    reaper.wake()
    scout.wake()
    return store.sweep(sweep_id)
