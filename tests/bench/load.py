"""How the service bears a full store and many clients: `python -m tests.bench load`, at most ten minutes, on 127.0.0.1.

It prints Markdown, or with the name of a page puts it there. `--runs` makes the store smaller.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from backend.store import Store
from mgic.measure.host import Host
from tests.backend.api_alone import PREFIX, Api, running_api
from tests.backend.store_points import new_sweep
from tests.bench import claims, lists, written
from tests.conftest import new_database, running_postgres
from tests.faults.sockets import connections, opened, resident

TIMES = 40  # requests of a kind
ROW_S = 15.0  # that they may take together
QUEUED, LARGE, SUBMITTED = 5_000, 5_000, 2_000  # runs that wait, of one finished sweep, of one request
LISTENERS, POLLS = 200, 20
SLOTS = (1, 4, 16)
CLAIMING_S = 20.0  # for so many slots
CSV_S = 90.0
LIST_MS, SUBMIT_MS, LARGE_SUBMIT_MS, CLAIM_MS, API_MIB = 50, 100, 1500, 10, 200  # aimed at; times are p95
Ask = Callable[[], Any]


@dataclass
class Report:
    """The lines of the page, told as they come; what would begin after `until` is left out, and says so."""

    until: float
    lines: list[str] = field(default_factory=list)

    def say(self, line: str = "") -> None:
        self.lines.append(line)
        print(line, file=sys.stderr, flush=True)

    def row(self, *cells: object) -> None:
        self.say(f"| {' | '.join(map(str, cells))} |")

    def head(self, *cells: str) -> None:
        self.say()
        self.row(*cells)
        self.say("|---" * len(cells) + "|")

    def left(self, most: float) -> float:
        """Seconds for the next part."""
        return min(most, self.until - time.monotonic())


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m tests.bench load", description=__doc__)
    parser.add_argument("page", nargs="?", type=Path, help="with lines between which the report is put")
    parser.add_argument("--runs", type=int, default=100_000, help="finished ones in the store")
    parser.add_argument("--minutes", type=float, default=9, help="after which nothing more is begun")
    given = parser.parse_args(words)
    report = Report(time.monotonic() + 60 * given.minutes)
    with tempfile.TemporaryDirectory(prefix="mgic-load-") as folder:
        report.say(
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {Host().facts().processor}, {os.cpu_count()} cores, {_load()}."
        )
        _of_the_api(Path(folder), given.runs, report)
        report.head("database", "slots", "claims a second", "claim, ms: median", "p95", "aim", "n", "refused")
        _claims("SQLite", f"sqlite:///{Path(folder) / 'claims.db'}", report)
    with running_postgres() as server:
        _claims("PostgreSQL", new_database(server.get_uri()), report)
    report.say()
    report.say(f"At the end {_load()}.")
    text = "\n".join(report.lines)
    written.put(given.page, "load", text) if given.page else print(text)


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _of_the_api(folder: Path, runs: int, report: Report) -> None:
    begin = time.perf_counter()
    lists.fill(folder, runs)
    store = Store.open(f"sqlite:///{folder / 'mgic.db'}")
    large = store.add_sweep(new_sweep([{"x": x} for x in range(LARGE)]))
    store.cancel_sweep(large.id)
    waiting = store.add_sweep(new_sweep([{"x": x} for x in range(LARGE, LARGE + QUEUED)]))
    run_id = store.sweep_runs(waiting.id, 1)[0][0].id
    size, took = (folder / "mgic.db").stat().st_size / 2**20, time.perf_counter() - begin
    words = f"{runs:,} finished runs, a sweep of {LARGE:,} and {QUEUED:,} queued runs: {size:.0f} MiB"
    report.say(f"{words}, made in {took:.0f} s.")
    with running_api(folder, MGIC_MAX_QUEUED="20000") as api:
        client = Client(api, report)
        at_start = _mebibytes(api)
        report.head("request", "ms: median", "p95", "aim", "computed", "n")
        for name, ask in _reads(client, str(large.id)).items():
            client.told(name, ask, LIST_MS)
        client.told(f"submit a sweep of {SUBMITTED:,} runs", lambda: client.submit(SUBMITTED), LARGE_SUBMIT_MS, 7)
        client.told("submit a sweep of 1 run", lambda: client.submit(1), SUBMIT_MS)
        beside = {"streams of a run": f"/runs/{run_id}/events", "streams of a sweep": f"/sweeps/{waiting.id}/events"}
        for what, path in beside.items():
            with _listeners(api, path):
                client.told(f"`/runs` beside {LISTENERS} {what}", lambda: client.get("/runs?limit=50"), LIST_MS)
        with _polls(api, str(run_id)):
            client.told(f"`/runs` beside {POLLS} long polls", lambda: client.get("/runs?limit=50"), LIST_MS)
        after = _mebibytes(api)
        report.say()
        _csv(api, report)
        report.say(f"- The API: {at_start} MiB at its start, {after} MiB after all requests (aim: under {API_MIB}).")
        report.say(f"- Answers of 500 and more: {client.failed} of {client.answers:,} (aim: none).")
    store.close()


def _reads(client: "Client", large: str) -> dict[str, Ask]:
    paths = {
        "`/runs`": "/runs?limit=50",
        "`/runs`, queued": "/runs?limit=50&status=queued",
        "`/runs/count`": "/runs/count",
        "`/sweeps`": "/sweeps?limit=50",
        f"a sweep of {LARGE:,} runs": f"/sweeps/{large}",
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


class Client:
    """Asks, and counts how it was answered."""

    def __init__(self, api: Api, report: Report) -> None:
        self.api, self.report, self.answers, self.failed, self._seed = api, report, 0, 0, 0
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

    def told(self, name: str, ask: Ask, aim_ms: int, times: int = TIMES) -> None:
        """A row of the table: so many times, or as often as there is time for."""
        took, computed, until = [], 0.0, time.monotonic() + self.report.left(ROW_S)
        while len(took) < times and time.monotonic() < until:
            before, begin = lists.computed_ms(self.api.process.pid), time.perf_counter()
            ask()
            took.append((time.perf_counter() - begin) * 1000)
            computed += lists.computed_ms(self.api.process.pid) - before
            while self._after:
                self._after.pop()()
        if not took:
            self.report.row(name, "not measured: time was over", "", aim_ms, "", 0)
            return
        median, p95 = np.percentile(took, [50, 95])
        self.report.row(name, f"{median:.0f}", f"{p95:.0f}", aim_ms, f"{computed / len(took):.0f}", len(took))

    def _answered(self, answer: Any) -> Any:
        self.answers += 1
        self.failed += answer.status_code >= 500
        answer.raise_for_status()
        return answer.json()


@contextmanager
def _listeners(api: Api, path: str) -> Iterator[None]:
    before = connections(api)
    with ExitStack() as stack:
        for _ in range(LISTENERS):
            stack.enter_context(closing(opened(api, f"GET {PREFIX}{path}", b"\r\n")))
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


def _csv(api: Api, report: Report) -> None:
    """All rows of the largest experiment, and the memory of the API while they are made and sent."""
    most, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            most[0] = max(most[0], resident(api))

    watcher = threading.Thread(target=look)
    watcher.start()
    before, begin, computed = resident(api), time.perf_counter(), lists.computed_ms(api.process.pid)
    size = rows = 0
    with api.http.stream("GET", "/results?experiment=classification&format=csv", timeout=CSV_S) as answer:
        for part in answer.iter_bytes():
            size, rows = size + len(part), rows + part.count(b"\n")
            if time.perf_counter() - begin > CSV_S:
                break
    took, computed = time.perf_counter() - begin, lists.computed_ms(api.process.pid) - computed
    ended.set()
    watcher.join()
    report.say(
        f"- CSV of {rows - 1:,} runs: {size / 2**20:.0f} MiB in {took:.1f} s ({computed / 1000:.1f} s computed); "
        f"memory of the API before {before / 2**20:.0f} MiB, at most {most[0] / 2**20:.0f} MiB."
    )


def _mebibytes(api: Api) -> int:
    return resident(api) // 2**20


def _claims(name: str, url: str, report: Report) -> None:
    """So many processes claim the runs of one queue and finish them, each with the next claim, as a worker does."""
    for slots in SLOTS:
        seconds = report.left(CLAIMING_S)
        if seconds <= 0:
            report.row(name, slots, "not measured: time was over", "", "", CLAIM_MS, 0, "")
            continue
        claims.prepare(url, QUEUED)
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(slots)
        with context.Pool(slots, claims.enter, (barrier,)) as pool:
            told = [pool.apply_async(claims.claim_all, (url, f"slot-{number}", seconds)) for number in range(slots)]
            answers = [one.get(300) for one in told]
        begin, end = min(one[0] for one in answers), max(one[1] for one in answers)
        took = [ms for one in answers for ms in one[2]]
        median, p95 = np.percentile(took, [50, 95])
        rate, failed = len(took) / (end - begin), sum(one[3] for one in answers)
        report.row(name, slots, f"{rate:.0f}", f"{median:.1f}", f"{p95:.1f}", CLAIM_MS, f"{len(took):,}", failed)
