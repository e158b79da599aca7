"""How the service bears a full store and many clients: `python -m tests.bench load`, ten minutes, on 127.0.0.1 alone.

It prints Markdown. `--runs` makes the store smaller.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from backend.store import Store
from tests.backend.api_alone import PREFIX, Api, running_api
from tests.backend.store_points import new_sweep
from tests.bench import claims, lists
from tests.conftest import new_database, running_postgres
from tests.faults.sockets import connections, opened, resident

TIMES = 40  # requests of a kind
QUEUED, LARGE, SUBMITTED = 5_000, 5_000, 2_000  # runs that wait, of one finished sweep, of one request
LISTENERS, POLLS = 200, 20
SLOTS = (1, 4, 16)
Ask = Callable[[], Any]
JSON = {"Content-Type": "application/json"}


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m tests.bench load", description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000, help="finished ones in the store")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="mgic-load-") as folder:
        _of_the_api(Path(folder), given.runs)
        print("\n| database | slots | claims a second | claim, ms: median | p95 | n | refused |")
        print("|---|---|---|---|---|---|---|")
        _claims("SQLite", f"sqlite:///{Path(folder) / 'claims.db'}")
    with running_postgres() as server:
        _claims("PostgreSQL", new_database(server.get_uri()))


def _of_the_api(folder: Path, runs: int) -> None:
    begin = time.perf_counter()
    lists.fill(folder, runs)
    url = f"sqlite:///{folder / 'mgic.db'}"
    store = Store.open(url)
    large = store.add_sweep(new_sweep([{"x": x} for x in range(LARGE)]))
    store.cancel_sweep(large.id)
    waiting = store.add_sweep(new_sweep([{"x": x} for x in range(LARGE, LARGE + QUEUED)]))
    run_id = store.sweep_runs(waiting.id, 1)[0][0].id
    size = (folder / "mgic.db").stat().st_size / 2**20
    took = time.perf_counter() - begin
    print(f"{runs:,} finished runs, a sweep of {LARGE:,} and {QUEUED:,} queued runs: {size:.0f} MiB, in {took:.0f} s\n")
    with running_api(folder, MGIC_MAX_QUEUED="20000") as api:
        client = _Client(api)
        print(f"API at its start: {_mebibytes(api)} MiB\n")
        print("| request | ms: median | p95 | computed | n |\n|---|---|---|---|---|")
        for name, ask in _reads(client, str(large.id)).items():
            client.told(name, ask, TIMES)
        client.told(f"submit a sweep of {SUBMITTED:,} runs", lambda: client.submit(SUBMITTED), 7)
        client.told("submit a sweep of 1 run", lambda: client.submit(1), TIMES)
        with _listeners(api, str(run_id)):
            client.told(f"`/runs` beside {LISTENERS} streams of events", lambda: client.get("/runs?limit=50"), TIMES)
        with _polls(api, str(run_id)):
            client.told(f"`/runs` beside {POLLS} long polls", lambda: client.get("/runs?limit=50"), TIMES)
        print(f"\nAPI afterwards: {_mebibytes(api)} MiB")
        _csv(api)
        print(f"Answers of 500 and more: {client.failed} of {client.answers:,}")
    store.close()


def _reads(client: "_Client", large: str) -> dict[str, Ask]:
    paths = {
        "`/runs`": "/runs?limit=50",
        "`/runs`, queued": "/runs?limit=50&status=queued",
        "`/runs/count`": "/runs/count",
        "`/sweeps`": "/sweeps?limit=50",
        "a sweep of 5,000 runs": f"/sweeps/{large}",
        "its first 500 runs": f"/sweeps/{large}/runs?limit=500",
        "`/results`, 50 rows": "/results?experiment=classification&limit=50",
        "`/references`": "/references",
        "`/references/summary`": "/references/summary",
        "`/workers`": "/workers",
        "`/system`": "/system",
        "`/ready`": "/ready",
    }
    asks: dict[str, Ask] = {name: (lambda path=path: client.get(path)) for name, path in paths.items()}  # type: ignore[misc]
    asks["`/references`, when a run has ended since"] = lambda: client.get_after_an_end("/references")
    return asks


class _Client:
    """Asks, and counts how it was answered."""

    def __init__(self, api: Api) -> None:
        self.api, self.answers, self.failed, self._seed = api, 0, 0, 0
        self._after: list[Ask] = []  # what is done when the time is taken

    def get(self, path: str) -> Any:
        return self._answered(self.api.http.get(path))

    def submit(self, runs: int) -> None:
        """Of seeds that no sweep had before; cancelled at once, which is not part of the time."""
        self._seed += runs
        axes = {
            "seed": list(range(self._seed, self._seed + min(runs, 500))),
            "side": [8, 16, 32, 64][: -(-runs // 500)],
        }
        sweep = self._answered(self.api.http.post("/sweeps", json={"experiment": "channel_scaling", "axes": axes}))
        self._after.append(lambda: self._answered(self.api.http.post(f"/sweeps/{sweep['id']}/cancel")))

    def get_after_an_end(self, path: str) -> None:
        self._after.append(lambda: self.submit(1))  # and cancelled: the store has changed
        self.get(path)

    def told(self, name: str, ask: Ask, times: int) -> None:
        """A row of the table."""
        took, computed = [], 0.0
        for _ in range(times):
            before, begin = lists.computed_ms(self.api.process.pid), time.perf_counter()
            ask()
            took.append((time.perf_counter() - begin) * 1000)
            computed += lists.computed_ms(self.api.process.pid) - before
            while self._after:
                self._after.pop()()
        median, p95 = np.percentile(took, [50, 95])
        print(f"| {name} | {median:.0f} | {p95:.0f} | {computed / times:.0f} | {times} |", flush=True)

    def _answered(self, answer: Any) -> Any:
        self.answers += 1
        self.failed += answer.status_code >= 500
        answer.raise_for_status()
        return answer.json()


@contextmanager
def _listeners(api: Api, run_id: str) -> Iterator[None]:
    before = connections(api)
    with ExitStack() as stack:
        for _ in range(LISTENERS):
            stack.enter_context(closing(opened(api, f"GET {PREFIX}/runs/{run_id}/events", b"\r\n")))
        while connections(api) < before + LISTENERS:
            time.sleep(0.1)
        time.sleep(2)
        yield


@contextmanager
def _polls(api: Api, run_id: str) -> Iterator[None]:
    """As many as `POLLS` at any time."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.is_set():
            with closing(opened(api, f"GET {PREFIX}/runs/{run_id}?wait=2", b"\r\n")) as connection:
                connection.recv(65536)

    threads = [threading.Thread(target=poll) for _ in range(POLLS)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    yield
    ended.set()
    for thread in threads:
        thread.join()


def _csv(api: Api) -> None:
    """All rows of the largest experiment, and the memory of the API while they are made and sent."""
    most, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], resident(api))

    watcher = threading.Thread(target=look)
    watcher.start()
    before, begin, computed = resident(api), time.perf_counter(), lists.computed_ms(api.process.pid)
    size = rows = 0
    with api.http.stream("GET", "/results?experiment=classification&format=csv", timeout=600) as answer:
        for part in answer.iter_bytes():
            size, rows = size + len(part), rows + part.count(b"\n")
    took, computed = time.perf_counter() - begin, lists.computed_ms(api.process.pid) - computed
    ended.set()
    watcher.join()
    print(
        f"CSV of {rows - 1:,} runs: {size / 2**20:.0f} MiB in {took:.1f} s ({computed / 1000:.1f} s computed); "
        f"memory of the API before {before / 2**20:.0f} MiB, at most {most[0] / 2**20:.0f} MiB"
    )


def _mebibytes(api: Api) -> int:
    return resident(api) // 2**20


def _claims(name: str, url: str) -> None:
    """So many processes claim and finish the runs of one queue."""
    for slots in SLOTS:
        claims.prepare(url, QUEUED)
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(slots)
        with context.Pool(slots, claims.enter, (barrier,)) as pool:
            told = [pool.apply_async(claims.claim_all, (url, f"slot-{number}")) for number in range(slots)]
            answers = [one.get(600) for one in told]
        begin, end = min(one[0] for one in answers), max(one[1] for one in answers)
        took = [ms for one in answers for ms in one[2]]
        median, p95 = np.percentile(took, [50, 95])
        rate, failed = len(took) / (end - begin), sum(one[3] for one in answers)
        print(f"| {name} | {slots} | {rate:.0f} | {median:.1f} | {p95:.1f} | {len(took):,} | {failed} |", flush=True)
