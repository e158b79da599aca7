"""Start and speed of the service, as it runs on this machine now."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from mgic.records import SweepRequest
from tests.bench import throughput
from tests.conftest import Service, start_service, stop_service

TRAIN = {"model": ["mgic_resnet20"], "max_steps": [40], "epochs": [10], "learning_rate": [0.1]}


def measure(folder: Path) -> None:
    begin = time.perf_counter()
    running = start_service(
        folder / "home", MGIC_LEASE_S="30", MGIC_HEARTBEAT_S="10", MGIC_REAP_S="10", MGIC_POLL_S="1"
    )
    print(f"mgic up, ready: {time.perf_counter() - begin:.1f} s")
    try:
        _previews(running)
        _submission(running)
        _overhead(running)
        throughput.compare(running, {200: 3})
    finally:
        stop_service(running)


def _took(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _previews(running: Service) -> None:
    axes = {"model": ["mgic_resnet20", "mgic_resnet32"], "group_size": [2, 4, 8, 16], "coarsest_size": [8, 16, 32],
            "seed": [0, 1]}  # fmt: skip
    request = SweepRequest(experiment="classification", axes=axes)
    answers, begin = 0, time.perf_counter()
    first = None
    while True:
        preview = running.client.preview(request)
        answers += 1
        first = first or time.perf_counter() - begin
        if not preview.pending:
            break
    whole = time.perf_counter() - begin
    again = [_took(lambda: running.client.preview(request)) for _ in range(5)]
    print(
        f"preview of {preview.total} cells, models unseen: "
        f"first answer {first:.2f} s, all {whole:.2f} s in {answers} answers"
    )
    print(f"preview of {preview.total} cells, models seen: {median(again):.2f} s (median of n=5)")


def _submission(running: Service) -> None:
    times = []
    for number in range(3):
        axes = {"channels": [64], "side": [32], "seed": list(range(number * 500, number * 500 + 500))}
        request = SweepRequest(experiment="channel_scaling", axes=axes, priority=9)
        begin = time.perf_counter()
        sweep = running.client.submit(request)
        times.append(time.perf_counter() - begin)
        running.client.cancel_sweep(sweep.id)
    print(f"a sweep of 500 runs accepted: {median(times):.2f} s (median of n=3)")
    _settle(running)


def _settle(running: Service) -> None:
    while running.client.system().running or running.client.system().queued:
        time.sleep(0.5)


def _overhead(running: Service) -> None:
    axes = [f"{field}={values[0]}" for field, values in TRAIN.items()]
    differences = []
    for seed in range(3):
        command = [sys.executable, "-m", "mgic", "run", "classification", *axes, f"seed={seed}"]
        alone = _took(lambda command=command: subprocess.run(command, check=True, capture_output=True))
        request = SweepRequest(experiment="classification", axes=TRAIN | {"seed": [seed]})
        served = _took(lambda request=request: running.client.wait(running.client.submit(request).id, every=0.1))
        differences.append(served - alone)
    print(f"a run in the service, against `mgic run`: {median(differences):+.1f} s (median of n=3)")
