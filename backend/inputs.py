"""The runs that a request names: looked up, and `sweep:ID` read as each run of that sweep."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backend.catalogue import Catalogue
from backend.store import GONE, Store
from mgic.errors import BadConfig, NotFound, Problem
from mgic.experiment import inputs_of
from mgic.records import MAX_SWEEP_RUNS, Grid, InputRun, Run, SweepRequest, Value, stopped_early

SWEEP = "sweep:"
MOST_WORDS = 60  # of what somebody has written in place of an id


@dataclass(frozen=True)
class Named:
    """A request whose grids name runs by nothing but their ids.

    Args:
        request: With every run in its place.
        grids: As they were asked for.
        runs: What each of those is.
        files: By the fields that name runs, what is read of them.
    """

    request: SweepRequest
    grids: Sequence[Grid]
    runs: Mapping[str, InputRun] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def named_runs(request: SweepRequest, store: Store, catalogue: Catalogue) -> Named:
    """The request with the runs that it names.

    Raises:
        BadConfig: There is no such run or sweep, it is one of another experiment, or it has ended without success.
    """
    wanted = _wanted(catalogue, request.experiment)
    grids = _grids(request)
    texts = [(number, name) for number, grid in enumerate(grids) for name in wanted if name in grid]
    if not texts:
        return Named(request, grids)
    finder = _Finder(store, [value for number, name in texts for value in grids[number][name]])
    problems: list[Problem] = []
    whole = [dict(grid) for grid in grids]
    for number, name in texts:
        place = f"#/axes/{name}" if request.axes is not None else f"#/grids/{number}/{name}"
        whole[number][name] = list(finder.read(grids[number][name], wanted[name]["of"], place, problems))
    if problems:
        raise BadConfig("; ".join(problem.detail for problem in problems), tuple(problems))
    return Named(_with_grids(request, whole), grids, finder.known, _files(wanted))


def following(
    request: SweepRequest, sweep_id: UUID, first: Mapping[UUID, InputRun], store: Store, catalogue: Catalogue
) -> Named:
    """The second sweep of a request: each run of the first one is the input of a cell.

    Args:
        request: The whole of it.
        sweep_id: Of the first sweep.
        first: Its runs.
        store: Where other runs that it names are.
        catalogue: What experiments there are.

    Raises:
        BadConfig: The experiment takes no run, or several, or the field is filled already; or as `named_runs`.
    """
    then = request.then
    assert then is not None
    wanted = _wanted(catalogue, then.experiment)
    name = then.input or next(iter(wanted), "")
    if len(wanted) > 1 and then.input is None:
        raise _refused("#/input", "missing", f"{then.experiment} takes runs as {', '.join(wanted)}: say which is meant")
    if wanted and name not in wanted:
        raise _refused("#/input", "no_input", f"{then.experiment} takes runs as {', '.join(wanted)}")
    for experiment in sorted({run.experiment for run in first.values()} - {*wanted[name]["of"]} if wanted else ()):
        words = (
            f"{then.experiment} takes runs of {' or '.join(wanted[name]['of'])}, and the first sweep has {experiment}"
        )
        raise _refused("#/experiment", "wrong_experiment", words)
    if then.axes is not None and then.grids is not None:
        raise _refused("#/grids", "exclusive", "axes and grids cannot be given together")
    given: dict[str, Any] = {"grids": then.grids} if then.grids is not None else {"axes": then.axes or {}}
    given |= {"name": then.name, "priority": request.priority, "reuse": request.reuse}
    named = named_runs(SweepRequest(experiment=then.experiment, **given), store, catalogue)
    if not wanted and any(info.name == then.experiment for info in catalogue.experiments()):
        raise _refused("#/experiment", "no_input", f"{then.experiment} takes no run as an input")
    if any(name in grid for grid in _grids(named.request)):
        raise _refused(f"#/axes/{name}", "exclusive", f"{name} is filled by the first sweep")
    ids: list[Value] = [str(run_id) for run_id in first]
    return Named(
        _with_grids(named.request, [{name: ids, **grid} for grid in _grids(named.request)]),
        [{name: [f"{SWEEP}{sweep_id}"], **grid} for grid in named.grids],
        {**named.runs, **{str(run_id): run for run_id, run in first.items()}},
        _files(wanted),
    )


def _grids(request: SweepRequest) -> list[Grid]:
    return [request.axes] if request.axes is not None else request.grids or []


def _with_grids(request: SweepRequest, grids: list[Grid]) -> SweepRequest:
    """Longer axes than a request may have are no matter here: the cells are counted."""
    return request.model_copy(update={"axes": grids[0]} if request.axes is not None else {"grids": grids})


def _wanted(catalogue: Catalogue, experiment: str) -> dict[str, dict[str, Any]]:
    """The fields that name runs; none of an experiment that there is not, which the core says better."""
    for info in catalogue.experiments():
        if info.name == experiment:
            return inputs_of(info.config_schema)
    return {}


def _files(wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(one["files"]) for name, one in wanted.items()}


def _refused(pointer: str, code: str, words: str) -> BadConfig:
    return BadConfig(words, (Problem(pointer, code, words),))


class _Finder:
    """Looks all that is named up at once."""

    def __init__(self, store: Store, values: Iterable[Value]) -> None:
        texts = {value for value in values if isinstance(value, str)}
        named = {text: found for text in texts if (found := _uuid(text.removeprefix(SWEEP)))}
        self._runs = store.known_runs(one for text, one in named.items() if not text.startswith(SWEEP))
        self._sweeps = {}
        for text, sweep_id in named.items():
            if text.startswith(SWEEP):
                try:
                    self._sweeps[sweep_id] = store.sweep_runs(sweep_id, MAX_SWEEP_RUNS)[0]
                except NotFound:
                    continue
        self.known: dict[str, InputRun] = {}

    def read(self, axis: list[Value], of: list[str], place: str, problems: list[Problem]) -> Iterator[Value]:
        """Its values with every run in its place; what is wrong with one is added to `problems`."""
        for number, value in enumerate(axis):
            if not isinstance(value, str):  # none, or what the core has words for
                yield value
                continue
            pointer = f"{place}/{number}" if len(axis) > 1 else place
            found = self._found(value)
            if not found:
                what = "no sweep with runs" if value.startswith(SWEEP) else "no run"
                problems.append(Problem(pointer, "unknown_run", f"there is {what} {_short(value)}"))
            for run in found:
                if words := _fault(run, of):
                    code = "input_failed" if run.status in GONE else "wrong_experiment"
                    code = "stopped_early" if stopped_early(run.result) else code
                    problems.append(Problem(pointer, code, words))
                    break
                self.known[str(run.id)] = InputRun(experiment=run.experiment, config=run.config)
                yield str(run.id)

    def _found(self, text: str) -> list[Run]:
        named = _uuid(text.removeprefix(SWEEP))
        if named is None:
            return []
        if text.startswith(SWEEP):
            return [run for run in self._sweeps.get(named, []) if not stopped_early(run.result)]
        return [self._runs[named]] if named in self._runs else []


def _fault(run: Run, of: list[str]) -> str:
    if run.experiment not in of:
        return f"needs a run of {' or '.join(of)}, and {run.id} is one of {run.experiment}"
    if run.status in GONE:
        how = f"has failed ({run.reason})" if run.reason else f"was {run.status}"
        return f"run {run.id} {how}: retry it first, or name another"
    if stopped_early(run.result):
        return f"run {run.id} was ended early by its search: name one that was trained to its end"
    return ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _short(text: str) -> str:
    return repr(text.removeprefix(SWEEP)[:MOST_WORDS])
