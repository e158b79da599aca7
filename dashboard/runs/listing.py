"""The rows of the list of runs as somebody looks at them: they stay where they are while the store goes on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from mgic.client import ApiError, Client, Filter
from mgic.records import Run

PAGE = 50


@dataclass(frozen=True)
class Listing:
    """A page of runs, in the order in which it was first seen.

    Args:
        query: What it answers.
        runs: As they stand now.
        next_cursor: Where the next page begins.
        total: Of all pages.
        generation: Another one has other rows.
        waiting: Runs that the page would have by now and that are not shown.
    """

    query: str
    runs: tuple[Run, ...]
    next_cursor: str | None
    total: int
    generation: int = 0
    waiting: int = 0

    @property
    def live(self) -> bool:
        return any(not run.status.terminal for run in self.runs)


def read(api: Client, filters: dict[str, Filter], cursor: str | None, query: str) -> Listing:
    page = api.runs(PAGE, cursor, tables=False, **filters)
    return Listing(query, tuple(page.items), page.next_cursor, api.count_runs(**_unsorted(filters)))


def brought_up(held: Listing | None, new: Listing, api: Client, stay: bool) -> Listing:
    """The new answer; with `stay` the rows of the held one, if it is of the same query, as they stand now.

    A row that the new page has not is asked for by itself while it has not ended.
    """
    if held is None or held.query != new.query:
        return replace(new, generation=held.generation + 1 if held else 0)
    if [run.id for run in held.runs] == [run.id for run in new.runs]:
        return replace(new, generation=held.generation)
    if not stay:
        return replace(new, generation=held.generation + 1)
    now = {run.id: run for run in new.runs}
    known = {run.id for run in held.runs}
    rows = tuple(now.get(run.id) or (run if run.status.terminal else _again(api, run)) for run in held.runs)
    waiting = sum(run.id not in known for run in new.runs)
    return replace(held, runs=rows, total=new.total, waiting=waiting)


def places(runs: Sequence[Run], wanted: Sequence[UUID]) -> list[int]:
    """Of these runs among the rows."""
    return [place for place, run in enumerate(runs) if run.id in wanted]


def _unsorted(filters: dict[str, Filter]) -> dict[str, Filter]:
    return {name: one for name, one in filters.items() if name != "sort"}


def _again(api: Client, run: Run) -> Run:
    """As it stands now; as it stood, if it is gone."""
    try:
        return api.run(run.id)
    except ApiError:
        return run
