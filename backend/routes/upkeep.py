"""What an operator asks for now and then: deleting what has had its time."""

from fastapi import APIRouter

from backend.deps import JanitorDep, StoreDep, StrictQuery
from backend.pruning import DAY_S, check_policy, prune
from backend.store import Policy
from mgic.records import Pruned, PruneRequest

router = APIRouter(tags=["service"], dependencies=[StrictQuery])


@router.post("/prune")
def prune_sweeps(request: PruneRequest, store: StoreDep, janitor: JanitorDep) -> Pruned:
    """Delete sweeps that ended long ago and that nothing needs, about 500 runs at a time; `dry_run` deletes nothing.

    What has a tag to keep stays, and so does what another run or a baseline needs, and the best run of each
    sweep by `keep_best`: a sweep of which a run stays loses its others.
    """
    policy = Policy(request.older_than_days * DAY_S, request.keep_tags, request.keep_best)
    check_policy(policy, store)
    found = prune(store, policy, request.dry_run)
    if not request.dry_run:
        janitor.wake()  # the files, now that the rows are gone
    return found
