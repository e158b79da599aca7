"""What the service adds to a run: `python -m tests.bench throughput`, the lightest runs there are against bare tasks of
Celery on the same broker, two slots each, in turns.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from celery import Celery

from backend.queue import celery_app
from mgic.records import SweepRequest
from tests.bench.lists import computed_ms
from tests.conftest import Service, parent_of, start_service, stop_service

SIZES = {200: 5, 1600: 3}  # so many runs at once, and how often
SLOTS = 2
A_ROW = 400
Sizes = dict[int, int]


def measure(folder: Path, sizes: Sizes = SIZES) -> None:
    running = start_service(
        folder / "home", words=("--slots", str(SLOTS)), MGIC_LEASE_S="30", MGIC_HEARTBEAT_S="10", MGIC_REAP_S="10",
        MGIC_POLL_S="1",
    )  # fmt: skip
    try:
        compare(running, sizes)
    finally:
        stop_service(running)


def compare(running: Service, sizes: Sizes) -> None:
    """Seconds from the request to the last end, and those that were computed, the processes of runs included."""
    print(
        "| runs | seconds here (computed) | Celery (computed) | ratio: median | range | n |\n|---|---|---|---|---|---|"
    )
    with _bare_worker(running.home) as (app, worker):
        seed = 0
        serve(running, 20, seed)  # the processes that execute runs are there
        for runs, times in sizes.items():
            ours, bare = [], []
            for _ in range(times):
                seed += 2000
                ours.append(_taken(lambda runs=runs, seed=seed: serve(running, runs, seed), running.pids))
                bare.append(_taken(lambda runs=runs: _bare_tasks(app, running.home, runs), lambda: _tree(worker.pid)))
            ratios = [one[0] / other[0] for one, other in zip(ours, bare, strict=True)]
            cells = [f"{median(s for s, _ in of):.2f} ({median(c for _, c in of):.2f})" for of in (ours, bare)]
            spread = f"{median(ratios):.1f} | {min(ratios):.1f} to {max(ratios):.1f}"
            print(f"| {runs:,} | {' | '.join(cells)} | {spread} | {times} |", flush=True)


def serve(running: Service, runs: int, seed: int) -> None:
    """As many runs as are asked for, in rows of a width of their own, since an axis has 500 values at most."""
    rows = -(-runs // A_ROW)
    seeds = list(range(seed, seed + runs // rows))
    axes = {"channels": [16 + row for row in range(0, 8 * rows, 8)], "side": [8], "seed": seeds}
    request = SweepRequest(experiment="channel_scaling", axes=axes)
    running.client.wait(running.client.submit(request).id, every=0.1)


def _taken(action: Callable[[], None], processes: Callable[[], list[int]]) -> tuple[float, float]:
    before, begin = _computed(processes()), time.perf_counter()
    action()
    return time.perf_counter() - begin, _computed(processes()) - before


def _computed(pids: list[int]) -> float:
    """Seconds of these processes, and of what they have started that has ended since."""
    total = 0.0
    for pid in pids:
        with suppress(FileNotFoundError):  # it has just ended
            total += computed_ms(pid, children=True) / 1000
    return total


def _tree(pid: int) -> list[int]:
    others = (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())
    return [pid, *(one for one in others if parent_of(one) == pid)]


@contextmanager
def _bare_worker(home: Path) -> Iterator[tuple[Celery, "subprocess.Popen[bytes]"]]:
    """A worker of tasks that append to a file, and the application that sends them."""
    url = f"redis+socket://{home / 'valkey' / 'v.sock'}?virtual_host=1"
    command = [sys.executable, "-m", "celery", "-A", "tests.bench.bare", "worker", "-c", str(SLOTS), "-l", "error",
               "--without-gossip", "--without-mingle"]  # fmt: skip
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=os.environ | {"BENCH_BROKER": url}, **silent) as worker:
        try:
            app = celery_app(url)
            _bare_tasks(app, home, 1)
            yield app, worker
        finally:
            worker.terminate()


def _bare_tasks(app: Celery, home: Path, runs: int) -> None:
    """From the first message to the last line."""
    done = home / "bare.txt"
    done.write_text("")
    for _ in range(runs):
        app.send_task("bare", args=[str(done)], queue="bare")
    deadline = time.monotonic() + 120
    while done.stat().st_size < runs:
        if time.monotonic() > deadline:
            raise SystemExit("the bare tasks were not executed within two minutes")
        time.sleep(0.01)
