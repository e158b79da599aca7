"""Results that ship with the service: load them, remove them."""

from fastapi import APIRouter

from backend import demo
from backend.auth import Administers
from backend.deps import StoreDep, StrictQuery
from mgic.records import Page, Sweep

router = APIRouter(prefix="/demo", tags=["service"], dependencies=[StrictQuery])


@router.post("", status_code=201, dependencies=[Administers])
def create_demo(store: StoreDep) -> Page[Sweep]:
    """Store finished sweeps that were measured elsewhere, to look at; 409 where they are there already.

    They have the tag `demo`, and `imported` is true of their runs. No prediction, reuse, verdict or baseline takes
    them into account.
    """
    return Page(items=tuple(demo.load_demo(store)))


@router.delete("", status_code=204, dependencies=[Administers])
def delete_demo(store: StoreDep) -> None:
    """Remove them; nothing happens where there are none."""
    demo.delete_demo(store)
