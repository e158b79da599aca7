"""What an endpoint asks of its caller: a scope, or that a thing is theirs. Every route names one of these.

What is stored is read by all who may read; it is changed by who submitted it, or by an admin.
"""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.params import Depends as Dependency
from fastapi.security import HTTPBearer

from backend.deps import ArtifactsDep, SettingsDep, StoreDep
from backend.disk import free_bytes
from backend.doorkeeper import ANYBODY, SCOPES, StillLetIn
from backend.errors import Forbidden
from mgic.errors import Unavailable
from mgic.records import Caller, Scope

bearer = HTTPBearer(auto_error=False, description="A key, made by `mgic key create`; on this machine none is needed")


class Needs:
    """A dependency of a route: the caller has this scope.

    Args:
        scope: The least that will do.
        changes: Whether something is changed, so that the audit has a line for it.
    """

    def __init__(self, scope: Scope, changes: bool) -> None:
        self.scope = scope
        self._changes = changes

    async def __call__(self, request: Request, _given: Annotated[object, Depends(bearer)]) -> None:
        caller: Caller = request.state.caller
        if SCOPES.index(caller.scope) < SCOPES.index(self.scope):
            raise Forbidden(f"this needs a key of the scope {self.scope}; that of {caller.name} has {caller.scope}")
        if self._changes:
            request.state.action = request.scope["route"].name


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


async def _still_let_in(request: Request) -> StillLetIn:
    return getattr(request.state, "still_let_in", _yes)


async def _yes() -> bool:
    return True


async def _own_idempotency_key(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")] = None,
) -> str | None:
    """As it is stored: two who choose the same one do not meet."""
    caller: Caller = request.state.caller
    if idempotency_key is None or not caller.name:
        return idempotency_key
    return hashlib.sha256(f"{caller.name}\n{idempotency_key}".encode()).hexdigest()


CallerDep = Annotated[Caller, Depends(_caller)]
IdempotencyKey = Annotated[str | None, Depends(_own_idempotency_key)]
StillLetInDep = Annotated[StillLetIn, Depends(_still_let_in)]


def _own(caller: Caller, owner: str | None, what: str) -> None:
    if caller.scope != "admin" and owner != caller.name:
        whose = f"{owner} has submitted it" if owner else "it was submitted without a key"
        raise Forbidden(f"this {what} is not yours: {whose}; who did, or a key of the scope admin, may change it")


def _own_sweep(sweep_id: UUID, caller: CallerDep, store: StoreDep) -> None:
    _own(caller, store.sweep_owner(sweep_id), "sweep")


def _own_run(run_id: UUID, caller: CallerDep, store: StoreDep) -> None:
    _own(caller, store.run_owner(run_id), "run")


def _own_comparison(comparison_id: UUID, caller: CallerDep, store: StoreDep) -> None:
    _own(caller, store.comparison_owner(comparison_id), "comparison")


def _room(caller: CallerDep, store: StoreDep, artifacts: ArtifactsDep, settings: SettingsDep) -> None:
    """Whoever has a key may fill the disk up to here: what is there goes on to work, and can be read and deleted.

    Raises:
        Unavailable: There is less room.
    """
    if caller is ANYBODY:
        return
    for what, left in free_bytes(store.engine, artifacts).items():
        if left < settings.low_disk_bytes:
            words = f"of the disk of {what} {left / 1e6:,.0f} MB are free; with less than "
            raise Unavailable(
                f"{words}{settings.low_disk_bytes / 1e6:,.0f} MB (MGIC_LOW_DISK_BYTES) nothing new is kept"
            )


Reads: Dependency = Depends(Needs("read", changes=False))
Submits: Dependency = Depends(Needs("submit", changes=True))
Administers: Dependency = Depends(Needs("admin", changes=True))
Audits: Dependency = Depends(Needs("admin", changes=False))
Adds: Dependency = Depends(_room)
OwnSweep: Dependency = Depends(_own_sweep)
OwnRun: Dependency = Depends(_own_run)
OwnComparison: Dependency = Depends(_own_comparison)
