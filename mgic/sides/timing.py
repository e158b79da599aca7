"""Blocks of samples until every model is settled or the time is over."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from mgic.errors import NotMeasured
from mgic.gate.judging import Judged, judge
from mgic.gate.limits import Rules
from mgic.measure.blocks import Code, Parents, order_of, sampled
from mgic.records import Arm, ModelFigures, Sampled

MAX_BLOCKS = 80  # a measurement and a second one, each of which ends by itself
SAMPLE_S = 0.25  # of CPU time that the passes of a sample should take together
PASSES = (5, 200)
WARM_UP_S = 0.2
TRIAL = 3  # passes of the sample by which their number is chosen


@dataclass(frozen=True)
class Way:
    """How a pass is made."""

    engine: str = "eager"
    batch_size: int = 1
    seed: int = 0


@dataclass
class Timed:
    """What has been measured so far.

    Args:
        samples: All of them, in order.
        judged: By model, in the present state.
        failed: By model, why it could not be measured on a side.
        blocks: That were begun.
        remarks: What was done otherwise, and why.
    """

    samples: list[Sampled] = field(default_factory=list)
    judged: dict[str, Judged] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocks: int = 0
    remarks: list[str] = field(default_factory=list)


def measure(
    pairs: Mapping[str, tuple[ModelFigures, ModelFigures]],
    codes: Mapping[Arm, Code],
    preload: Sequence[str],
    rules: Rules,
    way: Way,
    until: float,
    log: Path,
    tell: Callable[[Timed], None],
) -> Timed:
    """Measure in blocks.

    Args:
        pairs: By spec, base and head.
        codes: Of the three arms.
        preload: What both sides import of packages.
        rules: Limits.
        way: How a pass is made.
        until: `time.monotonic()` at which it ends, settled or not.
        log: Where the processes print to.
        tell: Called after each block.
    """
    timed = Timed()
    passes: dict[str, int] = {}
    longest = 0.0
    open_models = list(pairs)
    while open_models and timed.blocks < MAX_BLOCKS and time.monotonic() + longest < until:
        began = time.monotonic()
        with Parents(codes, preload, log) as made:
            if made.remark:
                _once(timed.remarks, made.remark)
            for model in open_models:
                try:
                    _measure_block(model, pairs[model], made, passes, way, timed)
                except NotMeasured as error:
                    timed.failed[model] = str(error)
        timed.blocks += 1
        longest = max(longest, time.monotonic() - began) if longest else time.monotonic() - began
        last = timed.blocks >= MAX_BLOCKS or time.monotonic() + longest >= until
        for model in open_models:
            if model not in timed.failed:
                known = timed.judged.get(model, Judged())
                timed.judged[model] = judge(timed.samples, model, rules.of(model), known, last, way.batch_size)
        open_models = [m for m in open_models if m not in timed.failed and not timed.judged[m].settled]
        tell(timed)
    return timed


def _measure_block(
    model: str,
    pair: tuple[ModelFigures, ModelFigures],
    made: Parents,
    passes: dict[str, int],
    way: Way,
    timed: Timed,
) -> None:
    """The four samples of a block; they are kept only if all of them were made."""
    if model not in passes:
        trial = _ask("base", pair[0], made, way, TRIAL)
        each_s = median(trial["cpu_samples_ms"] or trial["samples_ms"]) / 1000
        passes[model] = max(PASSES[0], min(PASSES[1], round(SAMPLE_S / max(each_s, 1e-6))))
    stage = timed.judged[model].stage if model in timed.judged else "first"
    found = []
    for place, arm in enumerate(order_of(timed.blocks)):
        timing = _ask(arm, pair[arm == "head"], made, way, passes[model])
        if timing["no_instructions"]:
            _once(timed.remarks, timing["no_instructions"])
        found.append(sampled(model, stage, timed.blocks, place, arm, timing))
    timed.samples.extend(found)


def _ask(arm: Arm, figures: ModelFigures, made: Parents, way: Way, passes: int) -> dict[str, Any]:
    setup = {
        "model": figures.name,
        "options": figures.options,
        "input_size": list(figures.input_size),
        "engine": way.engine,
        "device": "cpu",
        "threads": 1,
        "batch_size": way.batch_size,
        "precision": "float32",
        "memory_format": "contiguous",
        "seed": way.seed,
        "samples": passes,
        "seconds": 60.0,
        "warm_up_seconds": WARM_UP_S,
    }
    try:
        return made.ask(arm, {"task": "measure", "setup": setup})
    except NotMeasured as error:
        raise NotMeasured(f"{'head' if arm == 'head' else 'base'}: {error}") from error


def _once(remarks: list[str], words: str) -> None:
    if words not in remarks:
        remarks.append(words)
