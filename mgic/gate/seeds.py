"""Top-1 of base and head by runs under several seeds: are they of these two versions, and trained alike?"""

from collections.abc import Collection, Sequence
from decimal import Decimal

from mgic.errors import BadConfig, Problem
from mgic.gate.accuracy import of_seeds
from mgic.gate.runs import NOT_TRAINING, Training, check_ended
from mgic.records import MetricVerdict, stopped_early
from mgic.spec import parse_spec


def of_runs(
    model: str,
    runs: tuple[Sequence[Training], Sequence[Training]],
    commits: tuple[str | None, str | None],
    options: Collection[str],
    limit: str,
    known: Sequence[Training] = (),
) -> MetricVerdict:
    """The row of `top1`; `not measured` where a run is of other code than its side.

    Args:
        model: Its spec.
        runs: Of base and head, one a seed.
        commits: Of base and head; None: unknown, so that it is not asked for.
        options: Of the model; base and head may differ in their defaults.
        limit: Such as -0.5pp.
        known: Further runs of the model; those that are of the base's code and were trained as it was tell how far two
            seeds are apart, where a side has one run only.

    Raises:
        BadConfig: A run of another experiment or model, two of one seed, or trained otherwise than the first.
        Conflict: A run that has not succeeded, or was ended early.
    """
    base, head = runs
    name, given = parse_spec(model)
    for run in (*base, *head):
        check_ended(run)
        if run.config.get("model") != name or any(run.config.get(key) != value for key, value in given.items()):
            raise _bad(run, f"{run.label} trained {str(run.config.get('model'))[:80]}, not {model}")
    for side in runs:
        _check_alike(side[0], side, ())
    _check_alike(base[0], head, options)
    sides = ("base", base, commits[0]), ("head", head, commits[1])
    strange = [words for side, of_side, commit in sides for run in of_side if (words := _strange(run, side, commit))]
    if strange:
        specs = {"model": model, "base_model": model}
        note = "; ".join(strange)[:1000]
        return MetricVerdict(**specs, metric="top1", limit=limit, verdict="not measured", note=note)
    return of_seeds(model, _by_seed(base), _by_seed(head), limit, _noise(base[0], known))


def _noise(run: Training, known: Sequence[Training]) -> list[float]:
    """Top-1 by those that were trained as the run was, by the same code without changes, one a seed."""
    subject, how = run.environment.get("subject") or {}, _how(run, ())
    if not subject.get("commit") or subject.get("dirty"):
        return []
    found: dict[object, float] = {}
    for one in known:
        other, value = one.environment.get("subject") or {}, (one.result or {}).get("top1")
        same = other.get("commit") == subject["commit"] and not other.get("dirty") and _how(one, ()) == how
        if same and isinstance(value, int | float) and not stopped_early(one.result):
            found.setdefault(one.config.get("seed"), float(value))
    return list(found.values())


def _by_seed(runs: Sequence[Training]) -> dict[int, float]:
    found: dict[int, float] = {}
    for run in runs:
        seed, value = run.config.get("seed"), (run.result or {}).get("top1")
        if not isinstance(seed, int) or not isinstance(value, int | float):
            raise _bad(run, f"{run.label} has no seed, or no top1")
        if seed in found:
            raise _bad(run, f"{run.label}: two runs of one side have seed {seed}; a run a seed is wanted")
        found[seed] = float(Decimal(str(value)))
    return found


def _check_alike(first: Training, others: Sequence[Training], options: Collection[str]) -> None:
    was = _how(first, options)
    for run in others:
        now = _how(run, options)
        fields = [field for field in was | now if was.get(field, ...) != now.get(field, ...)]
        shown = [f"{field} {was.get(field, 'none')} -> {now.get(field, 'none')}" for field in fields[:5]]
        if fields:
            raise _bad(run, f"{run.label} was trained otherwise than {first.label}: {', '.join(shown)}")


def _how(run: Training, options: Collection[str]) -> dict[str, object]:
    elsewhere = (NOT_TRAINING - {"dataset", "epochs"}) | set(options)
    return {
        "experiment": run.experiment,
        "experiment_version": run.environment.get("experiment_version"),
        "dataset_hash": (run.result or {}).get("dataset_hash"),
        **{field: value for field, value in run.config.items() if field not in elsewhere},
    }


def _strange(run: Training, side: str, commit: str | None) -> str:
    """Why a run says nothing of a side; empty where it does, or where the side has no commit."""
    subject = run.environment.get("subject") or {}
    if commit is None:
        return ""
    if subject.get("commit") != commit:
        of = str(subject.get("commit") or "no commit")[:10]
        return f"{run.label} is of {of}, and the {side} is {commit[:10]}"
    return f"{run.label} is of files that were changed since {commit[:10]}" if subject.get("dirty") else ""


def _bad(run: Training, words: str) -> BadConfig:
    return BadConfig(f"{run.pointer}: {words}", (Problem(run.pointer, "validation", words),))
