"""What an operator asks for: deleting what has had its time, and how it goes, in numbers for Prometheus."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from fastapi.responses import Response

from backend.auth import Administers, Reads
from backend.deps import JanitorDep, MetricsDep, StoreDep, StrictQuery
from backend.exposition import CONTENT_TYPE
from backend.pruning import DAY_S, check_policy, prune
from backend.store import Policy
from mgic.records import Pruned, PruneRequest

router = APIRouter(tags=["service"], dependencies=[StrictQuery])
scraped = APIRouter(include_in_schema=False)  # beside the API, where Prometheus looks
SCRAPERS = CapacityLimiter(1)  # threads of their own: numbers are wanted most where all others are taken


@router.post("/prune", dependencies=[Administers])
def delete_old_sweeps(request: PruneRequest, store: StoreDep, janitor: JanitorDep) -> Pruned:
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


@scraped.get("/metrics", dependencies=[Reads])
async def get_metrics(metrics: MetricsDep) -> Response:
    """How queue, workers, disks and answers stand, in Prometheus' text format."""
    return Response(await to_thread.run_sync(metrics.text, limiter=SCRAPERS), media_type=CONTENT_TYPE)
