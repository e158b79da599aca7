"""Sweeps and runs: adding them, reading them, page by page."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, insert, null, select
from sqlalchemy.exc import IntegrityError

from backend.store.counts import counted
from backend.store.facts import facts_at_end, record_facts, record_start
from backend.store.lineage import ID_BATCH, Lineage, NewInput
from backend.store.rows import ACTIVE, RESULT_COLUMNS, result_rows, sweep_record
from backend.store.schema import announcements, events, runs, sweep_tags, sweeps
from backend.store.search import sweeps_saying, with_columns
from backend.store.standing import NewSearch, standings
from mgic.errors import Conflict, NotFound
from mgic.records import Config, Grid, PluginCode, Queue, Run, RunStatus, Sweep, made_by

ROWS_OF_A_RUN = 10**6  # room in a cursor for the rows of one run; its place in the list stands above
# Whose results stand for their configs: of runs that came to their end, and here.
WHOLE = (runs.c.status == RunStatus.SUCCEEDED, ~runs.c.stopped_early, ~runs.c.imported)
MOST_LOOKED_AT = 50  # results of one config, the newest first, of which one may be of the code that is wanted


@dataclass(frozen=True)
class NewRun:
    """A point on its way into the store; with an `id` if others are to have it as an input."""

    requested: Config
    config: Config
    config_key: str
    queue: Queue
    device: str
    work_macs: float | None
    code: tuple[PluginCode, ...] = ()  # from outside: a result is reused only if just this made it
    inputs: Mapping[str, NewInput] = field(default_factory=dict)  # by field
    id: UUID | None = None
    trial: Mapping[str, Any] | None = None  # of a search: its network's `macs`, and the sampler's `notes`


@dataclass(frozen=True)
class NewSweep:
    """A sweep on its way into the store; `then` is stored with it, and may have its runs as inputs.

    With an `id` if that is known already.
    """

    experiment: str
    version: int
    grids: Sequence[Grid]
    runs: Sequence[NewRun]
    name: str | None = None
    recipe: str | None = None
    priority: int = 5
    idempotency_key: str | None = None
    payload_hash: str = ""
    reuse: bool = False
    then: "NewSweep | None" = None
    id: UUID | None = None
    search: NewSearch | None = None  # then it has no runs yet
    tags: tuple[str, ...] = ()
    owner: str | None = None


class Sweeps(Lineage):
    """The part of the store that adds and reads."""

    def add_sweep(self, new: NewSweep) -> Sweep:
        """Store a sweep and its runs, queued, in one transaction.

        With an idempotency key that the store has, nothing is stored and that sweep is returned.

        Raises:
            Conflict: The key was used for another request.
            InputGone: A run that was to be an input has failed or was cancelled meanwhile.
            QuotaExceeded: Too much is queued already.
        """
        try:
            with self._queueing(new.owner) as connection:
                sweep_id = self._by_key(connection, new) or self._insert(connection, new)
                return self._sweep(connection, sweep_id)
        except IntegrityError:  # the same key, at the same moment, by another process
            with self._read() as connection:
                known = self._by_key(connection, new)
                if known is None:
                    raise
                return self._sweep(connection, known)

    def sweep_of_key(self, key: str, payload_hash: str) -> Sweep | None:
        """The sweep that was submitted with this idempotency key.

        Raises:
            Conflict: It was submitted for another request.
        """
        probe = NewSweep("", 0, (), (), idempotency_key=key, payload_hash=payload_hash)
        with self._read() as connection:
            known = self._by_key(connection, probe)
            return self._sweep(connection, known) if known else None

    def sweep(self, sweep_id: UUID) -> Sweep:
        """Raises `NotFound`."""
        with self._read() as connection:
            return self._sweep(connection, sweep_id)

    def sweep_states(self, sweep_ids: Collection[UUID]) -> dict[UUID, Hashable]:
        """Of each of these sweeps that is there, what is another when one of its runs has changed its status."""
        query = select(sweeps.c.id, sweeps.c.search_state).where(sweeps.c.id.in_(sweep_ids))
        with self._read() as connection:
            searching = {sweep_id: state for sweep_id, state in connection.execute(query)}
            counts = counted(connection, searching)
        return {each: (state, frozenset(counts[each].by_status.items())) for each, state in searching.items()}

    def sweeps(
        self,
        limit: int,
        before: int | None = None,
        words: Sequence[str] = (),
        tag: str | None = None,
        experiment: str | None = None,
    ) -> tuple[list[Sweep], int | None]:
        """Newest first, and the cursor of the next page; each word is in its name, tags, notes or id."""
        query = select(sweeps).order_by(sweeps.c.seq.desc()).limit(limit + 1)
        for word in words:
            tagged = select(sweep_tags.c.sweep_id).where(sweep_tags.c.tag.icontains(word, autoescape=True))
            query = query.where(sweeps_saying(word) | sweeps.c.id.in_(tagged))
        if tag is not None:
            query = query.where(sweeps.c.id.in_(select(sweep_tags.c.sweep_id).where(sweep_tags.c.tag == tag)))
        if experiment is not None:
            query = query.where(sweeps.c.experiment == experiment)
        if before is not None:
            query = query.where(sweeps.c.seq < before)
        with self._read() as connection:
            rows = connection.execute(query).mappings().all()
            return self._with_counts(connection, rows[:limit]), _next(rows, limit)

    def run(self, run_id: UUID) -> Run:
        """Raises `NotFound`."""
        with self._read() as connection:
            return self._records(connection, [self._run_row(connection, run_id)])[0]

    def sweep_runs(self, sweep_id: UUID, limit: int, after: int | None = None) -> tuple[list[Run], int | None]:
        """In the order of the grid; a run that a retry replaced is left out. Raises `NotFound`."""
        self.sweep(sweep_id)
        query = select(runs).where(runs.c.sweep_id == sweep_id, ~runs.c.superseded)
        if after is not None:
            query = query.where(runs.c.number > after)
        with self._read() as connection:
            rows = connection.execute(query.order_by(runs.c.number).limit(limit + 1)).mappings().all()
            return self._records(connection, rows[:limit]), _next(rows, limit, "number")

    def results(
        self,
        experiment: str,
        limit: int,
        after: int | None = None,
        filters: Mapping[str, str | UUID] | None = None,
        table: str | None = None,
        stopped: bool = False,
    ) -> tuple[list[dict[str, Any]], int | None]:
        """Flat rows of succeeded runs, oldest first, and the cursor of the next page, which may begin within a run.

        Args:
            experiment: Its name.
            limit: Rows at most.
            after: The cursor of a page before.
            filters: A column and the value it has.
            table: Of the results, a row for each of its rows; None: as `result_rows` has it.
            stopped: Those too of trainings that a search ended early.
        """
        first, taken = divmod(after or 0, ROWS_OF_A_RUN)
        whole = {} if stopped else {"stopped_early": False}
        wanted = with_columns({**(filters or {}), "experiment": experiment, "status": RunStatus.SUCCEEDED, **whole})
        seq = wanted.selected_columns.seq
        wanted = wanted.where(seq >= first).order_by(seq).limit(limit + 1)
        query = (
            select(*(runs.c[name] for name in RESULT_COLUMNS), sweeps.c.name.label("sweep_name"))
            .join(sweeps, sweeps.c.id == runs.c.sweep_id)
            .where(runs.c.seq.in_(wanted.scalar_subquery()))
            .order_by(runs.c.seq)
        )
        with self._read() as connection:
            rows = connection.execute(query).mappings().all()
        found: list[dict[str, Any]] = []
        for row in rows[:limit]:
            flat = result_rows(row, table)
            start = taken if row["seq"] == first else 0
            room = limit - len(found)
            found += flat[start : start + room]
            if len(flat) > start + room:
                return found, row["seq"] * ROWS_OF_A_RUN + start + room
        return found, rows[limit]["seq"] * ROWS_OF_A_RUN if len(rows) > limit else None

    def succeeded(self, keys: Mapping[str, tuple[PluginCode, ...]]) -> dict[str, UUID]:
        """For each config key, the newest run that succeeded with it and with the code beside it, if there is one."""
        wanted = list(keys)
        found: dict[str, UUID] = {}
        with self._read() as connection:
            for start in range(0, len(wanted), ID_BATCH):
                batch = wanted[start : start + ID_BATCH]
                environment = runs.c.environment if any(keys[key] for key in batch) else null()
                query = select(runs.c.config_key, runs.c.id, environment).where(runs.c.config_key.in_(batch), *WHOLE)
                told = connection.execute(query.order_by(runs.c.seq))
                found |= {key: run_id for key, run_id, ran in told if made_by(ran, keys[key])}
        return found

    def seconds_per_mac(self, experiment: str) -> dict[tuple[str | None, str | None], float]:
        """Seconds for a multiply-accumulate, the median of recent runs, by (model, data set).

        The key (None, None) has the median of all, if there is any.
        """
        query = (
            select(runs.c.model, runs.c.dataset, runs.c.seconds / runs.c.work_macs)
            .where(
                runs.c.experiment == experiment,
                *WHOLE,
                runs.c.reused_from.is_(None),
                runs.c.work_macs > 0,
            )
            .order_by(runs.c.seq.desc())
            .limit(200)
        )
        rates: dict[tuple[str | None, str | None], list[float]] = {}
        with self._read() as connection:
            for model, dataset, rate in connection.execute(query):
                rates.setdefault((model, dataset), []).append(rate)
                rates.setdefault((None, None), []).append(rate)
        return {key: median(values) for key, values in rates.items()}

    def queued(self) -> dict[str, int]:
        """Runs waiting, by queue."""
        return self._by_queue(runs.c.status == RunStatus.QUEUED)

    def eligible(self) -> dict[str, int]:
        """Those of them that a worker could claim, by queue: the others wait for their inputs."""
        return self._by_queue(runs.c.status == RunStatus.QUEUED, runs.c.lacks == 0)

    def running(self) -> dict[str, int]:
        """Runs in work, by queue."""
        return self._by_queue(runs.c.status.in_(ACTIVE))

    def _by_queue(self, *which: Any) -> dict[str, int]:
        query = select(runs.c.queue, func.count()).where(*which).group_by(runs.c.queue)
        with self._read() as connection:
            return {queue: number for queue, number in connection.execute(query)}

    def _by_key(self, connection: Connection, new: NewSweep) -> UUID | None:
        if new.idempotency_key is None:
            return None
        query = select(sweeps.c.id, sweeps.c.payload_hash).where(sweeps.c.idempotency_key == new.idempotency_key)
        row = connection.execute(query).first()
        if row is None:
            return None
        if row.payload_hash != new.payload_hash:
            raise Conflict("this Idempotency-Key was used for another request")
        found: UUID = row.id
        return found

    def _insert(self, connection: Connection, new: NewSweep) -> UUID:
        needed = [one.input_id for run in new.runs for one in run.inputs.values()]
        status = self._hold(connection, needed) if needed else {}
        sweep_id, now = new.id or self._new_id(), self._now(connection)
        connection.execute(
            insert(sweeps).values(
                id=sweep_id,
                name=new.name or new.recipe or new.experiment,
                experiment=new.experiment,
                grids=list(new.grids),
                recipe=new.recipe,
                priority=new.priority,
                created_at=now,
                idempotency_key=new.idempotency_key,
                payload_hash=new.payload_hash,
                owner=new.owner,
                **(new.search.columns if new.search else {}),
            )
        )
        connection.execute(insert(announcements).values(sweep_id=sweep_id, attempts=0))
        if new.tags:
            connection.execute(insert(sweep_tags), [{"sweep_id": sweep_id, "tag": tag} for tag in new.tags])
        if new.search:
            return sweep_id
        rows = [self._new_row(new, sweep_id, number, run, now) for number, run in enumerate(new.runs)]
        for row, run in zip(rows, new.runs, strict=True) if needed else ():
            row["lacks"] = sum(status[one.input_id] is not RunStatus.SUCCEEDED for one in run.inputs.values())
        connection.execute(insert(runs), rows)
        self._add_inputs(connection, {row["id"]: run.inputs for row, run in zip(rows, new.runs, strict=True)})
        queued = {"at": now, "to_status": RunStatus.QUEUED, "fence": 0}
        connection.execute(insert(events), [{"run_id": row["id"], **queued} for row in rows])
        if new.reuse:
            self._reuse(connection, rows, [run.code for run in new.runs])
        if new.then:
            then_id = self._insert(connection, new.then)
            connection.execute(sweeps.update().where(sweeps.c.id == sweep_id).values(then_sweep_id=then_id))
        record_start(connection, [row["id"] for row in rows])
        return sweep_id

    def _new_row(self, new: NewSweep, sweep_id: UUID, number: int, run: NewRun, now: float) -> dict[str, Any]:
        return {
            "id": run.id or self._new_id(),
            "sweep_id": sweep_id,
            "number": number,
            "experiment": new.experiment,
            "version": new.version,
            "model": run.config.get("model"),
            "dataset": run.config.get("dataset"),
            "requested": run.requested,
            "config": run.config,
            "config_key": run.config_key,
            "work_macs": run.work_macs,
            "queue": run.queue,
            "device": run.device,
            "priority": new.priority,
            "status": RunStatus.QUEUED,
            "created_at": now,
            "trial": run.trial,
        }

    def _reuse(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], codes: Sequence[tuple[PluginCode, ...]]
    ) -> None:
        """Let runs that the store has a result of the same code for end at once, with that result.

        The source is held, so that nobody deletes it meanwhile.
        """
        ends = {}
        for row, code in zip(rows, codes, strict=True):
            query = select(runs).where(runs.c.config_key == row["config_key"], *WHOLE)
            query = query.order_by(runs.c.seq.desc()).limit(MOST_LOOKED_AT)
            newest = connection.execute(query.with_for_update(read=True, key_share=True)).mappings()
            known = next((one for one in newest if made_by(one["environment"], code)), None)
            if known is None:
                continue
            copied = {key: known[key] for key in ("result", "environment", "seconds", "finished_at", "started_at")}
            source = known["reused_from"] or known["id"]
            seq = connection.scalar(
                runs.update()
                .where(runs.c.id == row["id"])
                .values(status=RunStatus.SUCCEEDED, progress=1.0, reused_from=source, **copied)
                .returning(runs.c.seq)
            )
            ends[seq] = facts_at_end(known["result"], known["seconds"])
            self._note(connection, row["id"], RunStatus.QUEUED, RunStatus.SUCCEEDED, 0, f"result of run {source}")
        record_facts(connection, rows[0]["experiment"], ends)

    def _run_row(self, connection: Connection, run_id: UUID) -> RowMapping:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
        if row is None:
            raise NotFound(f"there is no run {run_id}")
        return row

    def _sweep(self, connection: Connection, sweep_id: UUID) -> Sweep:
        row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).mappings().first()
        if row is None:
            raise NotFound(f"there is no sweep {sweep_id}")
        return self._with_counts(connection, [row])[0]

    def _with_counts(self, connection: Connection, rows: Sequence[RowMapping]) -> list[Sweep]:
        ids = [row["id"] for row in rows]
        counts, tags = counted(connection, ids), self._sweep_tags(connection, ids)
        searched = standings(connection, rows, {each: of.by_status for each, of in counts.items()})
        return [sweep_record(row, counts[row["id"]], tags.get(row["id"], ()), searched.get(row["id"])) for row in rows]


def _next(rows: Sequence[RowMapping], limit: int, column: str = "seq") -> int | None:
    return rows[limit - 1][column] if len(rows) > limit else None
