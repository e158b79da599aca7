"""Blocks of samples until every model is settled or the time is over."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mgic.cores import open_cores
from mgic.errors import NotMeasured
from mgic.gate.judging import Judged, judge
from mgic.gate.limits import Rules
from mgic.measure.blocks import Parents, Worker, arms_of, sampled, turn_order
from mgic.measure.files import is_file
from mgic.records import Arm, ModelFigures, Sampled

MAX_BLOCKS = 80  # a measurement and a second one, each of which ends by itself
BLOCKS_A_PROCESS = 4  # at most, so that even six blocks have two memory layouts
STARTS_WORTH = 2  # a process serves until its blocks have taken so many times as long as its start
SAMPLE_S = 0.25  # of CPU time that the passes of a sample should take together: as its fork and its network take
TURN_S = 0.016  # that those of a turn should: what disturbs for longer disturbs all
MOST_PASSES = 50  # in a turn
ROUNDS = (8, 32)
WARM_UP_S = 0.1  # of CPU time
OF_A_GRAPH = ("onnxruntime", "openvino")  # engines that read an exported file
ENGINES = ("eager", "optimized", *OF_A_GRAPH)


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
        still_open: Models that are not settled.
        turns: By model, passes in a turn and rounds of turns.
        graphs: By model and side, the file that the engine reads.
        start_s, block_s: How long the last start of processes took, and the longest block.
    """

    samples: list[Sampled] = field(default_factory=list)
    judged: dict[str, Judged] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocks: int = 0
    remarks: list[str] = field(default_factory=list)
    still_open: list[str] = field(default_factory=list)
    turns: dict[str, tuple[int, int]] = field(default_factory=dict)
    graphs: dict[tuple[str, Arm], str] = field(default_factory=dict)
    start_s: float = 0.0
    block_s: float = 0.0

    def time_is_left(self, until: float, with_start: bool = True) -> bool:
        """For one more block, and for the start of a process where it needs one."""
        needed = self.block_s + (self.start_s if with_start else 0.0)
        return self.blocks < MAX_BLOCKS and time.monotonic() + needed < until


def measure(
    pairs: Mapping[str, tuple[ModelFigures, ModelFigures]],
    first: Parents,
    another: Callable[[], Parents],
    rules: Rules,
    way: Way,
    until: float,
    tell: Callable[[Timed], None],
    folder: Path,
) -> Timed:
    """Measure in blocks.

    Args:
        pairs: By spec, base and head.
        first: Processes for the first blocks; who made them closes them.
        another: Starts fresh ones, for the next.
        rules: Limits.
        way: How a pass is made.
        until: `time.monotonic()` at which it ends, settled or not.
        tell: Called after each block.
        folder: Where exported files are put.
    """
    timed = Timed(still_open=list(pairs))
    first.end_by(until)
    if way.engine in OF_A_GRAPH:
        _export(first, timed, pairs, way, folder)
    _in_processes(first, timed, pairs, rules, way, until, tell)
    while timed.still_open and timed.time_is_left(until):
        with another() as made:
            _in_processes(made, timed, pairs, rules, way, until, tell)
    return timed


def _export(
    made: Parents, timed: Timed, pairs: Mapping[str, tuple[ModelFigures, ModelFigures]], way: Way, folder: Path
) -> None:
    """Write each network that is no file by itself, once a side."""
    sides: tuple[Arm, Arm] = ("base", "head")
    for model, pair in pairs.items():
        if is_file(model):
            continue
        try:
            for side, figures in zip(sides, pair, strict=True):
                graph = str(folder / f"{len(timed.graphs)}.onnx")
                with _side(side):
                    job = {"task": "export", "setup": _setup(figures, way, graph), "core": None}
                    made.open(side, job)[0].close()
                timed.graphs[model, side] = graph
        except NotMeasured as error:
            timed.failed[model] = str(error)
            timed.still_open.remove(model)


def _in_processes(
    made: Parents,
    timed: Timed,
    pairs: Mapping[str, tuple[ModelFigures, ModelFigures]],
    rules: Rules,
    way: Way,
    until: float,
    tell: Callable[[Timed], None],
) -> None:
    """Blocks until it is time for other processes: a second measurement has its own from the first block on."""
    if made.remark:
        _once(timed.remarks, made.remark)
    timed.start_s = made.seconds
    made.end_by(until)
    began = time.monotonic()
    for count in range(1, BLOCKS_A_PROCESS + 1):
        block_began = time.monotonic()
        for model in timed.still_open:
            try:
                _measure_block(model, pairs[model], made, way, timed)
            except NotMeasured as error:
                timed.failed[model] = str(error)
        timed.blocks += 1
        timed.block_s = max(timed.block_s, time.monotonic() - block_began)
        enough = count == BLOCKS_A_PROCESS or time.monotonic() - began >= STARTS_WORTH * made.seconds
        last = not timed.time_is_left(until, with_start=enough)
        suspected = [_judge_block(model, timed, rules, way, until, last) for model in timed.still_open]
        timed.still_open = [m for m in timed.still_open if m not in timed.failed and not timed.judged[m].settled]
        tell(timed)
        if enough or last or any(suspected) or not timed.still_open:
            return


def _judge_block(model: str, timed: Timed, rules: Rules, way: Way, until: float, last: bool) -> bool:
    """What a further block says of a model; whether it is suspected now, for the first time."""
    if model in timed.failed:
        return False
    known = timed.judged.get(model, Judged())

    def judged(no_more: bool) -> Judged:
        return judge(timed.samples, model, rules.of(model), known, no_more, way.batch_size)

    found = judged(last)
    suspected = found.stage == "confirming" and known.stage == "first"
    if suspected and not timed.time_is_left(until):  # a second measurement needs processes of its own
        found = judged(True)
    timed.judged[model] = found
    return suspected


def _measure_block(model: str, pair: tuple[ModelFigures, ModelFigures], made: Parents, way: Way, timed: Timed) -> None:
    """The four samples of a block, in turns; they are kept only if all of them were made."""
    arms = arms_of(timed.blocks)
    cores = open_cores()  # one for all samples of a block, another after two: each has as many blocks of either order
    core = cores[timed.blocks // 2 % len(cores)] if cores else None
    workers: list[Worker] = []
    try:
        for arm in arms:
            with _side(arm):
                graph = timed.graphs.get((model, "head" if arm == "head" else "base"), "")
                setup = _setup(pair[arm == "head"], way, graph)
                worker, told = made.open(arm, {"task": "build", "setup": setup, "core": core})
            workers.append(worker)
            timed.turns.setdefault(model, _turns(told["pass_s"]))
        passes, rounds = timed.turns[model]
        for number in range(rounds):
            for place in turn_order(number):
                with _side(arms[place]):
                    workers[place].ask({"task": "take", "passes": passes})
        timings = [worker.ask({"task": "timing"}) for worker in workers]
    finally:
        for worker in workers:
            worker.close()
    stage = timed.judged[model].stage if model in timed.judged else "first"
    for place, (arm, timing) in enumerate(zip(arms, timings, strict=True)):
        if timing["no_instructions"]:
            _once(timed.remarks, timing["no_instructions"])
        timed.samples.append(sampled(model, stage, timed.blocks, place, arm, timing))


def _turns(pass_s: float) -> tuple[int, int]:
    """Passes in a turn, and rounds of turns, a multiple of four."""
    passes = max(1, min(MOST_PASSES, round(TURN_S / max(pass_s, 1e-6))))
    rounds = round(SAMPLE_S / max(passes * pass_s, 1e-6))
    return passes, 4 * (max(ROUNDS[0], min(ROUNDS[1], rounds)) // 4)


@contextmanager
def _side(arm: Arm) -> Iterator[None]:
    """Errors say whose code it was."""
    try:
        yield
    except NotMeasured as error:
        raise NotMeasured(f"{'head' if arm == 'head' else 'base'}: {error}") from error


def _setup(figures: ModelFigures, way: Way, graph: str) -> dict[str, Any]:
    return {
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
        "samples": 1,
        "seconds": 0.0,
        "warm_up_seconds": WARM_UP_S,
        "onnx": graph,
    }


def _once(remarks: list[str], words: str) -> None:
    if words not in remarks:
        remarks.append(words)
