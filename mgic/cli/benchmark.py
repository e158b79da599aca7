"""`mgic benchmark`: what MGIC networks take on this machine, as tables."""

import os
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from mgic.cli.loading import core
from mgic.cli.local import DataDir
from mgic.cli.terminal import Code, Meter, naming, put, say
from mgic.cli.versions import parse_budget
from mgic.cores import usable_cores
from mgic.errors import BadConfig
from mgic.records import Point, RunStatus, SweepRequest

PAGE = "benchmarks.md"


def benchmark(
    full: Annotated[
        bool, typer.Option("--full/--quick", help="Every engine, 9 rounds: hours. Or the most telling.")
    ] = False,
    device: Annotated[str, typer.Option(envvar="MGIC_DEVICE", help="auto, cpu or cuda.")] = "auto",
    out: Annotated[Path, typer.Option(help="Where outcomes and tables are kept, and gone on with.")] = Path(
        "benchmark"
    ),
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Begin no run that may not fit, such as 8m.", show_default=False)
    ] = None,
    data_dir: DataDir = Path("data"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Time MGIC networks in turns with those they replace, and write a page of tables.

    A quarter of an hour on a CPU; with --budget 10m what fits. What was cut off is gone on with by the same command.

    Example: mgic benchmark --out benchmark
    """
    end = time.monotonic() + parse_budget(budget) if budget is not None else float("inf")
    where = core().find_device(device)
    if full and where == "cuda":
        raise BadConfig("--full is of the CPU; on a GPU leave it out")
    name = "benchmark_gpu" if where == "cuda" else "benchmark" if full else "benchmark_quick"
    plan = import_module("mgic.benchmark.plan")
    with naming(f"--out: {out} cannot be written"):
        kept = plan.Kept(out)
    planned = plan.planned(name, usable_cores())
    meter = Meter(quiet)
    for why in planned.left_out:
        meter.line(f"left out: {why}")
    try:
        failed = _measure(
            [one for one in planned.points if not kept.has(one.config)], kept, where, data_dir, end, meter
        )
    except KeyboardInterrupt:
        meter.clear()
        say(f"interrupted; the same command goes on after {len(kept.succeeded())} of {len(planned.points)} runs")
        raise typer.Exit(Code.INTERRUPTED) from None
    command = f"mgic benchmark{' --full' * full}{f' --device {where}' * (where == 'cuda')}"
    page = out / PAGE
    done = [one for one in kept.succeeded() if any(one.config == point.config for point in planned.points)]
    page.write_text(import_module("mgic.benchmark.report").report(done, planned.left_out, command), encoding="utf-8")
    put(os.fspath(page))
    if failed:
        say(f"{failed} runs failed")
        raise typer.Exit(Code.RUN_FAILED)
    if len(done) < len(planned.points):
        say(f"{len(done)} of {len(planned.points)} runs fitted into --budget; the same command goes on")


def _measure(points: list[Point], kept: Any, device: str, data_dir: Path, end: float, meter: Meter) -> int:
    """Run what is left, one after another; returns how many have failed.

    The first begins; another, if one that takes as long as the longest so far would end in time.
    """
    failed = 0
    longest = 0.0
    for number, point in enumerate(points):
        start = time.monotonic()
        if number and start + longest > end:
            break
        meter.line(f"{number + 1} of {len(points)} that are left")
        axes = {field: [value] for field, value in point.requested.items()}
        for outcome in core().run_all(SweepRequest(experiment="latency", axes=axes), device, data_dir, None, meter):
            kept.add(outcome)
            failed += outcome.status is not RunStatus.SUCCEEDED
        longest = max(longest, time.monotonic() - start)
    return failed
