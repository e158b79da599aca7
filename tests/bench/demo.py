"""Measure the results that ship with the service: `python -m tests.bench.demo URL backend/demo.json`, half an hour.

The service at URL should have a quiet machine to itself. Sweeps of these names that have ended there are taken as
they are, so that a stopped command goes on.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mgic.client import Client
from mgic.records import Run, Sweep, SweepRequest

COST = ["resnet20", "mgic_resnet20", "resnet56", "mgic_resnet56", "resnet110", "mgic_resnet110", "resnet50"]
COST += ["mgic_resnet50", "mobilenet_v2", "mgic_mobilenet_v3", "ghostnet_100", "mobilenext"]
LATENCY = ["resnet20", "mgic_resnet20", "resnet56", "mgic_resnet56"]
DIGITS = 6  # significant ones that are kept of a number in a curve


def requests(client: Client) -> list[SweepRequest]:
    ablation = next(recipe for recipe in client.recipes() if recipe.name == "ablation_quick")
    grids = [
        {**grid, "seed": [0, 1, 2], **({"group_size": [4, 8]} if "group_size" in grid else {})}
        for grid in ablation.grids
    ]
    timed = {"models": [LATENCY], "threads": [1]}
    return [
        SweepRequest(experiment="cost", axes={"model": COST}, name="Cost of twelve networks"),
        SweepRequest(experiment="classification", grids=grids, name="Group size against coarsest size"),
        SweepRequest(experiment="latency", axes=timed, name="Latency of four networks", priority=0),
    ]


def measured(client: Client) -> list[Sweep]:
    known = {sweep.name: sweep for sweep in reversed(client.sweeps(500).items)}
    sweeps = [known.get(request.name or "") or client.submit(request) for request in requests(client)]
    return [client.wait(sweep.id) for sweep in sweeps]


def archive(client: Client, sweeps: Sequence[Sweep]) -> dict[str, Any]:
    found = {sweep.id: client.sweep_runs(sweep.id) for sweep in sweeps}
    if left := [run.id for of_sweep in found.values() for run in of_sweep if run.status != "succeeded"]:
        raise SystemExit(f"these have not succeeded: {left}")
    (timed,) = found[sweeps[-1].id]
    assert timed.environment is not None
    assert timed.result is not None
    told = {"date": datetime.now(UTC).date().isoformat(), "commit": timed.environment["source"]["commit"]}
    told |= {name: timed.result[name] for name in ("processor", "cores")}
    return {"measured": told, "sweeps": [_sweep(client, sweep, found[sweep.id]) for sweep in sweeps]}


def _sweep(client: Client, sweep: Sweep, runs: Sequence[Run]) -> dict[str, Any]:
    shared = _shared([run.environment or {} for run in runs])
    del shared["subject"]  # the lab itself, and where its checkout lay
    return {
        "name": sweep.name,
        "experiment": sweep.experiment,
        "grids": sweep.grids,
        "environment": shared,
        "runs": [_run(client, run, shared) for run in runs],
    }


def _shared(environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is the same of all, so that it stands there once."""
    return {
        name: value for name, value in environments[0].items() if all(one.get(name) == value for one in environments)
    }


def _run(client: Client, run: Run, shared: Mapping[str, Any]) -> dict[str, Any]:
    curves: dict[str, list[tuple[int, float | None]]] = {}
    for point in client.curves(run.reused_from or run.id).items:
        value = None if point.value is None else float(f"{point.value:.{DIGITS}g}")
        curves.setdefault(point.name, []).append((point.step, value))
    environment = run.environment or {}
    return {
        "requested": run.requested,
        "config": run.config,
        "version": environment["experiment_version"],
        "queue": run.queue,
        "device": run.device,
        "work_macs": None,
        "result": run.result,
        "environment": {name: value for name, value in environment.items() if name not in {*shared, "subject"}},
        "seconds": run.seconds,
        "curves": curves,
    }


if __name__ == "__main__":
    with Client(sys.argv[1], timeout=60) as service:
        Path(sys.argv[2]).write_text(json.dumps(archive(service, measured(service)), separators=(",", ":")) + "\n")
