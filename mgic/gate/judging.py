"""From the samples of a model to a verdict on each of its metrics, block by block."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mgic.gate.effects import blocks, centre
from mgic.gate.limits import TIMED, limit_of
from mgic.gate.sequential import LEAST_BLOCKS, Decision, confirm, decide
from mgic.records import GateMetric, Limits, MetricVerdict, ModelFigures, RowVerdict, Sampled, Stage, TimedMetric
from mgic.records.limits import WRITTEN, allowances
from mgic.statistics.signed_rank import signed_rank

UNREADABLE = "it could not be read here, or nothing was timed"
ENDS: tuple[RowVerdict, ...] = ("pass", "regression", "inconclusive")
SHOWN: tuple[TimedMetric, ...] = ("wall_time", "p50", "throughput")  # without a limit these are told


@dataclass(frozen=True)
class State:
    """How one metric of a model stands.

    Args:
        decision: The last one.
        suspected_at: Blocks of the first measurement, where it suspected a regression; the second one begins there.
        verdict: None while it is open.
    """

    decision: Decision | None = None
    suspected_at: int = 0
    verdict: RowVerdict | None = None


@dataclass(frozen=True)
class Judged:
    """How one model stands, by metric that has a limit and can be read."""

    states: dict[TimedMetric, State] = field(default_factory=dict)
    settled: bool = False

    @property
    def stage(self) -> Stage:
        """`confirming` while a regression of a metric is suspected."""
        open_states = [state for state in self.states.values() if state.verdict is None]
        return "confirming" if any(state.suspected_at for state in open_states) else "first"


def judge(samples: Sequence[Sampled], model: str, limits: Limits, known: Judged, last: bool, batch: int) -> Judged:
    """The state after one more block.

    Args:
        samples: All so far, of this model and of others.
        model: Its spec.
        limits: Its limits.
        known: The state before.
        last: Whether no further block will be measured.
        batch: Samples in a pass.
    """
    states = {}
    for metric in TIMED:
        limit = limit_of(limits, metric)
        if not limit or not blocks(samples, model, metric):
            continue
        state = known.states.get(metric, State())
        states[metric] = state if state.verdict else _next(samples, model, metric, limit, state, last, batch)
    return Judged(states, all(state.verdict for state in states.values()))


def _next(
    samples: Sequence[Sampled], model: str, metric: TimedMetric, limit: str, state: State, last: bool, batch: int
) -> State:
    found = blocks(samples, model, metric, state.suspected_at)
    effects, controls = [one.effect for one in found], [one.difference for one in found]
    allowed = as_log_ratio(metric, limit, base_value(samples, model, metric, batch))
    if state.suspected_at:
        second = confirm(effects, controls, allowed, last)
        return replace(state, decision=second, verdict=None if second.outcome == "go on" else _end(second.outcome))
    first = decide(effects, controls, allowed, last)
    if first.outcome == "suspect":
        count = max(one.block for one in samples if one.model == model) + 1
        if last:
            why = f"a regression is suspected, and no time was left to measure it a second time; {first.why}"
            return State(replace(first, why=why), 0, "inconclusive")
        return State(first, count, None)
    return State(first, 0, None if first.outcome == "go on" else _end(first.outcome))


def _end(outcome: Literal["pass", "suspect", "regression", "inconclusive", "go on"]) -> RowVerdict:
    return next(end for end in ENDS if end == outcome)


def as_log_ratio(metric: TimedMetric, limit: str, base: float | None) -> float:
    """The limit as a logarithm of head over base; of throughput as one of the time of a pass."""
    share = max(
        float(one.amount) / 100 if one.relative else float(one.amount) / (base or math.inf)
        for one in allowances(metric, limit)
    )
    if WRITTEN[metric].sign == "-":
        return -math.log1p(-share) if share < 1 else math.inf
    return math.log1p(share)


def base_value(samples: Sequence[Sampled], model: str, metric: TimedMetric, batch: int) -> float | None:
    """Of both times of the base, in the metric's unit."""
    return _value(metric, centre(samples, model, metric, ("base", "control")), batch)


def _value(metric: TimedMetric, found: float | None, batch: int) -> float | None:
    return 1000 * batch / found if metric == "throughput" and found else found


def rows(
    samples: Sequence[Sampled], base: ModelFigures, head: ModelFigures, limits: Limits, judged: Judged, batch: int
) -> list[MetricVerdict]:
    """A row a metric: those that have a limit with their verdict, and the usual ones without as they are."""
    found = []
    for metric in TIMED:
        limit = limit_of(limits, metric)
        state = judged.states.get(metric)
        if state is not None and state.decision is not None:
            found.append(_row(samples, base, head, metric, limit, state.verdict or "inconclusive", state, batch))
        elif not limit and metric in SHOWN and (several := blocks(samples, head.model, metric)):
            effects, controls = [one.effect for one in several], [one.difference for one in several]
            found.append(_row(samples, base, head, metric, "", "shown", State(told(effects, controls)), batch))
        elif getattr(limits, metric) is not None or (metric == "peak_memory" and blocks(samples, head.model, "p50")):
            found.append(missing(base, head, metric, limit))
    return found


def _row(
    samples: Sequence[Sampled],
    base: ModelFigures,
    head: ModelFigures,
    metric: TimedMetric,
    limit: str,
    verdict: RowVerdict,
    state: State,
    batch: int,
) -> MetricVerdict:
    decision = state.decision
    if decision is None or decision.estimate is None:
        return missing(base, head, metric, limit)
    why = decision.why
    if state.suspected_at:  # what is shown is of both measurements: the second alone may be too short for 95 %
        whole = blocks(samples, head.model, metric)
        decision = told([one.effect for one in whole], [one.difference for one in whole])
    few = decision.n < LEAST_BLOCKS  # no interval of 95 % is known of so few
    before = base_value(samples, head.model, metric, batch)
    turned = metric == "throughput"
    low, high = (decision.high, decision.low) if turned else (decision.low, decision.high)
    change = _percent(decision.estimate or 0.0, turned)
    after = None if before is None else before * (1 + change / 100)
    return MetricVerdict(
        model=head.model,
        base_model=base.model,
        metric=metric,
        base=before,
        head=after,
        change=None if before is None or after is None else after - before,
        change_percent=change,
        limit=limit,
        verdict=verdict,
        improved=verdict == "pass" and decision.high is not None and decision.high < 0,
        note=why[:1000] if verdict == "inconclusive" else "",
        low_percent=None if low is None or few else _percent(low, turned),
        high_percent=None if high is None or few else _percent(high, turned),
        n=decision.n,
        first_n=state.suspected_at if verdict == "regression" else 0,
        control_low_percent=None if decision.control_low is None else _percent(decision.control_low, False),
        control_high_percent=None if decision.control_high is None else _percent(decision.control_high, False),
    )


def told(effects: Sequence[float], controls: Sequence[float]) -> Decision:
    """Of a metric without a limit: the interval of a single look, and nothing that follows from it."""
    found, base = signed_rank(effects), signed_rank(controls)
    bounds = found.low, found.high, found.confidence
    return Decision("go on", found.n, found.estimate, *bounds, base.low, base.high, "")


def _percent(log_ratio: float, turned: bool) -> float:
    return 100 * math.expm1(-log_ratio if turned else log_ratio)


def missing(
    base: ModelFigures, head: ModelFigures, metric: GateMetric, limit: str, why: str = UNREADABLE
) -> MetricVerdict:
    """The row of a figure that there is not."""
    specs = {"model": head.model, "base_model": base.model}
    return MetricVerdict(**specs, metric=metric, limit=limit, verdict="not measured", note=why)
