"""Preview a sweep, submit it, watch it, stop it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Response

from backend import submission
from backend.deps import CatalogueDep, CursorDep, Limit, ReaperDep, ScoutDep, SettingsDep, StoreDep, StrictQuery
from mgic.records import Page, Preview, Run, Sweep, SweepRequest

router = APIRouter(prefix="/sweeps", tags=["sweeps"], dependencies=[StrictQuery])
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]


@router.post("/preview")
def preview_sweep(request: SweepRequest, store: StoreDep, catalogue: CatalogueDep, settings: SettingsDep) -> Preview:
    """The points of a sweep with cost, duplicates and predicted time. Queues nothing; ask again while `pending`."""
    return submission.preview(request, store, catalogue, settings)


@router.post("", status_code=201)
def submit_sweep(
    request: SweepRequest,
    response: Response,
    store: StoreDep,
    catalogue: CatalogueDep,
    settings: SettingsDep,
    reaper: ReaperDep,
    scout: ScoutDep,
    idempotency_key: IdempotencyKey = None,
) -> Sweep:
    """Store one run for each point, then tell the workers.

    With `then`, a second sweep is stored in the same transaction: `then_sweep_id` of the answer. Each of its runs
    has one of this sweep as its input, and waits for it. With `search`, a sampler asks for its runs, one after
    another, as those before end.
    """
    sweep = submission.submit(request, idempotency_key, store, catalogue, settings)
    reaper.wake()  # only now, with the rows committed, may a worker hear of them
    if sweep.search is not None:
        scout.wake()
    response.headers["Location"] = f"/api/v1/sweeps/{sweep.id}"
    return sweep


@router.get("")
def list_sweeps(store: StoreDep, cursor: CursorDep, limit: Limit = 50) -> Page[Sweep]:
    """Newest first."""
    items, place = store.sweeps(limit, cursor.after)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.get("/{sweep_id}")
def get_sweep(sweep_id: UUID, store: StoreDep) -> Sweep:
    """One sweep, with the state of its runs."""
    return store.sweep(sweep_id)


@router.get("/{sweep_id}/runs")
def list_sweep_runs(sweep_id: UUID, store: StoreDep, cursor: CursorDep, limit: Limit = 50) -> Page[Run]:
    """Its runs, in the order of the grid."""
    items, place = store.sweep_runs(sweep_id, limit, cursor.after)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.post("/{sweep_id}/cancel")
def cancel_sweep(sweep_id: UUID, store: StoreDep) -> Sweep:
    """Stop what has not ended, and ask for no more runs of a search. Finished runs keep their results."""
    store.sweep(sweep_id)
    store.cancel_sweep(sweep_id)
    return store.sweep(sweep_id)


@router.post("/{sweep_id}/retry-failed")
def retry_failed_runs(sweep_id: UUID, store: StoreDep, reaper: ReaperDep) -> Sweep:
    """Queue every failed run again, as a new run in its place; what it needs and has failed too is queued before."""
    store.sweep(sweep_id)
    store.retry_failed(sweep_id)
    reaper.wake()
    return store.sweep(sweep_id)
