"""Baselines: what models are, kept under a name."""

from uuid import UUID

from fastapi import APIRouter, Response

from backend import gate
from backend.auth import Adds, Administers, IdempotencyKey, Reads, Submits
from backend.deps import CatalogueDep, CursorDep, Limit, RootDep, StoreDep, StrictQuery, Text
from mgic.records import Baseline, BaselineRequest, Page

router = APIRouter(tags=["gate"], dependencies=[StrictQuery])


@router.post("/baselines", status_code=201, dependencies=[Submits, Adds])
def create_baseline(
    request: BaselineRequest,
    response: Response,
    store: StoreDep,
    catalogue: CatalogueDep,
    root: RootDep,
    idempotency_key: IdempotencyKey = None,
) -> Baseline:
    """Count the models and keep their figures under a name, which is given once."""
    added = gate.add_baseline(request, idempotency_key, store, catalogue)
    response.headers["Location"] = f"{root}/baselines/{added.id}"
    return added


@router.get("/baselines", dependencies=[Reads])
def list_baselines(store: StoreDep, cursor: CursorDep, limit: Limit = 50, name: Text = None) -> Page[Baseline]:
    """Newest first; with `name`, the one that is called so."""
    items, place = store.baselines(limit, cursor.after, name)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.get("/baselines/{baseline_id}", dependencies=[Reads])
def get_baseline(baseline_id: UUID, store: StoreDep) -> Baseline:
    """One of them; the answer is what `mgic gate --baseline` takes as a file."""
    return store.baseline(baseline_id)


@router.delete("/baselines/{baseline_id}", status_code=204, dependencies=[Administers])
def delete_baseline(baseline_id: UUID, store: StoreDep) -> None:
    """Forget it: its name may be given again, and runs that it has the accuracy of may be deleted. For the scope admin,
    since a baseline is everybody's."""
    store.delete_baseline(baseline_id)
