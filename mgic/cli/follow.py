"""Look at what the service does, and stop or repeat it: `status`, `logs`, `cancel`, `retry`."""

import time
from typing import Annotated

import typer

from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect, identifier, of_sweep_or_run
from mgic.cli.terminal import assignments, duration, put, put_json, put_table, say
from mgic.client import Client
from mgic.records import Run, RunStatus, Sweep

Id = Annotated[str, typer.Argument(metavar="ID", help="Of a sweep or a run.", show_default=False)]
ASK_EVERY_S = 1.0


def status(
    sweep: Annotated[
        str | None, typer.Argument(help="Id of a sweep; all of them if left out.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """The newest sweeps, or one sweep run by run.

    Example: mgic status
    """
    with connect(api_url, api_key) as client:
        if sweep is None:
            page = client.sweeps()
            put_json(page) if as_json else _show_sweeps(page.items)
            return
        found = client.sweep(identifier(sweep))
        runs = client.sweep_runs(found.id)
        if as_json:
            put_json({"sweep": found, "runs": runs})
            return
        eta = f", about {duration(found.eta_seconds)} left" if found.eta_seconds is not None else ""
        say(f"{found.name} ({found.experiment}): {found.progress:.0%} of {found.planned} runs{eta}")
        if found.search:
            say(found.search.said)
        put_table(
            ("run", "status", "progress", "attempt", "seconds", "config", "why"),
            [
                (r.id, r.status, f"{r.progress:.0%}", r.attempt, r.seconds, assignments(r.requested), _why(r))
                for r in runs
            ],
        )


def _show_sweeps(sweeps: tuple[Sweep, ...]) -> None:
    if not sweeps:
        say("no sweep yet; next: mgic submit --recipe ablation_quick")
        return
    put_table(
        ("sweep", "experiment", "progress", "runs", "counts", "name"),
        [
            (
                s.id,
                s.experiment,
                f"{s.progress:.0%}",
                s.planned,
                ", ".join(f"{n} {k}" for k, n in s.counts.items()),
                s.name,
            )
            for s in sweeps
        ],
    )


def _why(run: Run) -> str:
    if run.waits_for:
        return f"waits for {', '.join(f'{one.id} ({one.status})' for one in run.waits_for)}"
    return f"{run.failure.reason}: {run.failure.message}" if run.failure else run.phase


def logs(
    run: Annotated[str, typer.Argument(help="Id of a run.", show_default=False)],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """What a run has said; with --json a JSON object a line.

    Example: mgic logs RUN --follow
    """
    with connect(api_url, api_key) as client:
        found = identifier(run)
        after: str | None = None
        ended = not follow
        while True:
            after = _drain(client, run=str(found), after=after, as_json=as_json)
            if ended:
                return
            ended = client.run(found).status.terminal  # once more after that: its last lines
            if not ended:
                time.sleep(ASK_EVERY_S)


def _drain(client: Client, run: str, after: str | None, as_json: bool) -> str | None:
    """Print every line after the cursor, and say where that ended."""
    while True:
        page = client.log(run, after)
        for line in page.items:
            put(line.model_dump_json() if as_json else line.line)
        after = page.next_cursor or after
        if not page.items or page.next_cursor is None:
            return after


def cancel(id_: Id, as_json: AsJson = False, api_url: ApiUrl = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Stop a sweep, or one run."""
    with connect(api_url, api_key) as client:
        _show(of_sweep_or_run(client.cancel_sweep, client.cancel_run, id_), as_json)


def retry(
    id_: Id,
    cancelled: Annotated[
        bool, typer.Option("--cancelled", help="Of a sweep, the cancelled runs too: its rest.")
    ] = False,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Run what failed once more: the failed runs of a sweep, or one run."""
    with connect(api_url, api_key) as client:
        changed = of_sweep_or_run(lambda found: client.retry_failed(found, cancelled), client.retry_run, id_)
        _show(changed, as_json)
    left = changed.counts.get(RunStatus.CANCELLED) if isinstance(changed, Sweep) else None
    if left:
        say(f"{left} cancelled runs were left as they are; next: mgic retry {changed.id} --cancelled")


def _show(changed: Sweep | Run, as_json: bool) -> None:
    if as_json:
        put_json(changed)
    elif isinstance(changed, Sweep):
        put(f"{changed.id} {', '.join(f'{count} {status}' for status, count in changed.counts.items())}")
    else:
        put(f"{changed.id} {changed.status}")
