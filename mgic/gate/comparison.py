"""Is any metric of a model worse than its baseline allows?

Exact metrics are compared as they are: parameters, multiply-accumulates, size, and the top-1 of one run.
"""

from collections.abc import Sequence

from mgic.errors import NotInBaseline, Problem
from mgic.gate.limits import EXACT, Rules, limit_of, movement
from mgic.records import (
    Baseline,
    Comparison,
    GateMetric,
    GateVerdict,
    Limits,
    MetricVerdict,
    ModelFigures,
    RowVerdict,
    Source,
    Top1,
)

ORDER = ("regression", "gone", "not measured", "inconclusive", "pass")
Pair = tuple[ModelFigures, ModelFigures]  # base, head


def find_base(baseline: Baseline, spec: str, pointer: str) -> ModelFigures:
    """What a model is held against: the entry of the same spec, or else the only one of the same name.

    Args:
        baseline: Where to look.
        spec: Of the model, canonical.
        pointer: Where it stands in the request.

    Raises:
        NotInBaseline: There is none, or more than one of that name.
    """
    named = [model for model in baseline.models if model.name == spec.partition("(")[0]]
    same = [model for model in named if model.model == spec]
    if len(same or named) == 1:
        return (same or named)[0]
    known = ", ".join(model.model for model in named or baseline.models)
    words = f"{spec} is not in the baseline {baseline.name}, which has {known[:500]}"
    raise NotInBaseline(words, (Problem(pointer, "not_in_baseline", words),))


def compare(baseline: Baseline, pairs: Sequence[Pair], source: Source, rules: Rules) -> Comparison:
    """Every metric of every pair with its verdict, and one verdict over all of them.

    Args:
        baseline: Where the first of each pair is from.
        pairs: The baseline's entry, and the figures now.
        source: The program that counted the second.
        rules: Limits that are named must be measured; top1 of the models that have one on a side.
    """
    # Where no model has a top1 it is missed, if it was named, for each of them.
    scored = any(base.top1 or head.top1 for base, head in pairs)
    rows = tuple(
        row
        for base, head in pairs
        for limits in (rules.of(head.model),)
        for row in (*exact(base, head, limits), *_accuracy(base, head, limits, limits.top1 is not None and not scored))
    )
    commit = "" if baseline.source.commit == "unknown" else f", commit {baseline.source.commit[:10]}"
    verdict, summary = overall(rows, rules)
    return Comparison(
        verdict=verdict,
        summary=f"{summary} (baseline {baseline.name} of {baseline.created_at:%Y-%m-%d}{commit})",
        baseline=baseline.name,
        baseline_created_at=baseline.created_at,
        base_source=baseline.source,
        head_source=source,
        rows=rows,
        notes=tuple(_notes(pairs, rows, baseline)),
    )


def exact(base: ModelFigures, head: ModelFigures, limits: Limits) -> list[MetricVerdict]:
    """The rows of what is counted; of a file of weights there are no multiply-accumulates."""
    metrics = [metric for metric in EXACT if metric != "macs" or base.macs or head.macs]
    return [
        _row(base, head, metric, getattr(base, metric), getattr(head, metric), limit_of(limits, metric), "")
        for metric in metrics
    ]


def _accuracy(base: ModelFigures, head: ModelFigures, limits: Limits, wanted: bool) -> list[MetricVerdict]:
    if not (base.top1 or head.top1 or wanted):
        return []
    before, after = (None if side.top1 is None else side.top1.value for side in (base, head))
    why = _not_comparable(base.top1, head.top1)
    return [_row(base, head, "top1", before, after, limit_of(limits, "top1"), why)]


def _row(
    base: ModelFigures,
    head: ModelFigures,
    metric: GateMetric,
    before: float | None,
    after: float | None,
    limit: str,
    why_not: str,
) -> MetricVerdict:
    verdict: RowVerdict = "not measured"
    change = percent = None
    improved = False
    if before is not None and after is not None and not why_not:
        worse, improved = movement(metric, before, after, limit)
        verdict = "regression" if worse else "pass"
        change = after - before
        percent = 100 * change / before if before and metric != "top1" else None
    return MetricVerdict(
        model=head.model,
        base_model=base.model,
        metric=metric,
        base=before,
        head=after,
        change=change,
        change_percent=percent,
        limit=limit,
        verdict=verdict,
        improved=improved,
        note=why_not,
    )


def _not_comparable(base: Top1 | None, head: Top1 | None) -> str:
    """Why two accuracies say nothing of the networks; empty where they do. Seeds may differ."""
    if base is None:
        return "the baseline has no run of it"
    if head is None:
        return "no run of it was given"
    before, after = (
        {
            "experiment": side.experiment,
            "experiment_version": side.experiment_version,
            "dataset": side.dataset,
            "dataset_hash": side.dataset_hash,
            "epochs": side.epochs,
            **side.training,
        }
        for side in (base, head)
    )
    fields = [field for field in before | after if before.get(field, ...) != after.get(field, ...)]
    shown = [f"{field} {before.get(field, 'none')} -> {after.get(field, 'none')}" for field in fields[:5]]
    return f"trained otherwise: {', '.join(shown)}"[:500] if fields else ""


def overall(rows: Sequence[MetricVerdict], rules: Rules) -> tuple[GateVerdict, str]:
    """One verdict over all rows, and a sentence.

    A row that is shown or new decides nothing; a missing figure only where its limit was named, or where all are
    missing.
    """
    judged = [row for row in rows if row.verdict not in ("shown", "new")]
    by = {word: [row for row in judged if row.verdict == word] for word in ORDER}
    missing = by["not measured"]
    lost = [row for row in missing if not row.metric or getattr(rules.of(row.model), row.metric) is not None]
    wanted = lost or (missing if len(missing) == len(judged) else [])
    if by["regression"]:
        verdict: GateVerdict = "regression"
        words = f"{_of(by['regression'], judged)} worse than allowed"
    elif not judged:
        verdict, words = "not measured", "no model is on both sides, so that there is nothing to hold one against"
    elif by["gone"] or wanted:
        verdict = "not measured"
        gone = f"{', '.join(row.model for row in by['gone'][:5])} {_is(by['gone'])} gone" if by["gone"] else ""
        what = f"{len(wanted)} of {len(rows)} figures {_was(wanted)} wanted and not measured" if wanted else ""
        words = " and ".join(filter(None, (gone, what)))
    elif by["inconclusive"]:
        verdict, words = "inconclusive", f"{_of(by['inconclusive'], judged)} not settled"
    else:
        verdict, words = "pass", f"{len(by['pass'])} of {len(judged)} figures are within their limits"
    also = [
        f"{len(by[word])} {word}"
        for word in ("inconclusive", "not measured", "gone")
        if by[word] and word != verdict and not (word == "gone" and verdict == "not measured")
    ]
    return verdict, ", ".join([words, *also])


def _of(some: Sequence[MetricVerdict], judged: Sequence[MetricVerdict]) -> str:
    return f"{len(some)} of {len(judged)} figures {_is(some)}"


def _is(some: Sequence[object]) -> str:
    return "is" if len(some) == 1 else "are"


def _was(some: Sequence[object]) -> str:
    return "was" if len(some) == 1 else "were"


def _notes(pairs: Sequence[Pair], rows: Sequence[MetricVerdict], baseline: Baseline) -> list[str]:
    notes = [f"{row.model}: {row.metric} is not measured, {row.note}." for row in rows if row.note]
    notes += [
        f"{head.model}: seed {head.top1.seed} is held against seed {base.top1.seed}; a difference may be chance."
        for base, head in pairs
        if base.top1 and head.top1 and base.top1.seed != head.top1.seed
    ]
    better = [f"{row.metric} of {row.model}" for row in rows if row.improved]
    if better:
        notes.append(f"Better than {baseline.name}: {', '.join(better)}. Renew the baseline to hold on to it.")
    return notes
