"""Gates by the command, one after another, while two other processes keep the machine busy; each is kept as it ends.

Called again it goes on where it was cut, so that the whole may be made in parts.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mgic.gate.effects import blocks
from mgic.process import die_with_parent
from mgic.records import Comparison, MetricVerdict, TimedMetric
from mgic.statistics import Centre, signed_rank
from tests.bench.gates.play import rate, table
from tests.bench.gates.repository import BATCHES, MODEL, changes, made, switch

PLAN: Mapping[str, int] = MappingProxyType({"same": 34, "slower": 15, "little": 6, "memory": 5})  # gates of a branch
METRIC_OF: Mapping[str, TimedMetric] = MappingProxyType({"memory": "peak_memory"})  # else CPU time
BUDGET = "2m"
EXACT_FREE = "params:+1000%,macs:+1000%,size_bytes:+1000%"  # what is counted would find the changes at once
BUSY = "import numpy\na = numpy.ones((256, 256))\nwhile True: a @ a"
LONGEST_S = 600
ENDS = ("pass", "regression", "inconclusive")
ENDED = (0, 1, 4)  # the codes of a gate that gave a verdict


@dataclass(frozen=True)
class Kept:
    """One gate."""

    branch: str
    seconds: float
    comparison: Comparison

    def line(self) -> str:
        told = {"branch": self.branch, "seconds": self.seconds, "comparison": self.comparison.model_dump(mode="json")}
        return json.dumps(told)

    @property
    def metric(self) -> TimedMetric:
        return METRIC_OF.get(self.branch, "cpu_time")

    @property
    def row(self) -> MetricVerdict:
        """Of the metric that the branch changes."""
        return next(row for row in self.comparison.rows if row.metric == self.metric)


def path_of(folder: Path) -> Path:
    return folder / "gates.jsonl"


def read(folder: Path) -> list[Kept]:
    path = path_of(folder)
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return [_kept(json.loads(line)) for line in lines]


def _kept(told: Mapping[str, Any]) -> Kept:
    return Kept(told["branch"], told["seconds"], Comparison.model_validate(told["comparison"]))


def record(folder: Path, seconds: float) -> None:
    """Gates of all branches until the plan is done, or for so long; the last one is ended."""
    repository, until = made(folder / "repository"), time.monotonic() + seconds
    counts = dict.fromkeys(PLAN, 0)
    for one in read(folder):
        counts[one.branch] += 1
    with busy():
        while time.monotonic() < until:
            branch = min(PLAN, key=lambda one: counts[one] / PLAN[one])
            if counts[branch] >= PLAN[branch]:
                return
            kept = gate(repository, branch)
            with path_of(folder).open("a", encoding="utf-8") as file:
                file.write(kept.line() + "\n")
            counts[branch] += 1
            print(f"{branch} {counts[branch]}: {kept.row.verdict}, {kept.seconds:.0f} s", file=sys.stderr, flush=True)


@contextmanager
def busy() -> Iterator[None]:
    """Two processes that compute without end, until this is left."""
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    alone = die_with_parent()
    made = [subprocess.Popen([sys.executable, "-c", BUSY], env=one_thread, preexec_fn=alone) for _ in range(2)]
    try:
        yield
    finally:
        for process in made:
            process.kill()
            process.wait()


def gate(repository: Path, branch: str) -> Kept:
    """One, by the command, as somebody else calls it."""
    switch(repository, branch)
    begin = time.monotonic()
    command = [sys.executable, "-m", "mgic", "gate", MODEL, "--base", "main", "--import", MODEL.partition(":")[0]]
    command += ["--budget", BUDGET, "--format", "json", "--fail-on", EXACT_FREE]
    command += ["--batch-size", str(BATCHES.get(branch, 1))]
    ended = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=LONGEST_S)
    if ended.returncode not in ENDED:
        raise SystemExit(f"mgic gate ended with {ended.returncode}: {ended.stderr[-2000:]}")
    return Kept(branch, time.monotonic() - begin, Comparison.model_validate_json(ended.stdout))


def summary(folder: Path) -> str:
    """What came of them, as Markdown."""
    kept = read(folder)
    known = changes(folder / "repository")
    rows, spreads = [], []
    for branch in PLAN:
        own = [one for one in kept if one.branch == branch]
        if own:
            rows.append([_named(branch, known.get(branch)), *_verdicts(own)])
            spreads.append([branch, *_spread(own)])
    heads = [
        "branch, and its change as measured apart",
        "gates",
        "pass",
        "regression",
        "inconclusive",
        "other metrics",
        "seconds",
    ]
    of_blocks = ["branch", "blocks", "all together", "spread of a block", "of its control", "neighbours correlate by"]
    return "\n\n".join([_conditions(kept), table(heads, rows), table(of_blocks, spreads)]) + "\n"


def _named(branch: str, change: Centre | None) -> str:
    if change is None:
        return branch
    percent = [100 * (ratio - 1) for ratio in (change.estimate, change.low, change.high)]
    what = METRIC_OF.get(branch, "cpu_time")
    return f"{branch}: {what} {percent[0]:+.1f} % ({percent[1]:+.1f} to {percent[2]:+.1f})"


def _verdicts(own: list[Kept]) -> list[str]:
    found = [one.row.verdict for one in own]
    shares = [f"{found.count(verdict)}: {rate(found.count(verdict), len(own))}" for verdict in ENDS]
    others = [
        row.verdict for one in own for row in one.comparison.rows if row.n and row.metric != one.metric and row.limit
    ]
    accused = f"{others.count('regression')} of {len(others)} regressions"
    took = sorted(one.seconds for one in own)
    return [str(len(own)), *shares, accused, f"{statistics.median(took):.0f} ({took[0]:.0f} to {took[-1]:.0f})"]


def _spread(own: list[Kept]) -> list[str]:
    """Of the effects of the metric that the branch changes, in log-ratios."""
    gates = [blocks(one.comparison.samples, MODEL, one.metric) for one in own]
    effects = [[block.effect for block in found] for found in gates]
    together = [effect for found in effects for effect in found]
    controls = [block.difference for found in gates for block in found]
    if len(together) < 4:
        return [str(len(together)), *["-"] * 4]
    mean = statistics.fmean(together)
    near = [(a - mean) * (b - mean) for found in effects for a, b in pairwise(found)]
    variance = statistics.pvariance(together)
    found = signed_rank(together)
    percent = [100 * math.expm1(one) for one in (found.estimate, found.low, found.high)]
    centre = f"{percent[0]:+.1f} % ({percent[1]:+.1f} to {percent[2]:+.1f})"
    correlation = f"{statistics.fmean(near) / variance:.2f} (n = {len(near)})" if near and variance else "-"
    return [
        str(len(together)),
        centre,
        f"{statistics.stdev(together):.3f}",
        f"{statistics.stdev(controls):.3f}",
        correlation,
    ]


def _conditions(kept: list[Kept]) -> str:
    of = [one.comparison.conditions for one in kept if one.comparison.conditions]
    dates = sorted(one.comparison.created_at for one in kept if one.comparison.created_at)
    loads = sorted(load for one in of for load in (one.load_before, one.load_after) if load is not None)
    days = " to ".join(dict.fromkeys(str(one.date()) for one in (dates[0], dates[-1])))
    return (
        f"Made on {days}: {of[0].cores} cores of {of[0].processor}, Python {of[0].python}, torch {of[0].torch},"
        f" load {loads[0]:.0f} to {loads[-1]:.0f} (median {statistics.median(loads):.0f}), `--budget {BUDGET}` a gate."
    )
