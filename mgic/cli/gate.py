"""`mgic baseline` writes down what models are; `mgic gate` says whether they got worse. For CI."""

import os
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from mgic.cli.files import read_json, write_text
from mgic.cli.loading import core
from mgic.cli.local import AsJson
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Code, put, put_json, say, words
from mgic.cli.values import parse_size
from mgic.client import Client
from mgic.errors import BadConfig, NotFound, Problem
from mgic.gate import (
    Pair,
    Training,
    as_markdown,
    compare,
    find_base,
    of_outcome,
    of_run,
    parse_limits,
    trained,
    with_runs,
)
from mgic.records import NAME_PATTERN, Baseline, Limits, ModelFigures, Outcome

SUMMARY = "GITHUB_STEP_SUMMARY"  # a file of GitHub Actions, shown on the page of the job
CODES = {"pass": Code.OK, "regression": Code.REGRESSION, "not measured": Code.NOTHING}
OF_MODEL = re.compile(r"([A-Za-z_][\w.-]*(?:\([^()]*\))?)=(.+)")


def baseline(
    models: Annotated[
        list[str], typer.Argument(help="Specs, such as 'mgic_resnet20(group_size=8)'.", show_default=False)
    ],
    input_size: Annotated[
        str | None, typer.Option("--input-size", help="channels,height,width  [default: what each is made for]")
    ] = None,
    top1: Annotated[
        list[str] | None,
        typer.Option("--top1", metavar="MODEL=RUN", help="Id of a finished run, or a file of `mgic run`."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What it is called.  [default: as the file]")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Write down parameters, MACs and size of models, and top-1 of finished runs, for `mgic gate`.

    Example: mgic baseline resnet20 'mgic_resnet20(group_size=8)' --out baseline.json
    """
    size = None if input_size is None else parse_size(input_size, "--input-size")
    given = [_of_model(text) for text in top1 or []]
    describe = core().describe
    counted = [describe.figures(spec, size) for spec in models]
    _no_model_twice(counted)
    with connect(api_url, api_key) as client:
        found = _with_top1(counted, given, describe.canonical, client)
    written = Baseline(
        schema_version=1,
        name=name or (out.stem if out else "baseline"),
        created_at=datetime.now(UTC),
        source=describe.source(),
        models=tuple(found),
    )
    text = written.model_dump_json(indent=2)
    if out is None:
        put(text)
        return
    write_text("--out", out, text + "\n")
    say(f"{len(found)} model{'s' if len(found) > 1 else ''} written; next: mgic gate --baseline {out}")


def gate(
    baseline: Annotated[
        str, typer.Option("--baseline", help="File of `mgic baseline`, or a name in the service.", show_default=False)
    ],
    models: Annotated[
        list[str] | None, typer.Argument(help="Specs; all of the baseline's if left out.", show_default=False)
    ] = None,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="Finished run of a model, for top-1: id, or file of `mgic run`."),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(metavar="METRIC:LIMIT,...", help="What must be measured, and how far it may move to the worse."),
    ] = None,
    as_json: AsJson = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Are models, as this code builds them, worse than a baseline? Exit 0 no, 1 yes, 4 not measured.

    Unless --fail-on says otherwise params, macs and size_bytes may not rise, and top1 may fall by 0.5 points.

    Example: mgic gate --baseline baseline.json --fail-on params:+0%,macs:+1%
    """
    limits = Limits() if fail_on is None else parse_limits(fail_on, "--fail-on")
    with connect(api_url, api_key) as client:
        base = _baseline(baseline, client)
        pairs = _pairs(base, models)
        heads = _measured([head for _, head in pairs], run or [], client)
    bases = [entry for entry, _ in pairs]
    found = compare(base, list(zip(bases, heads, strict=True)), core().describe.source(), limits)
    text = as_markdown(found)
    put_json(found) if as_json else put(text.removesuffix("\n"))
    _summarise(text)
    if found.verdict != "pass":
        say(f"mgic: {found.verdict}: {found.summary}")
    raise typer.Exit(CODES[found.verdict])


def _baseline(text: str, client: Client) -> Baseline:
    """From a file of that name, or else from the service."""
    if os.path.isfile(text):
        try:
            return Baseline.model_validate_json(read_json("--baseline", Path(text)))
        except ValidationError as error:
            raise BadConfig(f"--baseline: {text} is no baseline: {words(error)[:1000]}") from error
    if text.endswith(".json") or not re.fullmatch(NAME_PATTERN, text):
        raise NotFound(f"--baseline: there is no file {text[:200]}; `mgic baseline` writes one")
    found = client.baselines(name=text).items
    if not found:
        raise NotFound(f"--baseline: there is no file {text}, and no baseline of that name at {client.url}")
    return found[0]


def _pairs(baseline: Baseline, specs: Sequence[str] | None) -> list[Pair]:
    """Each entry of the baseline that is asked for, and the model's figures now."""
    describe = core().describe
    if not specs:
        asked = [(base, base.model) for base in baseline.models]
    else:
        asked = [(find_base(baseline, spec, "models"), spec) for spec in map(describe.canonical, specs)]
    pairs = [(base, describe.figures(spec, base.input_size)) for base, spec in asked]
    _no_model_twice([head for _, head in pairs])
    return pairs


def _measured(models: Sequence[ModelFigures], given: Sequence[str], client: Client) -> tuple[ModelFigures, ...]:
    """The models with `top1` of the runs that trained them; of a file with many runs the others are left out."""
    runs: list[Training] = []
    for text in given:
        found = _trainings(text, "--run", client)
        runs += [run for run in found if any(trained(run, model) for model in models)] or found
    return with_runs(models, runs)


def _with_top1(
    models: Sequence[ModelFigures],
    given: Sequence[tuple[str, str]],
    canonical: Callable[[str], str],
    client: Client,
) -> list[ModelFigures]:
    """The models with `top1`, each of the run that is named beside it."""
    found = {model.model: model for model in models}
    for text, run in given:
        spec = canonical(text)
        if spec not in found:
            raise _bad("--top1", f"{spec} is not among the models: {', '.join(found)}")
        if found[spec].top1 is not None:
            raise _bad("--top1", f"{spec} is given twice")
        runs = _trainings(run, "--top1", client)
        (found[spec],) = with_runs([found[spec]], [each for each in runs if trained(each, found[spec])] or runs)
    return list(found.values())


def _trainings(text: str, option: str, client: Client) -> list[Training]:
    """The runs of a file, or the one of the service."""
    if os.path.isfile(text):
        return [of_outcome(outcome, text, option) for outcome in _outcomes(Path(text), option)]
    try:
        run_id = UUID(text)
    except ValueError:
        raise _bad(option, f"{text[:200]!r} is neither a file nor the id of a run") from None
    return [of_run(client.run(run_id), option)]


def _outcomes(path: Path, option: str) -> list[Outcome]:
    """`outcome.json` holds one, what `mgic run` prints one a line."""
    text = read_json(option, path).strip()
    parts = [text] if text.startswith(b"{\n") else text.split(b"\n")
    try:
        found = [Outcome.model_validate_json(part) for part in parts if part.strip()]
    except ValidationError as error:
        raise _bad(option, f"{path} is not what `mgic run` prints: {words(error)[:500]}") from error
    if not found:
        raise _bad(option, f"{path} has no run in it")
    return found


def _of_model(text: str) -> tuple[str, str]:
    found = OF_MODEL.fullmatch(text)
    if found is None:
        raise _bad("--top1", f"MODEL=RUN is wanted, such as resnet20=outcome.json, not {text[:80]!r}")
    return found[1], found[2]


def _no_model_twice(models: Sequence[ModelFigures]) -> None:
    specs = [model.model for model in models]
    for spec in specs:
        if specs.count(spec) > 1:
            raise _bad("models", f"{spec} stands there twice")


def _summarise(markdown: str) -> None:
    """Also onto the page of the job, where GitHub runs it."""
    path = os.environ.get(SUMMARY)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as summary:
            summary.write(markdown + "\n")
    except OSError as error:
        say(f"mgic: {SUMMARY}: {path} cannot be written: {error.strerror}")


def _bad(field: str, detail: str) -> BadConfig:
    return BadConfig(f"{field}: {detail}", (Problem(field, "validation", detail),))
