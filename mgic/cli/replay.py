"""`mgic replay`: the config, seed and code of a result, run again here, and whether it says the same."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from mgic.cli.baselines import outcomes_of
from mgic.cli.loading import core
from mgic.cli.local import AsJson, DataDir
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Code, Meter, put, put_json, say
from mgic.client import Client
from mgic.errors import BadConfig, Conflict, NotMeasured, Problem
from mgic.gate.replay import Replayed, environment_differences, replayed
from mgic.records import Outcome, Run, RunStatus, SweepRequest

SHOWN = 10  # figures that differ
Given = Annotated[str, typer.Argument(metavar="RUN|FILE", help="Id of a run, or a file that `mgic run` has left.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Run it although this code is not the run's.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def replay(
    given: Given,
    anyway: Anyway = False,
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
    quiet: Quiet = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Run a result's config again, here, and say whether it is equal, within the noise of seeds, or different.

    Exit 0 equal or within noise, 1 it differs, 4 this checkout is not the run's, or the run has no result.

    Example: mgic replay outcome.json
    """
    with connect(api_url, api_key) as client:
        before, run = _before(given, client)
        experiment = _experiment(before)
        differences = _refusals(experiment, before)
        if differences and not anyway:
            words = f"this is not the code of {given}: {'; '.join(differences)}. --anyway runs it nevertheless"
            raise NotMeasured(words)
        metric, known = _noise(run, client) if run is not None else (None, [])
    after = _again(experiment, before, data_dir, quiet)
    schema = core().describe.experiment(experiment).result_schema
    found = replayed(before.result or {}, after.result or {}, schema, metric, known)
    causes = environment_differences(before.environment, after.environment)
    commit = (before.environment.get("source") or {}).get("commit")
    unknown = "; of which commit of the lab it was is not known" if commit in (None, "unknown") else ""
    _tell(found, causes, as_json, unknown)
    raise typer.Exit(Code.RUN_FAILED if found.verdict == "differs" else Code.OK)


def _before(given: str, client: Client) -> tuple[Outcome, Run | None]:
    """As it was: of a file, or of the service. Raises `Conflict` for a run without a result."""
    path = Path(given) / "outcome.json" if Path(given).is_dir() else Path(given)
    run: Run | None = None
    if path.is_file():
        found = outcomes_of(path, "RUN")
        if len(found) > 1:
            raise _bad(f"{path} has {len(found)} runs; keep the one to be repeated in a file of its own")
        outcome = found[0]
    else:
        try:
            run = client.run(UUID(given))
        except ValueError:
            raise _bad(f"{given[:200]!r} is neither a file nor the id of a run") from None
        told = {"experiment": run.experiment, **(run.environment or {})}
        outcome = Outcome(status=run.status, config=run.config, result=run.result, environment=told, seconds=0.0)
    if outcome.status is not RunStatus.SUCCEEDED or outcome.result is None:
        raise Conflict(f"{given} has no result to repeat: it has {outcome.status}")
    return outcome, run


def _experiment(before: Outcome) -> str:
    name = before.environment.get("experiment")
    if not isinstance(name, str):
        raise _bad("it does not say which experiment it is of")
    return name


def _refusals(experiment: str, before: Outcome) -> list[str]:
    """Why this code is not the run's, each with how to get it."""
    info = core().describe.experiment(experiment)
    found = []
    version = before.environment.get("experiment_version")
    if version is not None and version != info.version:
        found.append(f"{experiment} was version {version} and is {info.version} here")
    was, now = before.environment.get("source") or {}, core().describe.source()
    if was.get("version") not in (None, now.mgic):
        found.append(f"it was made by MGIC Lab {was['version']}, this is {now.mgic}")
    if was.get("commit") not in (None, "unknown", now.commit) and now.commit != "unknown":
        found.append(
            f"the lab was at {was['commit'][:10]} and is at {now.commit[:10]}: git checkout {was['commit'][:10]}"
        )
    if was.get("dirty"):
        found.append("the lab's files had been changed, so that no commit has them")
    here = {info.module: info for info in core().describe.outside()}
    for one in (before.environment.get("subject") or {}).get("plugins", ()):
        found += _of_plugin(one, here.get(one["module"]))
    inputs = [name for name in ("trained", "sparse") if before.config.get(name)]
    found += [f"{name}={before.config[name]} is another run, whose files are not here" for name in inputs]
    return found


def _of_plugin(was: Mapping[str, Any], here: Any) -> list[str]:
    if here is None:
        return [f"{was['module']} is not imported: --import {was['module']}"]
    if was.get("fingerprint") and was["fingerprint"] != here.fingerprint:
        commit = str(was.get("commit") or "")[:10]
        how = f": git worktree add ../replay {commit}, and replay there" if commit and not was.get("dirty") else ""
        return [f"{was['module']} is other code than it was{how}"]
    return []


def _noise(run: Run, client: Client) -> tuple[str | None, list[float]]:
    """The experiment's first figure, and what runs say of it that differ from this one in their seed only."""
    info = client.experiment(run.experiment)
    metric = next((view.y for view in info.views if view.y in (run.result or {})), None)
    if metric is None:
        return None, []
    same = {name: value for name, value in run.config.items() if name not in ("seed", "device", "processes")}
    known = []
    for other in client.every_run(experiment=run.experiment, status="succeeded", tables=False):
        others = {name: value for name, value in other.config.items() if name in same}
        value = (other.result or {}).get(metric)
        if other.id != run.id and others == same and isinstance(value, int | float):
            known.append(float(value))
    return metric, known


def _again(experiment: str, before: Outcome, data_dir: Path, quiet: bool) -> Outcome:
    """Raises `NotMeasured` where it does not succeed here."""
    axes = {name: [value] for name, value in before.config.items() if value is not None}
    device = str(before.config.get("device", "cpu"))
    meter = Meter(quiet)
    sweep = SweepRequest(experiment=experiment, axes=axes)
    (after,) = core().run_all(sweep, core().find_device(device), data_dir, None, meter)
    if after.status is not RunStatus.SUCCEEDED:
        why = f": {after.failure.message}" if after.failure else ""
        raise NotMeasured(f"run again here it has {after.status}{why}")
    result: Outcome = after
    return result


def _tell(found: Replayed, causes: list[str], as_json: bool, unknown: str) -> None:
    if as_json:
        told = found._asdict() | {"different": [one._asdict() for one in found.different], "environment": causes}
        put_json(told)
        return
    put(f"{found.verdict}: {found.why}{unknown}")
    for one in found.different[:SHOWN]:
        put(f"  {one.place}: {one.before} -> {one.after}")
    if len(found.different) > SHOWN:
        put(f"  and {len(found.different) - SHOWN} more")
    for cause in causes if found.different else ():
        put(f"  differs in the environment: {cause}")
    if found.different and not causes:
        say("mgic: nothing in the environment differs that is known")


def _bad(words: str) -> BadConfig:
    return BadConfig(f"RUN: {words}", (Problem("RUN", "run", words),))
