"""From a request to a baseline or a verdict: what `mgic gate` does, with the service's own code as the head."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from backend.catalogue import Catalogue
from backend.errors import KeyMismatch
from backend.store import NewBaseline, NewComparison, Store
from mgic.errors import BadConfig, Conflict, NotFound, Problem, Unavailable, UnknownName
from mgic.gate import Rules, Training, compare, find_base, of_run, with_runs
from mgic.records import Baseline, BaselineRequest, Comparison, ComparisonRequest, MeasuredRequest, ModelFigures

COUNT_S = 5.0  # what was counted by then is remembered, and the next call goes on from there

Answer = TypeVar("Answer")


def add_baseline(request: BaselineRequest, idempotency_key: str | None, store: Store, catalogue: Catalogue) -> Baseline:
    """Count the models and keep them under the name. With a key used for this same request: what it made then.

    Raises:
        BadConfig: A model that cannot be counted, or a run that tells nothing of one.
        Conflict: The name is taken, or a run has not succeeded.
        KeyMismatch: The key was used for another request.
        Unavailable: Counting takes too long for one answer.
    """
    digest = _digest(request.model_dump(mode="json"))
    try:
        if earlier := store.baseline_of_key(idempotency_key, digest):
            return earlier
    except Conflict as error:
        raise KeyMismatch(str(error)) from error
    if store.baselines(1, name=request.name)[0]:  # better said before anything is counted
        raise Conflict(f"a baseline is called {request.name} already; a name is given once")
    counting = _Counting(catalogue, None if request.input_size is None else "#/input_size")
    counted = [
        counting.figures(f"#/models/{number}", spec, request.input_size) for number, spec in enumerate(request.models)
    ]
    _no_model_twice(counted)
    models = with_runs(counted, _trainings(request.runs, store))
    return store.add_baseline(NewBaseline(request.name, catalogue.source(), models, idempotency_key, digest))


def add_comparison(
    request: ComparisonRequest | MeasuredRequest,
    idempotency_key: str | None,
    store: Store,
    catalogue: Catalogue,
    owner: str | None = None,
) -> Comparison:
    """Keep a verdict: what was measured elsewhere as it is, else that of the service's own code, which is counted now.

    With a key used for this same request: what it made then.

    Raises:
        BadConfig, Conflict, Unavailable: As `verdict` does.
        KeyMismatch: The key was used for another request.
    """
    own = {"measured": {"id", "created_at", "origin"}} if isinstance(request, MeasuredRequest) else None
    digest = _digest(request.model_dump(mode="json", exclude=own))
    try:
        if earlier := store.comparison_of_key(idempotency_key, digest):
            return earlier
    except Conflict as error:
        raise KeyMismatch(str(error)) from error
    if isinstance(request, MeasuredRequest):
        return store.add_comparison(NewComparison(request.measured, "elsewhere", idempotency_key, digest, owner))
    counted = verdict(request, store, catalogue).model_copy(update={"name": request.name})
    return store.add_comparison(NewComparison(counted, "service", idempotency_key, digest, owner))


def _digest(request: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def verdict(request: ComparisonRequest, store: Store, catalogue: Catalogue) -> Comparison:
    """Hold the models, counted now, against the baseline.

    Raises:
        BadConfig: No such baseline, model or run.
        Conflict: A run has not succeeded.
        Unavailable: Counting takes too long for one answer.
    """
    baseline = _baseline(request.baseline, store)
    trainings = _trainings(request.runs, store)
    counting = _Counting(catalogue)
    if request.models is None:
        bases = list(baseline.models)
        asked = [(f"#/baseline/models/{number}/model", base.model) for number, base in enumerate(bases)]
    else:
        asked = [
            (place, counting.canonical(place, spec))
            for place, spec in ((f"#/models/{number}", spec) for number, spec in enumerate(request.models))
        ]
        bases = [find_base(baseline, spec, place) for place, spec in asked]
    heads = [counting.figures(place, spec, base.input_size) for (place, spec), base in zip(asked, bases, strict=True)]
    _no_model_twice(heads)
    pairs = list(zip(bases, with_runs(heads, trainings), strict=True))
    return compare(baseline, pairs, catalogue.source(), Rules(request.limits))


def _baseline(given: str | Baseline, store: Store) -> Baseline:
    if isinstance(given, Baseline):
        return given
    try:
        return store.baseline(UUID(given))
    except (ValueError, NotFound):  # no id, or none of ours: then it is a name
        found, _ = store.baselines(1, name=given)
    if not found:
        words = f"there is no baseline {given[:120]!r}"
        raise BadConfig(words, (Problem("#/baseline", "unknown_name", words),))
    return found[0]


def _trainings(run_ids: Sequence[UUID], store: Store) -> list[Training]:
    found = []
    for number, run_id in enumerate(run_ids):
        place = f"#/runs/{number}"
        try:
            run = store.run(run_id)
        except NotFound as error:
            raise BadConfig(str(error), (Problem(place, "unknown_name", str(error)),)) from error
        if run.imported:
            words = f"run {run_id} is of the demo data: it was not measured here"
            raise BadConfig(words, (Problem(place, "imported", words),))
        found.append(of_run(run, place))
    return found


def _no_model_twice(models: Sequence[ModelFigures]) -> None:
    specs = [model.model for model in models]
    for number, spec in enumerate(specs):
        if spec in specs[:number]:
            words = f"{spec} stands there twice"
            raise BadConfig(words, (Problem(f"#/models/{number}", "repeated", words),))


class _Counting:
    """Questions about the models of one request.

    Args:
        catalogue: Who is asked.
        size_place: Where the request has the size of the input, if it has one; other faults
            are told at the model's own place.
    """

    def __init__(self, catalogue: Catalogue, size_place: str | None = None) -> None:
        self._catalogue = catalogue
        self._size_place = size_place
        self._deadline = time.monotonic() + COUNT_S

    def canonical(self, place: str, spec: str) -> str:
        return self._asked(place, lambda: self._catalogue.canonical(spec))

    def figures(self, place: str, spec: str, input_size: tuple[int, ...] | None) -> ModelFigures:
        return self._asked(place, lambda: self._catalogue.figures(spec, input_size))

    def _asked(self, place: str, question: Callable[[], Answer]) -> Answer:
        if time.monotonic() > self._deadline:
            raise Unavailable(f"{place.removeprefix('#/')} is still to be counted; send it again")
        try:
            return question()
        except UnknownName as error:
            raise BadConfig(str(error), (Problem(place, "unknown_name", str(error)),)) from error
        except BadConfig as error:
            code = error.problems[0].code if error.problems else "validation"
            of_size = code in ("input_size", "input_misfit") and self._size_place
            raise BadConfig(str(error), (Problem(of_size or place, code, str(error)),)) from error
