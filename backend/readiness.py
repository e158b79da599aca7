"""Can the service work: its database, broker, disks, workers, and what it asks the core?"""

from collections.abc import Iterator

from backend.artifacts import Artifacts
from backend.catalogue import Catalogue
from backend.disk import free_bytes, shortages
from backend.janitor import Janitor
from backend.migrations import check
from backend.reaper import Reaper
from backend.settings import Settings
from backend.store import DATABASE_ERRORS, SchemaMismatch, Store, outage
from mgic import __version__
from mgic.records import Health


def look_around(
    store: Store, catalogue: Catalogue, reaper: Reaper, janitor: Janitor, artifacts: Artifacts, settings: Settings
) -> Health:
    """`unavailable` without a database of this schema; `degraded`, and why, where a part or room is missing."""
    notes = [f"{what} cannot be written: {why}" for what, why in shortages(store.engine, artifacts).items()]
    free = free_bytes(store.engine, artifacts)
    low = {what: left for what, left in free.items() if left < settings.low_disk_bytes}
    disk = "full" if notes else "low" if low else "ok"
    if disk == "low":
        notes += [f"{what}: {left / 1e6:,.0f} MB of the disk are free" for what, left in low.items()]
    seen = {"version": __version__, "disk": disk, "disk_free_bytes": min(free.values(), default=None)}
    try:
        schema = check(store.engine)
        age = store.newest_heartbeat_s()
        alive, waiting = store.alive_workers(settings.lease_s), store.eligible()
    except SchemaMismatch as error:
        return Health(status="unavailable", **seen, database="wrong schema", notes=(*notes, str(error)))
    except DATABASE_ERRORS as error:
        notes.append(outage(error))
        return Health(status="unavailable", **seen, database="no answer", notes=tuple(notes))
    catalogue.start()  # where it failed, and nobody has asked since
    if not reaper.broker_reached:
        notes.append("no broker: runs are kept, and start when it is back")
    if not janitor.place_reached:
        notes.append("the place of the artifacts does not answer: runs wait a minute for it at their end")
    notes += _missing_workers(alive, waiting)
    if not catalogue.loaded:
        notes.append(catalogue.trouble or "the catalogue is starting")
    return Health(
        status="degraded" if notes else "ok",
        **seen,
        database="ok",
        schema_version=schema,
        broker="ok" if reaper.broker_reached else "no answer",
        artifacts="ok" if janitor.place_reached else "no answer",
        catalogue="ok" if catalogue.loaded else "no answer" if catalogue.trouble else "starting",
        newest_heartbeat_seconds=age,
        workers=alive,
        notes=tuple(notes),
    )


def _missing_workers(alive: dict[str, int], waiting: dict[str, int]) -> Iterator[str]:
    if not alive:
        yield "no worker is online: runs stay queued"
        return
    for queue, runs in sorted(waiting.items()):
        if queue not in alive:
            yield f"no worker of the queue {queue} is online: {runs:,} runs wait for one"
