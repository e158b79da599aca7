"""How long lists of runs take in a store of 50,000: `python -m tests.bench lists`, some four minutes."""

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, select

from backend.migrations import upgrade
from backend.store import NewRun, NewSweep, Store, config_key, make_engine
from backend.store.facts import facts_at_end, record_facts
from backend.store.schema import events, facts, runs, sweep_tags, sweeps
from mgic.records import RunStatus
from tests.backend.api_alone import Api, running_api

RUNS = 50_000
MADE = 10_000  # of them run by run
OF_A_SWEEP = 500
TIMES = 40  # requests of a kind
EXPERIMENTS = ("classification", "latency", "reconstruction", "cost")
MODELS = ("resnet20", "mgic_resnet20", "resnet56", "mgic_resnet56", "mobilenet_v3_small")
QUESTIONS: dict[str, Mapping[str, Any]] = {
    "no filter": {},
    "config.group_size=8": {"where": "config.group_size=8"},
    "a rare value, config.seed=77": {"where": "config.seed=77"},
    "result.top1>=99": {"where": "result.top1>=99"},
    "result.top1>=50": {"where": "result.top1>=50"},
    "sort=-result.top1 of classification": {"sort": "-result.top1", "experiment": "classification"},
    "sort=result.top1 of a sweep": {"sort": "result.top1"},  # and its id
    "sort=-result.top1, any experiment": {"sort": "-result.top1"},
    "sort=seconds, config.dataset=digits": {"sort": "seconds", "where": "config.dataset=digits"},
    "q=mgic": {"q": "mgic"},
    "q=sweep 42 (a name)": {"q": "sweep 42"},
    "q=nothing has this": {"q": "nothing has this"},
    "tag=paper (a tenth of all)": {"tag": "paper"},
}


def measure(folder: Path) -> None:
    begin = time.perf_counter()
    sweep_id = fill(folder)
    size = (folder / "mgic.db").stat().st_size / 2**20
    print(f"{RUNS:,} runs stored in {time.perf_counter() - begin:.0f} s, {size:.0f} MiB")
    ask(folder, sweep_id)


def ask(folder: Path, sweep_id: str) -> None:
    """Milliseconds: of a page the median, p95 and what it computes, and the same of a count."""
    with running_api(folder) as api:
        for words, asked in QUESTIONS.items():
            given = asked | ({"sweep_id": sweep_id} if words.endswith("a sweep") else {})
            cells = [_shown(api, measured, given) for measured in (_pages, _counts)]
            print(f"| `{words}` | {' | '.join(cells)} |", flush=True)


def fill(folder: Path, count: int = RUNS) -> str:
    """A store of so many finished runs in the folder; the id of one of its sweeps.

    A part of them is made by the store, run by run; the rest are copies of these, with ids of their own.
    """
    url = f"sqlite:///{folder / 'mgic.db'}"
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    store, chance = Store.open(url), random.Random(0)
    made = min(count, MADE)
    for number in range(max(1, made // OF_A_SWEEP)):
        sweep_id = _add_finished(store, number, min(made, OF_A_SWEEP), chance)
    for copy in range(1, count // made):
        with store._write() as connection:
            _copy(connection, copy, made)
    store.close()
    return sweep_id


def _add_finished(store: Store, number: int, count: int, chance: random.Random) -> str:
    experiment = EXPERIMENTS[number % len(EXPERIMENTS)]
    new = [_new_run(experiment, chance) for _ in range(count)]
    tags = ("paper",) if number % 10 == 0 else ()
    sweep = store.add_sweep(NewSweep(experiment, 1, (), new, name=f"sweep {number}", tags=tags))
    mine, ends = runs.c.sweep_id == sweep.id, {}
    with store._write() as connection:
        connection.execute(runs.update().where(mine).values(status=RunStatus.SUCCEEDED, progress=1.0))
        for seq in connection.scalars(select(runs.c.seq).where(mine)):
            result, seconds = _result(chance), chance.expovariate(0.02)
            values = {"result": result, "seconds": seconds, "environment": ENVIRONMENT, "finished_at": 1.8e9}
            connection.execute(runs.update().where(runs.c.seq == seq).values(**values))
            ends[seq] = facts_at_end(result, seconds)
        record_facts(connection, experiment, ends)
    return str(sweep.id)


def _copy(connection: Connection, number: int, made: int) -> None:
    """All sweeps and runs that were made, once more, behind those that are there."""
    of_sweeps, by = max(1, made // OF_A_SWEEP), {"runs": number * made}
    by["sweeps"] = number * of_sweeps
    new_id = "lower(hex(randomblob(16)))"
    given = {"id": new_id, "seq": f"s.seq + {by['sweeps']}", "name": f"'sweep ' || (s.seq - 1 + {by['sweeps']})"}
    _insert(connection, sweeps, given, f"sweeps s where s.seq <= {of_sweeps}")
    pair = f"join sweeps s on s.id = r.sweep_id join sweeps n on n.seq = s.seq + {by['sweeps']}"
    given = {"id": new_id, "seq": f"r.seq + {by['runs']}", "sweep_id": "n.id"}
    _insert(connection, runs, given, f"runs r {pair} where r.seq <= {made}", "r")
    _insert(connection, facts, {"run_seq": f"run_seq + {by['runs']}"}, f"facts where run_seq <= {made}", "facts")
    old = f"join runs r on r.id = e.run_id and r.seq <= {made}"
    new = f"join runs n on n.seq = r.seq + {by['runs']}"
    _insert(connection, events, {"id": "null", "run_id": "n.id"}, f"events e {old} {new}", "e")
    of_it = f"join sweeps s on s.id = t.sweep_id join sweeps n on n.seq = s.seq + {by['sweeps']}"
    _insert(connection, sweep_tags, {"sweep_id": "n.id"}, f"sweep_tags t {of_it} where s.seq <= {of_sweeps}", "t")


def _insert(connection: Connection, table: Table, given: Mapping[str, str], source: str, alias: str = "s") -> None:
    """Rows of the table from others, with these expressions in the place of columns."""
    values = ", ".join(given.get(column.name, f"{alias}.{column.name}") for column in table.columns)
    columns = ", ".join(column.name for column in table.columns)
    connection.exec_driver_sql(f"insert into {table.name} ({columns}) select {values} from {source}")


ENVIRONMENT = {name: "x" * 40 for name in ("commit", "mgic", "torch", "platform", "device", "host", "cuda", "numpy")}


def _new_run(experiment: str, chance: random.Random) -> NewRun:
    """Some 25 fields, as a training has."""
    config = {
        "model": chance.choice(MODELS),
        "dataset": chance.choice(["digits", "cifar10"]),
        "group_size": chance.choice([2, 4, 8, 16]),
        "coarsest_size": chance.choice([8, 16, 32]),
        "seed": chance.randrange(100),
        "learning_rate": chance.choice([0.1, 0.05]),
    } | {f"field_{number}": number for number in range(19)}
    key = config_key(experiment, 1, config)
    return NewRun(requested=config, config=config, config_key=key, queue="cpu", device="cpu", work_macs=1e9)


def _result(chance: random.Random) -> dict[str, Any]:
    """Scalars, and a table as a training leaves: 3 kB."""
    rows = [{"class": number, "precision": chance.random(), "recall": chance.random()} for number in range(30)]
    return {
        "top1": 100 * chance.random(),
        "top5": 99.0,
        "macs": 10**7,
        "params": 10**5,
        "loss": chance.random(),
        "classes": rows,
    }


def _pages(api: Api, asked: Mapping[str, Any]) -> list[float]:
    """Milliseconds of pages of 50, one after the other from the first on, as somebody reads them."""
    took, cursor = [], None
    while len(took) < TIMES:
        params = {"limit": 50, "tables": "false", **asked, **({"cursor": cursor} if cursor else {})}
        begin = time.perf_counter()
        answer = api.http.get("/runs", params=params).raise_for_status()
        took.append((time.perf_counter() - begin) * 1000)
        cursor = answer.json()["next_cursor"]
    return took


def _counts(api: Api, asked: Mapping[str, Any]) -> list[float]:
    given = {name: value for name, value in asked.items() if name != "sort"}
    took = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        api.http.get("/runs/count", params=given).raise_for_status()
        took.append((time.perf_counter() - begin) * 1000)
    return took


def _shown(api: Api, measured: Callable[[Api, Mapping[str, Any]], list[float]], asked: Mapping[str, Any]) -> str:
    before = computed_ms(api.process.pid)
    took = measured(api, asked)
    median, p95 = np.percentile(took, [50, 95])
    return f"{median:.0f} | {p95:.0f} | {(computed_ms(api.process.pid) - before) / len(took):.0f}"


def computed_ms(pid: int, children: bool = False) -> float:
    """What a process has computed so far: that of others on the machine is not in it. With `children`, those of its own
    that have ended too."""
    fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return 1000 * sum(map(int, fields[11 : 15 if children else 13])) / os.sysconf("SC_CLK_TCK")
