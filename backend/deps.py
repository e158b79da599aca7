"""What endpoints ask for. Tests override nothing: they pass their own to `create_app`.

All are coroutines: one that is not would take a thread, of which there are 40 for all requests.
"""

import base64
import binascii
import hashlib
from typing import Annotated

from anyio import from_thread
from fastapi import Depends, Query, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query as QueryField

from backend.artifacts import Artifacts
from backend.catalogue import Catalogue
from backend.errors import BadCursor
from backend.janitor import Janitor
from backend.reaper import Reaper
from backend.scout import Scout
from backend.settings import Settings
from backend.store import Store


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


async def _artifacts(request: Request) -> Artifacts:
    artifacts: Artifacts = request.app.state.artifacts
    return artifacts


async def _janitor(request: Request) -> Janitor:
    janitor: Janitor = request.app.state.janitor
    return janitor


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


class Cursor:
    """A place in a list, as text that only the list it came from takes back."""

    def __init__(self, request: Request, cursor: str | None) -> None:
        given = sorted((k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "limit", "after"))
        text = f"{request.url.path}?{given}"
        self._list = hashlib.sha256(text.encode()).hexdigest()[:8]
        self.after = self.read(cursor)

    def read(self, cursor: str | None) -> int | None:
        """Raises `BadCursor`."""
        if cursor is None:
            return None
        try:
            of, _, place = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
            if of != self._list or not (place.isascii() and place.isdecimal()) or len(place) > 18:
                raise BadCursor("this cursor is not one of this list")
            return int(place)
        except (binascii.Error, UnicodeError) as error:
            raise BadCursor("this cursor is not one of this list") from error

    def write(self, place: int | None) -> str | None:
        return None if place is None else base64.urlsafe_b64encode(f"{self._list}:{place}".encode()).decode()


async def _cursor(request: Request, cursor: Annotated[str | None, Query(max_length=200)] = None) -> Cursor:
    return Cursor(request, cursor)


StoreDep = Annotated[Store, Depends(_store)]
CatalogueDep = Annotated[Catalogue, Depends(_catalogue)]
SharedCatalogueDep = Annotated[Catalogue, Depends(_shared_catalogue)]
ArtifactsDep = Annotated[Artifacts, Depends(_artifacts)]
JanitorDep = Annotated[Janitor, Depends(_janitor)]
ReaperDep = Annotated[Reaper, Depends(_reaper)]
ScoutDep = Annotated[Scout, Depends(_scout)]
SettingsDep = Annotated[Settings, Depends(_settings)]
CursorDep = Annotated[Cursor, Depends(_cursor)]
Limit = Annotated[int, Query(ge=1, le=500)]
Text = Annotated[str | None, Query(max_length=500, pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL
StrictQuery = Depends(_no_other_query)
