"""What endpoints ask for. Tests override nothing: they pass their own to `create_app`.

All are coroutines: one that is not would take a thread, of which there are 40 for all requests.
"""

import base64
import binascii
import hashlib
import json
from typing import Annotated

from anyio import from_thread
from fastapi import Depends, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query as QueryField
from pydantic import BeforeValidator

from backend.artifacts import Artifacts
from backend.catalogue import Catalogue
from backend.errors import BadCursor
from backend.janitor import Janitor
from backend.lookout import Lookout
from backend.metrics import Metrics
from backend.reaper import Reaper
from backend.scout import Scout
from backend.settings import Settings
from backend.store import Place, Store
from mgic.place import PREFIX
from mgic.records import TAG_PATTERN, plain_tag

NOT_OF_THIS = "this cursor is not one of this list"
MOST = 10**18  # a `seq` stays below
KINDS = (float | int | None, str, type(None))  # of the value in a place, by the part of the order


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _catalogue(request: Request) -> Catalogue:
    """Its questions are dropped when the client leaves before their turn. For endpoints that run in a thread."""
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue.asked_by(lambda: from_thread.run(request.is_disconnected))


async def _shared_catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


async def _reaper(request: Request) -> Reaper:
    reaper: Reaper = request.app.state.reaper
    return reaper


async def _scout(request: Request) -> Scout:
    scout: Scout = request.app.state.scout
    return scout


async def _of_runs(request: Request) -> Lookout:
    lookout: Lookout = request.app.state.of_runs
    return lookout


async def _of_sweeps(request: Request) -> Lookout:
    lookout: Lookout = request.app.state.of_sweeps
    return lookout


async def _artifacts(request: Request) -> Artifacts:
    artifacts: Artifacts = request.app.state.artifacts
    return artifacts


async def _janitor(request: Request) -> Janitor:
    janitor: Janitor = request.app.state.janitor
    return janitor


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _no_other_query(request: Request) -> None:
    """A misspelt filter would give everything. Raises `RequestValidationError`."""
    fields = get_flat_params(request.scope["route"].dependant)
    known = {field.alias for field in fields if isinstance(field.field_info, QueryField)}
    if others := [name for name in request.query_params if name not in known]:
        words = f"there is no such parameter; known: {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError(
            [{"loc": ("query", name), "type": "unknown_parameter", "msg": words} for name in others]
        )


async def _root(request: Request) -> str:
    """In front of the paths that an answer names: where a proxy has put us, and the version."""
    return f"{request.scope.get('root_path', '')}{PREFIX}"


class Cursor:
    """A place in a list, as text that only the list it came from takes back."""

    def __init__(self, request: Request, cursor: str | None) -> None:
        given = sorted((k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "limit", "after"))
        text = f"{request.url.path}?{given}"
        self._list = hashlib.sha256(text.encode()).hexdigest()[:8]
        self._given = cursor

    @property
    def after(self) -> int | None:
        """The place of a list that has numbers for them. Raises `BadCursor`."""
        return self.read(self._given)

    @property
    def run(self) -> Place | None:
        """That of a list of runs, in whatever order. Raises `BadCursor`."""
        if self._given is None:
            return None
        try:
            part, value, seq = json.loads(self._text(self._given))
            if not isinstance(part, int) or not 0 < seq < MOST or not isinstance(value, KINDS[part]):
                raise BadCursor(NOT_OF_THIS)
            if isinstance(value, str) and "\0" in value.encode().decode():
                raise BadCursor(NOT_OF_THIS)
            return Place(part, float(value) if isinstance(value, int) else value, int(seq))
        except (ValueError, TypeError, LookupError, OverflowError) as error:
            raise BadCursor(NOT_OF_THIS) from error

    def read(self, cursor: str | None) -> int | None:
        """Raises `BadCursor`."""
        if cursor is None:
            return None
        place = self._text(cursor)
        if not (place.isascii() and place.isdecimal()) or len(place) > 18:
            raise BadCursor(NOT_OF_THIS)
        return int(place)

    def write(self, place: int | Place | None) -> str | None:
        if place is None:
            return None
        text = json.dumps(place) if isinstance(place, Place) else str(place)
        return base64.urlsafe_b64encode(f"{self._list}:{text}".encode()).decode()

    def _text(self, cursor: str) -> str:
        try:
            of, _, place = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        except (binascii.Error, UnicodeError) as error:
            raise BadCursor(NOT_OF_THIS) from error
        if of != self._list:
            raise BadCursor(NOT_OF_THIS)
        return place


async def _cursor(request: Request, cursor: Annotated[str | None, Query(max_length=1500)] = None) -> Cursor:
    return Cursor(request, cursor)


StoreDep = Annotated[Store, Depends(_store)]
CatalogueDep = Annotated[Catalogue, Depends(_catalogue)]
SharedCatalogueDep = Annotated[Catalogue, Depends(_shared_catalogue)]
ArtifactsDep = Annotated[Artifacts, Depends(_artifacts)]
RunsLookoutDep = Annotated[Lookout, Depends(_of_runs)]
SweepsLookoutDep = Annotated[Lookout, Depends(_of_sweeps)]
JanitorDep = Annotated[Janitor, Depends(_janitor)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]
ReaperDep = Annotated[Reaper, Depends(_reaper)]
ScoutDep = Annotated[Scout, Depends(_scout)]
RootDep = Annotated[str, Depends(_root)]
SettingsDep = Annotated[Settings, Depends(_settings)]
CursorDep = Annotated[Cursor, Depends(_cursor)]
Limit = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL
Words = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Words, at most 10, of which each is found in its name, tags, notes or model, or begins its id",
    ),
]
TagName = Annotated[
    str | None,
    Query(description="Of it; of a run also its sweep's", pattern=TAG_PATTERN),
    BeforeValidator(plain_tag),
]
StrictQuery = Depends(_no_other_query)
