"""Comparisons: verdicts that are counted here or were measured elsewhere, kept, found again, and shown as a badge."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Path, Query, Response
from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from backend import gate
from backend.auth import Adds, CallerDep, IdempotencyKey, OwnComparison, Reads, Submits
from backend.badges import badge
from backend.deps import CatalogueDep, CursorDep, Limit, RootDep, StoreDep, StrictQuery, Text
from backend.store import ComparisonQuery
from mgic.records import (
    Comparison,
    ComparisonBrief,
    ComparisonRequest,
    GateMetric,
    GateVerdict,
    MeasuredRequest,
    MetricPoint,
    Page,
)

router = APIRouter(tags=["gate"], dependencies=[StrictQuery])
Name = Annotated[Text, Query(description="What it is a comparison of")]
Branch = Annotated[Text, Query(description="Of the head")]
SVG = "image/svg+xml"
PICTURE = {"description": "An SVG picture"}  # without its type, which makers of clients do not know


def _counted_or_measured(value: Any, _union: ValidatorFunctionWrapHandler) -> ComparisonRequest | MeasuredRequest:
    """Told apart by hand: a union would report the faults of both of its members."""
    kind = MeasuredRequest if isinstance(value, dict) and "measured" in value else ComparisonRequest
    return kind.model_validate(value)


Wanted = Annotated[ComparisonRequest | MeasuredRequest, WrapValidator(_counted_or_measured), Body()]


@router.post("/comparisons", status_code=201, dependencies=[Submits, Adds])
def create_comparison(
    request: Wanted,
    response: Response,
    store: StoreDep,
    catalogue: CatalogueDep,
    caller: CallerDep,
    root: RootDep,
    idempotency_key: IdempotencyKey = None,
) -> Comparison:
    """Hold models, counted by this service, against a baseline; or take what was measured elsewhere. Both are kept.

    A regression is an answer too. `origin` says whose numbers they are.
    """
    added = gate.add_comparison(request, idempotency_key, store, catalogue, caller.name or None)
    response.headers["Location"] = f"{root}/comparisons/{added.id}"
    return added


@router.get("/comparisons", dependencies=[Reads])
def list_comparisons(
    store: StoreDep,
    cursor: CursorDep,
    limit: Limit = 50,
    name: Name = None,
    branch: Branch = None,
    verdict: GateVerdict | None = None,
) -> Page[ComparisonBrief]:
    """Newest first, each with its worst row; the others, and what was sampled, are in the comparison itself."""
    query = ComparisonQuery(name=name, branch=branch, verdict=verdict)
    items, place = store.comparisons(limit, cursor.after, query)
    return Page(items=tuple(items), next_cursor=cursor.write(place))


@router.get("/comparisons/history", dependencies=[Reads])
def list_metric_history(
    store: StoreDep,
    cursor: CursorDep,
    model: Annotated[str, Query(max_length=500, pattern=r"^[^\x00]*$")],
    metric: GateMetric,
    limit: Limit = 50,
    name: Name = None,
    branch: Branch = None,
    testbed: Annotated[Text, Query(description="The host that measured")] = None,
) -> Page[MetricPoint]:
    """One metric of one model over comparisons: the newest `limit` of them, oldest first; `next_cursor` leads back."""
    query = ComparisonQuery(name=name, branch=branch, testbed=testbed)
    points, place = store.history(model, metric, limit, cursor.after, query)
    return Page(items=tuple(points), next_cursor=cursor.write(place))


@router.get("/comparisons/{comparison_id}", dependencies=[Reads])
def get_comparison(comparison_id: UUID, store: StoreDep, samples: bool = True) -> Comparison:
    """The whole of it; with `samples=false` all but what each process measured."""
    return store.comparison(comparison_id, samples)


@router.delete("/comparisons/{comparison_id}", status_code=204, dependencies=[Submits, OwnComparison])
def delete_comparison(comparison_id: UUID, store: StoreDep) -> None:
    """Forget it, and its points in the history of its metrics."""
    store.delete_comparison(comparison_id)


@router.get(
    "/badges/{name:path}.svg",
    response_class=Response,
    responses={200: PICTURE, 304: {"description": "It is as the client has it"}},
    dependencies=[Reads],
)
def get_badge(
    name: Annotated[str, Path(max_length=120, pattern=r"^[^\x00]*$")],
    store: StoreDep,
    branch: Branch = None,
    known: Annotated[str | None, Header(alias="If-None-Match")] = None,
) -> Response:
    """The newest verdict of that name as a picture; grey where there is none, since a README is to show a picture."""
    found, _ = store.comparisons(1, query=ComparisonQuery(name=name, branch=branch))
    text = badge(name, found[0] if found else None)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if known and (known.strip() == "*" or tag in known):
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=SVG, headers=headers)
