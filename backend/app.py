"""Put the API together; `python -m backend` serves it."""

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from backend import errors, logs
from backend.artifacts import Artifacts
from backend.catalogue import Catalogue
from backend.doorkeeper import Doorkeeper
from backend.guard import Guard
from backend.herald import Herald, hooks_of
from backend.janitor import Janitor
from backend.keys.starting import refuse_strangers, take_in_keys
from backend.lookout import Lookout
from backend.metrics import Metrics
from backend.migrations import check
from backend.observed import Observed
from backend.queue import Bell
from backend.reaper import Reaper
from backend.routes import (
    artifacts,
    baselines,
    catalogue,
    comparisons,
    demo,
    index,
    paper,
    results,
    runs,
    service,
    sweeps,
    upkeep,
)
from backend.scout import Scout
from backend.settings import Settings, read_settings
from backend.store import DATABASE_ERRORS, Lease, SchemaMismatch, Store
from mgic import __version__
from mgic.errors import BadConfig
from mgic.place import PREFIX
from mgic.plugins import asked

UNKEYED = frozenset({f"{PREFIX}/health"})  # whether it lives, a health check may ask without a key
ASKING_ONLY = frozenset({f"{PREFIX}/sweeps/preview"})  # its question does not fit into an address


def create_app(settings: Settings, store: Store, bell: Bell) -> FastAPI:
    """The application. Its lifespan starts and ends the process of the catalogue, and the threads beside the API."""

    app = FastAPI(
        title="MGIC Lab",
        version=__version__,
        summary="Benchmarks of multigrid-in-channels networks: sweeps, runs, results.",
        lifespan=_lifespan,
        openapi_url=None,  # document and page are our own: `backend.routes.index`
        generate_unique_id_function=lambda route: route.name,  # of functions of generated clients
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.store = store
    app.state.of_runs, app.state.of_sweeps = Lookout(store.newest_events), Lookout(store.sweep_states)
    wanted = asked(settings.modules)
    app.state.catalogue = Catalogue(settings.data_dir, settings.catalogue_timeout_s, wanted, settings.catalogue_idle_s)
    app.state.reaper = Reaper(store, bell, settings.reap_s)
    app.state.scout = Scout(store, app.state.catalogue, settings, app.state.reaper)
    app.state.artifacts = Artifacts(settings.artifacts)
    app.state.janitor = Janitor(store, app.state.artifacts, settings.clean_s, settings.retention)
    app.state.herald = Herald(store, hooks_of(settings), settings.announce_s)
    app.state.metrics = Metrics(store, app.state.catalogue, app.state.reaper, app.state.janitor, app.state.artifacts)
    app.state.doorkeeper = Doorkeeper(store, settings, UNKEYED, ASKING_ONLY)
    errors.install(app)
    for part in (
        index,
        catalogue,
        paper,
        sweeps,
        runs,
        artifacts,
        results,
        baselines,
        comparisons,
        demo,
        service,
        upkeep,
    ):
        app.include_router(part.router, prefix=PREFIX)
    app.include_router(index.page)
    app.include_router(upkeep.scraped)
    app.add_middleware(
        Guard,
        doorkeeper=app.state.doorkeeper,
        hosts=settings.allowed_hosts,
        max_body=settings.max_body_bytes,
        root=settings.root_path,
        larger={f"{PREFIX}/comparisons": settings.max_comparison_bytes},
    )
    app.add_middleware(Observed, answered=app.state.metrics.answered)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    beside = (app.state.catalogue, app.state.reaper, app.state.scout, app.state.janitor, app.state.herald)
    for part in beside:
        part.start()
    yield
    for part in reversed(beside):
        part.stop()
    app.state.store.close()


def from_environment() -> FastAPI:
    """As the settings say. Exits with 78 where they, or the database's schema, cannot be served."""
    settings = read_settings()
    logs.configure(settings.log_format)
    lease = Lease(settings.lease_s, settings.max_attempts)
    try:
        most, each = settings.max_queued, settings.max_queued_each
        store = Store.open(settings.database, lease, most_queued=most, most_queued_each=each)
        check(store.engine)
        take_in_keys(store, settings)
        refuse_strangers(store, settings)
    except (SchemaMismatch, BadConfig) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(os.EX_CONFIG) from error
    except OSError as error:
        sys.stderr.write(f"the database cannot be made: {error.filename}: {error.strerror}\n")
        raise SystemExit(os.EX_CONFIG) from error
    except DATABASE_ERRORS as error:
        logging.getLogger(__name__).warning("started without a database, which does not answer: %s", error)
    return create_app(settings, store, Bell(settings.broker_url))
