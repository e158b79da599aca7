"""A service at work to which all goes wrong at once: `make nemesis MINUTES=10 SEED=1`, a while on either database.

Sweeps are submitted and runs cancelled at any moment while processes are killed (F1, F6) and frozen (F12), the broker
is wiped (F3), the database is away (F5) and messages come twenty times (F10, F14). At the end all faults are healed,
every run ends, and the history is checked. The same seed makes the same plan; what it meets depends on the moment.
"""

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx2 as httpx
from kombu.exceptions import OperationalError as NoBroker
from sqlalchemy import func, select

from backend.queue import RUN_TASK, celery_app
from backend.store import Lease, Store
from backend.store.schema import runs
from mgic.client import Client
from mgic.place import PREFIX
from mgic.records import RunStatus
from tests.conftest import (
    MAX_ATTEMPTS,
    QUICK,
    Service,
    gone,
    new_database,
    prepare_broken,
    running_postgres,
    start_broken,
    stop_service,
    wait_for,
)
from tests.faults.history import History
from tests.faults.lab import frozen, kill, thaw

LEASE_S = float(QUICK["MGIC_LEASE_S"])
IMPATIENT_S = 2.0  # whoever submits gives up so soon, and has no answer then
MOST_OPEN = 24  # runs; with more nothing is submitted
END_S = 300.0  # in which all ends when nothing goes wrong any more
Heal = Callable[[], None]


class Nemesis:
    """What is done to one service. `server` is its PostgreSQL, if that is its database."""

    def __init__(self, lab: Service, server: Any, chance: random.Random) -> None:
        self.lab, self.server, self.chance = lab, server, chance
        self.history = History()
        self.done: Counter[str] = Counter()
        self.healing: dict[str, tuple[float, Heal]] = {}  # what is broken now, until when, and what mends it
        client = Client(lab.url, http=httpx.Client(base_url=lab.url, timeout=IMPATIENT_S, trust_env=False))
        self.history.follow(client)
        self.http = client._http
        self.plan: tuple[tuple[str, float, Callable[[], Any]], ...] = (
            ("submit", 10, self.submit),
            ("F14 cancel", 5, self.cancel),
            ("F1 kill", 1, self.kill),
            ("F6 kill the API", 0.1, self.kill_api),
            ("F3 wipe the broker", 0.3, self.wipe_broker),
            ("F5 no database", 0.3, self.take_database),
            ("F10 twenty messages", 1, self.double),
            ("F12 freeze", 0.4, self.freeze),
        )

    def torment(self, seconds: float) -> None:
        """Until the time is over; then everything is healed."""
        end = time.monotonic() + seconds
        names, weights, acts = zip(*self.plan, strict=True)
        try:
            while time.monotonic() < end:
                self.heal(time.monotonic())
                (chosen,) = self.chance.choices(range(len(acts)), weights)
                with suppress(httpx.TransportError, NoBroker, OSError):
                    if acts[chosen]() is not False:
                        self.done[names[chosen]] += 1
                time.sleep(self.chance.uniform(0.02, 0.4))
        finally:
            self.heal(float("inf"))

    def heal(self, now: float) -> None:
        for what, (until, mend) in list(self.healing.items()):
            if until <= now:
                del self.healing[what]
                mend()

    def settle(self) -> Counter[str]:
        """Wait until every run has ended; how many did in each way."""
        store = Store.open(self.lab.database, Lease(max_attempts=MAX_ATTEMPTS))
        counts: Counter[str] = Counter()

        def ended() -> bool:
            with store._read() as connection:
                found = connection.execute(select(runs.c.status, func.count()).group_by(runs.c.status))
                counts.clear()
                counts.update({status: number for status, number in found})
            return all(RunStatus(status).terminal for status in counts)

        wait_for(ended, END_S, "the end of all runs")
        store.close()
        return counts

    # What may happen

    def submit(self) -> bool | None:
        told = self.http.get(f"{PREFIX}/system").json()
        if sum((told.get("queued") or {}).values()) > MOST_OPEN:
            return False
        number = self.chance.randrange(10**9)
        axes = {"steps": [self.chance.randint(1, 20)], "seed": [number + n for n in range(self.chance.randint(1, 4))]}
        key = {"Idempotency-Key": f"nemesis-{number}"}
        for _ in range(self.chance.choice((1, 1, 2))):  # some ask twice
            self.http.post(f"{PREFIX}/sweeps", json={"experiment": "wait", "axes": axes}, headers=key)
        return None

    def cancel(self) -> bool | None:
        status = self.chance.choice(("queued", "running"))
        found = self.http.get(f"{PREFIX}/runs", params={"status": status, "limit": 10}).json().get("items")
        if not found:
            return False
        self.http.post(f"{PREFIX}/runs/{self.chance.choice(found)['id']}/cancel")
        return None

    def kill(self) -> bool | None:
        victims = self.lab.pids("-m worker", "-Q cpu") + self.lab.pids("mgic.runner")
        if not victims or "frozen" in self.healing:
            return False
        kill(self.chance.choice(victims))
        return None

    def kill_api(self) -> bool | None:
        pids = self.lab.pids("-m backend")
        if not pids or "frozen" in self.healing:
            return False
        kill(pids[0])
        return None

    def wipe_broker(self) -> bool | None:
        pids = self.lab.pids("valkey-server")
        if not pids:
            return False
        kill(pids[0])
        shutil.rmtree(self.lab.home / "valkey" / "appendonlydir", ignore_errors=True)
        return None

    def take_database(self) -> bool | None:
        """PostgreSQL ends as in a crash; the SQLite file is locked by somebody else."""
        if self.healing:
            return False
        until = time.monotonic() + self.chance.uniform(1, 8)
        if self.server is None:
            connection = sqlite3.connect(self.lab.home / "mgic.db", timeout=5, isolation_level=None)
            connection.execute("begin immediate")
            self.healing["database"] = (until, connection.close)  # which rolls back
            return None
        pid = self.server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: gone(pid), 30, "the end of PostgreSQL")
        self.healing["database"] = (until, self.server.ensure_postgres_running)
        return None

    def double(self) -> None:
        app = celery_app(f"redis+socket://{self.lab.home / 'valkey' / 'v.sock'}?virtual_host=0")
        app.conf.broker_transport_options = {"socket_timeout": 1}  # it may be frozen
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=1)
            for _ in range(20):
                app.send_task(RUN_TASK, queue="cpu", connection=connection, retry=False)

    def freeze(self) -> bool | None:
        """A worker with its runs, or the whole service, for about as long as a lease."""
        if self.healing:
            return False
        some = self.lab.pids("-m worker", "-Q cpu") + self.lab.pids("mgic.runner")
        pids = self.chance.choice((some, self.lab.pids()))
        until = time.monotonic() + self.chance.uniform(0.5, 2.5) * LEASE_S
        if not frozen(self.lab, pids):
            return False
        self.healing["frozen"] = (until, lambda: thaw(pids))
        return None


def torment(database: str, minutes: float, seed: int) -> None:
    """One database, from an empty store to the check; prints what was done and what became of the runs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mgic-nemesis-")))
        server = stack.enter_context(running_postgres()) if database == "postgres" else None
        url = {"MGIC_DATABASE_URL": new_database(server.get_uri())} if server else {}
        lab = start_broken(prepare_broken(folder), **url)
        stack.callback(stop_service, lab)
        nemesis = Nemesis(lab, server, random.Random(seed))
        begin = time.monotonic()
        nemesis.torment(60 * minutes)
        ended = nemesis.settle()
        nemesis.history.check(lab, MAX_ATTEMPTS)
        store = Store.open(lab.database)
        with store._read() as connection:
            again = connection.scalar(select(func.count()).where(runs.c.attempt > 1))
        store.close()
        unanswered = sum(sent.status is None for sent in nemesis.history.sent)
    assert ended, "nothing was ever submitted"
    print(f"{database}, seed {seed}, {minutes:g} min: nothing lost, nothing doubled")
    print(f"  {sum(ended.values())} runs: {dict(sorted(ended.items()))}; {again} in a second attempt or a later one")
    print(f"  {len(nemesis.history.sent)} requests, {unanswered} without an answer; {dict(nemesis.done)}")
    print(f"  {time.monotonic() - begin:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.faults.nemesis", description=__doc__)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    for database in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        print(f"{database}, seed {given.seed}", file=sys.stderr, flush=True)
        torment(database, given.minutes, given.seed)


if __name__ == "__main__":
    main()
