"""Comparisons as `mgic gate` would send them, whose blocks are drawn from a seeded generator."""

from collections.abc import Sequence
from math import exp, log, sqrt
from statistics import fmean

import numpy as np
from scipy.special import stdtrit

from mgic.records import Arm, Comparison, Conditions, MetricVerdict, Sampled, SideInfo, Source, Stage

MODELS = ("resnet20", "mgic_resnet20(group_size=8)")
SOURCE = Source(mgic="0.1.0", commit="0" * 40, dirty=False)
CASES = ("pass", "regression", "inconclusive", "gone", "baseline changed")
ORDERS: tuple[tuple[Arm, ...], ...] = (("base", "head", "head", "control"), ("head", "base", "control", "head"))
LIMITS = {"params": "+0%", "macs": "+0%", "size_bytes": "+1KiB", "cpu_time": "+5%", "peak_memory": "+5%"}
FIELDS = {"cpu_time": "cpu_ms", "peak_memory": "peak_bytes", "wall_time": "wall_ms"}
EXACT = {"params": 272_474, "macs": 41_214_592, "size_bytes": 1_103_992}


def drawn(
    case: str = "pass", number: int = 0, models: Sequence[str] = MODELS, base_ms: float = 8.0, blocks: int = 12, **more
) -> Comparison:
    """Of the verdict that the case is called by; "regression": the first model costs 10 % CPU time more.

    Args:
        case: One of `CASES`.
        number: Of the generator; also in the commits.
        models: Specs.
        base_ms: CPU time of a pass of the first model.
        blocks: Of the first stage.
        more: Other fields of the record.
    """
    random = np.random.default_rng([number, CASES.index(case)])
    noise = 0.09 if case == "inconclusive" else 0.012
    samples, rows = [], []
    for place, model in enumerate(models):
        if case == "gone" and place == len(models) - 1:
            rows.append(_row(model, None, None, None, "", "gone", note="the head has no model of this name"))
            continue
        slower = log(1.10) if case == "regression" and place == 0 else 0.0
        stages: list[Stage] = ["first", "confirming"] if slower else ["first"]
        own = [
            one
            for stage in stages
            for block in range(blocks)
            for one in _block(random, model, stage, block, base_ms * (1 + place), slower, noise)
        ]
        samples += own
        rows += [_row(model, metric, value, value, LIMITS[metric], "pass") for metric, value in EXACT.items()]
        told = "pass" if case in ("gone", "baseline changed") or (case == "regression" and place) else case
        rows += [_timed(model, metric, own, told if metric == "cpu_time" else "pass") for metric in FIELDS]
    verdict = {"gone": "not measured", "baseline changed": "pass"}.get(case, case)
    values = {
        "verdict": verdict,
        "summary": _summary(case, rows),
        "baseline": f"{number:010x}",
        "baseline_created_at": None,
        "base_source": SOURCE,
        "head_source": SOURCE,
        "rows": rows,
        "notes": ["The pull request changes the baseline itself: baseline.json."] if case == "baseline changed" else [],
        "name": "acme/vision",
        "base_side": SideInfo(ref="origin/main", commit=f"{number:040x}", branch="main", dirty=False),
        "head_side": SideInfo(ref="head", commit=f"{number + 1:040x}", branch="faster-stem", dirty=False),
        "conditions": _conditions(blocks),
        "samples": samples,
        "ci_run": f"https://ci.example/runs/{number}",
        "pull_request": f"https://git.example/acme/vision/pull/{number}",
    }
    return Comparison.model_validate(values | more)


def _block(
    random: np.random.Generator, model: str, stage: Stage, block: int, ms: float, slower: float, noise: float
) -> list[Sampled]:
    level = random.normal(0, 0.05)  # what a block has in common
    found = []
    for place, arm in enumerate(ORDERS[block % 2]):
        cpu = ms * exp(level + random.normal(0, noise) + (slower if arm == "head" else 0))
        found.append(
            Sampled(
                model=model,
                stage=stage,
                block=block,
                place=place,
                arm=arm,
                cpu_ms=cpu,
                wall_ms=cpu * exp(abs(random.normal(0, 0.3))),
                p50_ms=cpu * exp(abs(random.normal(0, 0.1))),
                instructions=None,
                peak_bytes=int(180e6 * exp(random.normal(0, 0.002))),
            )
        )
    return found


def _timed(model: str, metric: str, samples: Sequence[Sampled], case: str) -> MetricVerdict:
    """With the t-interval over the blocks of the last stage."""
    last = samples[-1].stage
    by_block: dict[int, dict[str, list[float]]] = {}
    for one in samples:
        if one.stage == last:
            arms = by_block.setdefault(one.block, {"base": [], "control": [], "head": []})
            arms[one.arm].append(log(getattr(one, FIELDS[metric])))
    means = [{arm: fmean(values) for arm, values in arms.items()} for arms in by_block.values()]
    effects = [one["head"] - (one["base"] + one["control"]) / 2 for one in means]
    controls = [one["control"] - one["base"] for one in means]
    low, middle, high = _interval(effects)
    control_low, _, control_high = _interval(controls)
    base = exp(fmean((one["base"] + one["control"]) / 2 for one in means))
    verdict = case if metric in LIMITS else "shown"
    return _row(
        model, metric, base, base * exp(middle), LIMITS.get(metric, ""), verdict,
        low_percent=_percent(low), high_percent=_percent(high), n=len(effects),
        control_low_percent=_percent(control_low), control_high_percent=_percent(control_high),
        note="what could be seen is 9 %" if verdict == "inconclusive" else "",
    )  # fmt: skip


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    reach = float(stdtrit(len(values) - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(len(values))
    return fmean(values) - reach, fmean(values), fmean(values) + reach


def _percent(logarithm: float) -> float:
    return 100 * (exp(logarithm) - 1)


def _row(model: str, metric: str | None, base, head, limit: str, verdict: str, note: str = "", **more) -> MetricVerdict:
    change = None if base is None or head is None else head - base
    values = {
        "model": model,
        "base_model": model,
        "metric": metric,
        "base": base,
        "head": head,
        "change": change,
        "change_percent": None if change is None else 100 * change / base,
        "limit": limit,
        "verdict": verdict,
        "improved": False,
        "note": note,
    }
    return MetricVerdict.model_validate(values | more)


def _summary(case: str, rows: Sequence[MetricVerdict]) -> str:
    worse = sum(row.verdict == "regression" for row in rows)
    return {
        "regression": f"{worse} of {len(rows)} figures is worse than allowed",
        "inconclusive": "the machine was too noisy to say",
        "gone": "1 model is gone",
    }.get(case, f"{len(rows)} of {len(rows)} figures are within their limits")


def _conditions(blocks: int) -> Conditions:
    return Conditions(
        engine="eager",
        threads=1,
        batch_size=1,
        budget_s=120,
        elapsed_s=7.5 * blocks,
        blocks=blocks,
        load_before=3.9,
        load_after=4.2,
        cores=2,
        processor="Example CPU 2.4 GHz",
        python="3.12.3",
        torch="2.14.0+cpu",
        hostname="runner-1",
        remarks=("instructions are not counted: the kernel allows no perf_event_open",),
    )
