"""Is the service alive, can it work, who works, and what are its limits?"""

from functools import partial
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Response

from backend.artifacts import Artifacts
from backend.auth import Audits, CallerDep, Reads
from backend.catalogue import Catalogue
from backend.deps import (
    ArtifactsDep,
    CursorDep,
    JanitorDep,
    Limit,
    ReaperDep,
    SettingsDep,
    SharedCatalogueDep,
    StoreDep,
    StrictQuery,
    Text,
)
from backend.disk import shortages
from backend.janitor import Janitor
from backend.migrations import check
from backend.reaper import Reaper
from backend.settings import Settings
from backend.store import DATABASE_ERRORS, SchemaMismatch, Store
from mgic import __version__
from mgic.cores import usable_cores
from mgic.records import MAX_SWEEP_RUNS, Act, Caller, Health, Page, System, Worker

router = APIRouter(tags=["service"], dependencies=[StrictQuery])
LOOKERS = CapacityLimiter(2)  # threads of /ready's own: it answers where all others are taken


@router.get("/health")
async def get_health() -> Health:
    """The process answers. Whether it can work, `/ready` says."""
    return Health(status="ok", version=__version__)


@router.get("/ready", responses={503: {"model": Health}}, dependencies=[Reads])
async def get_readiness(
    response: Response,
    store: StoreDep,
    catalogue: SharedCatalogueDep,
    reaper: ReaperDep,
    janitor: JanitorDep,
    artifacts: ArtifactsDep,
    settings: SettingsDep,
) -> Health:
    """`ok`; `degraded` (works, but a part is missing: `notes` says which); 503 without a database."""
    look = partial(_look, store, catalogue, reaper, janitor, artifacts, settings)
    found = await to_thread.run_sync(look, limiter=LOOKERS)
    if found.status == "unavailable":
        response.status_code = 503
    return found


def _look(
    store: Store, catalogue: Catalogue, reaper: Reaper, janitor: Janitor, artifacts: Artifacts, settings: Settings
) -> Health:
    notes = [f"{what} cannot be written: {why}" for what, why in shortages(store.engine, artifacts).items()]
    disk = "full" if notes else "ok"
    try:
        schema = check(store.engine)
        age = store.newest_heartbeat_s()
    except SchemaMismatch as error:
        return Health(status="unavailable", version=__version__, database="wrong schema", notes=(str(error),))
    except DATABASE_ERRORS:
        notes.append("the database does not answer")
        return Health(status="unavailable", version=__version__, database="no answer", disk=disk, notes=tuple(notes))
    catalogue.start()  # where it failed, and nobody has asked since
    if not reaper.broker_reached:
        notes.append("no broker: runs are kept, and start when it is back")
    if not janitor.place_reached:
        notes.append("the place of the artifacts does not answer: runs wait a minute for it at their end")
    if age is None or age > settings.lease_s:
        notes.append("no worker is online: runs stay queued")
    if not catalogue.loaded:
        notes.append(catalogue.trouble or "the catalogue is starting")
    return Health(
        status="degraded" if notes else "ok",
        version=__version__,
        database="ok",
        schema_version=schema,
        broker="ok" if reaper.broker_reached else "no answer",
        artifacts="ok" if janitor.place_reached else "no answer",
        disk=disk,
        catalogue="ok" if catalogue.loaded else "no answer" if catalogue.trouble else "starting",
        newest_heartbeat_seconds=age,
        notes=tuple(notes),
    )


@router.get("/me", dependencies=[Reads])
async def get_caller(caller: CallerDep) -> Caller:
    """As whom this is asked, and what that may do."""
    return caller


@router.get("/audit", dependencies=[Audits])
def list_acts(
    store: StoreDep,
    cursor: CursorDep,
    limit: Limit = 50,
    by: Annotated[Text, Query(description="Who: the name of a key, or of a person")] = None,
) -> Page[Act]:
    """Who has submitted, cancelled, changed, deleted what, newest first. For the scope admin."""
    items, place = store.acts(limit, cursor.after, by)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.get("/workers", dependencies=[Reads])
def list_workers(store: StoreDep, settings: SettingsDep) -> Page[Worker]:
    """Who is there, and what they do; a worker silent for longer than the lease is not alive."""
    return Page(items=tuple(store.workers(settings.lease_s)))


@router.get("/system", dependencies=[Reads])
def get_system(store: StoreDep, settings: SettingsDep, catalogue: SharedCatalogueDep) -> System:
    """Version, limits, how much waits and runs, and what came of the plug-ins."""
    limits = {
        "cores": usable_cores(),
        "sweep_runs": MAX_SWEEP_RUNS,
        "queued_runs": settings.max_queued,
        "queued_runs_each": settings.max_queued_each,
        "submits_per_minute": settings.submits_per_minute,
        "reads_per_minute": settings.reads_per_minute,
        "sweep_macs": settings.max_sweep_macs,
        "attempts": settings.max_attempts,
        "body_bytes": settings.max_body_bytes,
        "comparison_bytes": settings.max_comparison_bytes,
        "lease_seconds": settings.lease_s,
        "run_seconds": settings.wall_limit_s,
    }
    return System(
        version=__version__,
        limits=limits,
        queued=store.queued(),
        running=store.running(),
        plugins=catalogue.outside,
    )
