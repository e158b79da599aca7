"""Is the service well, who works for it, how much waits."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.connection import SIGNS, client, readiness, tells_what_fails
from dashboard.words import literal
from mgic.figures.words import ago, seconds
from mgic.records import System, Worker

st.title("System", anchor=False)
api = client()


def plugins_table(system: System) -> pd.DataFrame:
    rows = [
        {
            "module": one.module,
            "state": "✖ left out" if one.error else "✔ imported",
            "asked for by": one.asked_by,
            "error": one.error,
            "registers": ", ".join(one.registers),
            "fingerprint": one.fingerprint,
        }
        for one in system.plugins
    ]
    return pd.DataFrame(rows)


def abilities_table(workers: Sequence[Worker]) -> pd.DataFrame:
    """Of those that have told: one that stands beside the API has what the API has."""
    rows = [
        {
            "worker": worker.name,
            "engines": ", ".join(worker.able.engines),
            "lacks": "; ".join(f"{engine}: {why}" for engine, why in worker.able.lacking.items()),
            "extras": ", ".join(worker.able.extras),
            "cores": worker.able.cores,
            "GPUs": ", ".join(worker.able.gpus),
            "data sets": ", ".join(worker.able.datasets),
            "plug-ins": ", ".join(f"{one.module} {one.error or one.fingerprint}" for one in worker.able.plugins),
        }
        for worker in workers
        if worker.alive and worker.able
    ]
    return pd.DataFrame(rows)


@st.fragment(run_every=5)
@tells_what_fails()
def live() -> None:
    ready = readiness(api)
    if isinstance(ready, str):
        st.error(f"✖ The service cannot work: {literal(ready)}")
    else:
        words = f"{SIGNS[ready.status]} {ready.status}"
        (st.success if ready.status == "ok" else st.warning)(words + "".join(f". {literal(n)}" for n in ready.notes))
        beat = ready.newest_heartbeat_seconds
        told = {
            "version": ready.version,
            "database": ready.database,
            "schema": ready.schema_version,
            "broker": ready.broker,
            "artifacts": ready.artifacts,
            "disk": ready.disk,
            "catalogue": ready.catalogue,
            "newest heartbeat": f"{seconds(beat)} ago" if beat is not None else "none",
        }
        st.dataframe(pd.DataFrame(told.items(), columns=["part", "says"]), hide_index=True, key="health")
    st.subheader("Workers", anchor=False)
    workers = api.workers()
    if not workers:
        st.info("No worker has reported yet. `mgic up` starts one of each kind; queued runs wait for it.")
    else:
        rows = [
            {
                "worker": worker.name,
                "state": "✔ alive" if worker.alive else "✖ silent",
                "heartbeat": ago(worker.seen_at),
                "queue": worker.queue,
                "device": worker.device,
                "slots": worker.slots,
                "runs": ", ".join(str(run)[:8] for run in worker.running),
                "host": worker.host,
                "version": worker.version,
            }
            for worker in workers
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, key="workers", alt="Workers and their last heartbeat")
        if not (able := abilities_table(workers)).empty:
            st.dataframe(able, hide_index=True, key="abilities", alt="What each worker has where it runs")
    _queues()


def _queues() -> None:
    system = api.system()
    st.subheader("Queues", anchor=False)
    names = dict.fromkeys([*system.queued, *system.running])
    depth = [{"queue": q, "waiting": system.queued.get(q, 0), "running": system.running.get(q, 0)} for q in names]
    if depth:
        st.dataframe(pd.DataFrame(depth), hide_index=True, key="queues", alt="Runs waiting and running, by queue")
    else:
        st.caption("Nothing waits and nothing runs.")
    if system.plugins:
        st.subheader("Plug-ins", anchor=False)
        st.dataframe(plugins_table(system), hide_index=True, key="plugins", alt="Plug-ins and what they register")
    st.subheader("Limits", anchor=False)
    limits = [{"limit": name, "value": f"{value:,.0f}"} for name, value in system.limits.items()]
    st.dataframe(pd.DataFrame(limits), hide_index=True, key="limits", alt="What this server allows")


live()
