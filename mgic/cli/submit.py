"""`mgic submit`: queue a sweep, and wait for it if asked to."""

import sys
import time
from typing import Annotated, Any

import typer

from mgic.cli.local import AsJson, Fields, subject_and_fields
from mgic.cli.search_options import (
    AtOnce,
    GoalOf,
    MaxMacs,
    Metric,
    Ranges,
    Sampling,
    SearchSeed,
    Stopping,
    Trials,
    search_of,
)
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import (
    Code,
    Meter,
    assignments,
    code_of,
    duration,
    put,
    put_json,
    put_table,
    say,
)
from mgic.cli.then import THEN, THEN_FIELD
from mgic.cli.values import fit, parse_axes
from mgic.client import ApiError, Client, Unreachable
from mgic.errors import BadConfig, UnknownName
from mgic.records import ExperimentInfo, Preview, RunStatus, Sweep, SweepRequest, ThenRequest, Value

ASK_EVERY_S = 1.0
SILENCE_S = 60.0  # a service that is started again is waited for as long

Then = Annotated[
    str | None,
    typer.Option(
        THEN,
        metavar="EXPERIMENT [field=value ...]",
        help="Then run this with each run of the sweep as its input; fields behind it are of this experiment.",
    ),
]
ThenFields = Annotated[list[str] | None, typer.Option(THEN_FIELD, hidden=True)]
ThenInput = Annotated[
    str | None, typer.Option(metavar="FIELD", help="Its field that names the run, where it has several.")
]


def submit(
    experiment: Annotated[str | None, typer.Argument(help="Name of the experiment.", show_default=False)] = None,
    fields: Fields = None,
    recipe: Annotated[str | None, typer.Option(help="Submit this recipe instead.")] = None,
    name: Annotated[str | None, typer.Option(help="What the sweep is called.")] = None,
    priority: Annotated[int, typer.Option(min=0, max=9, help="0 is served first, 9 last.")] = 5,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Take results that are there instead of running again.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when every run has ended; exit 1 if one failed.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait; then exit 5.")] = float("inf"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the runs and what they cost; queue nothing.")
    ] = False,
    then: Then = None,
    then_fields: ThenFields = None,
    then_input: ThenInput = None,
    sampler: Sampling = None,
    trials: Trials = None,
    metric: Metric = None,
    goal: GoalOf = None,
    search_seed: SearchSeed = None,
    stop: Stopping = None,
    max_macs: MaxMacs = None,
    ranges: Ranges = None,
    at_once: AtOnce = None,
    idempotency_key: Annotated[str | None, typer.Option(help="The same key again gives the same sweep again.")] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Queue a sweep on the service.

    A field that names a run takes the run's id, or sweep:ID for every run of that sweep.

    Example: mgic submit classification model=mgic_resnet20 group_size=4,8 seed=0,1 --wait
    """
    subject, words = subject_and_fields(experiment, fields, recipe)
    axes = parse_axes(words)
    told = {"trials": trials, "metric": metric, "goal": goal, "seed": search_seed, "max_macs": max_macs}
    search = search_of(sampler, ranges, stop, at_once=at_once, **told)
    with connect(api_url, api_key) as client:
        following = _following(client, then, then_fields, then_input)
        kept = {"name": name, "priority": priority, "reuse": reuse, "then": following, "search": search}
        request = _request(client, subject, axes, recipe, kept)
        if dry_run:
            raise typer.Exit(_preview(client, request, as_json))
        sweep = client.submit(request, idempotency_key)
        sweeps = [sweep, *([client.sweep(sweep.then_sweep_id)] if sweep.then_sweep_id else [])]
        if wait:
            raise typer.Exit(_wait(client, sweeps, timeout, as_json, Meter(quiet)))
        put_json(sweep) if as_json else put("\n".join(str(each.id) for each in sweeps))
        if not quiet:
            queued = ", then ".join(f"{each.planned} runs of {each.experiment}" for each in sweeps)
            say(f"{queued} queued; next: mgic status {sweep.id}")


def _request(
    client: Client, experiment: str, axes: dict[str, list[Value]], recipe: str | None, kept: dict[str, Any]
) -> SweepRequest:
    if recipe is not None:
        return SweepRequest(experiment=experiment, recipe=recipe, **kept)
    fitted = fit(axes, _experiment(client, experiment).config_schema)
    return SweepRequest(experiment=experiment, axes=fitted, **kept)


def _following(client: Client, then: str | None, fields: list[str] | None, given: str | None) -> ThenRequest | None:
    if then is None:
        if given is not None:
            raise BadConfig("--then-input says which field of --then names the run, and there is no --then")
        return None
    axes = fit(parse_axes(fields or ()), _experiment(client, then).config_schema)
    return ThenRequest(experiment=then, input=given, axes=axes)


def _preview(client: Client, request: SweepRequest, as_json: bool) -> Code:
    """Cells with their cost; asked again until the last one is counted."""
    while (preview := client.preview(request)).pending:
        time.sleep(0.2)
    if as_json:
        put_json(preview)
    else:
        _show_preview(preview)
        if preview.then:
            say("then")
            _show_preview(preview.then)
    return Code.USAGE if preview.problems or (preview.then and preview.then.problems) else Code.OK


def _show_preview(preview: Preview) -> None:
    put_table(
        ("params", "MACs", "groups", "seconds", "cell", "note"),
        [
            (
                " + ".join(str(one.params) for one in point.networks) or (point.cost and point.cost.params),
                " + ".join(str(one.macs) for one in point.networks) or (point.cost and point.cost.macs),
                ",".join(map(str, point.group_sizes)) or "-",
                point.seconds,
                assignments(point.requested) or "(defaults)",
                point.problem or (f"as run {point.duplicate_of}" if point.duplicate_of else ""),
            )
            for point in preview.points
        ],
    )
    time_needed = f", about {duration(preview.seconds)} one after another" if preview.seconds is not None else ""
    say(f"{preview.total} runs, {preview.problems} cannot run, {preview.duplicates} in the store{time_needed}")


def _experiment(client: Client, name: str) -> ExperimentInfo:
    """Raises `UnknownName`: a misspelt experiment is bad usage, not a thing that is gone."""
    try:
        return client.experiment(name)
    except ApiError as error:
        if error.status == 404:
            raise UnknownName(error.detail) from error
        raise


def _wait(client: Client, sweeps: list[Sweep], timeout: float, as_json: bool, meter: Meter) -> Code:
    ended, start = list[Sweep](), time.monotonic()
    for sweep in sweeps:
        left = timeout - (time.monotonic() - start)
        try:
            ended.append(_until_finished(client, sweep, left, meter))
        except KeyboardInterrupt:
            meter.clear()
            _leave(client, sweep)
            return Code.INTERRUPTED
        finally:
            meter.clear()
    if as_json:
        put_json(ended[0] if len(ended) == 1 else {"sweep": ended[0], "then": ended[1]})
    else:
        put("\n".join(f"{sweep.id} {_counts(sweep)}" for sweep in ended))
    for sweep in ended:
        if sweep.search:
            say(sweep.search.said)
    failed = [sweep for sweep in ended if sweep.counts.get(RunStatus.FAILED)]
    if failed:
        say(f"next: mgic status {failed[0].id}")
        return Code.RUN_FAILED
    succeeded = all(sweep.counts.get(RunStatus.SUCCEEDED) == sweep.total for sweep in ended)
    return Code.OK if succeeded else Code.NOTHING


def _until_finished(client: Client, sweep: Sweep, timeout: float, meter: Meter) -> Sweep:
    """Poll; a service that does not answer is asked again for `SILENCE_S`. Raises `Unreachable`."""
    start = answered = time.monotonic()
    shown: dict[RunStatus, int] = {}
    meter.line(f"sweep {sweep.id}: {sweep.planned} runs of {sweep.experiment}")
    while not sweep.finished:
        now = time.monotonic()
        if now - start > timeout:
            raise Unreachable(f"sweep {sweep.id} has not ended within {timeout:g} s, it goes on")
        time.sleep(min(ASK_EVERY_S, max(timeout - (now - start), 0.01)))
        try:
            sweep = client.sweep(sweep.id)
        except (Unreachable, ApiError) as error:
            if code_of(error) is not Code.UNREACHABLE or time.monotonic() - answered > SILENCE_S:
                raise
            continue
        answered = time.monotonic()
        eta = f", about {duration(sweep.eta_seconds)} left" if sweep.eta_seconds is not None else ""
        if sweep.counts != shown:
            shown = dict(sweep.counts)
            meter.line(f"{_counts(sweep)}{eta}")
        meter.show(f"{sweep.progress:4.0%} {_counts(sweep)}{eta}", sweep.progress)
    return sweep


def _counts(sweep: Sweep) -> str:
    return ", ".join(f"{count} {status}" for status, count in sweep.counts.items())


def _leave(client: Client, sweep: Sweep) -> None:
    """Interrupted: on a terminal ask whether the sweep shall go on, else let it. A second Ctrl-C lets it."""
    answer = ""
    if sys.stdin.isatty() and sys.stderr.isatty():
        try:
            sys.stderr.write("\n[d]etach, the sweep goes on, or [c]ancel it? ")
            sys.stderr.flush()
            answer = sys.stdin.readline().strip().lower()
        except KeyboardInterrupt:
            answer = ""
    if answer.startswith("c"):
        client.cancel_sweep(sweep.id)
        say(f"sweep {sweep.id} is cancelled")
    else:
        say(f"sweep {sweep.id} goes on; next: mgic status {sweep.id}, or mgic cancel {sweep.id}")
