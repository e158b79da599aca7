"""`mgic baseline` writes down what models are; and a gate against what was written down."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from mgic.cli.files import as_json_text, read_json, write_text
from mgic.cli.loading import core
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import put, say, words
from mgic.cli.values import parse_size
from mgic.client import Client
from mgic.errors import BadConfig, MgicError, NotFound, Problem
from mgic.gate import Pair, Rules, Training, compare, find_base, of_outcome, of_run, trained, with_runs
from mgic.records import NAME_PATTERN, Baseline, Comparison, ModelFigures, Outcome
from mgic.sides.checkout import base_of, changed_since, file_at

OF_MODEL = re.compile(r"([A-Za-z_][\w.-]*(?:\([^()]*\))?)=(.+)")
TARGETS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")  # what a pull request is to be merged into


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


def against_stored(
    baseline: str, models: Sequence[str] | None, run: Sequence[str], rules: Rules, client: Client
) -> Comparison:
    """Against a document, counted here."""
    base = read_baseline(baseline, client)
    pairs = pairs_of(base, models)
    heads = measured([head for _, head in pairs], run, client)
    bases = [entry for entry, _ in pairs]
    found = compare(base, list(zip(bases, heads, strict=True)), core().describe.source(), rules)
    changed = changed_by_pull_request(baseline)
    return found.model_copy(update={"summary": f"{changed}{found.summary}"}) if changed else found


def changed_by_pull_request(text: str) -> str:
    """What is said first where the file is another one on the branch that a pull request is for; else empty."""
    target = next((os.environ[name] for name in TARGETS if os.environ.get(name)), None)
    path = Path(text)
    if target is None or not path.is_file():
        return ""
    try:
        base = base_of(f"origin/{target}", path.resolve().parent, os.environ)
    except MgicError:  # a clone that does not reach back: then nobody can tell
        return ""
    return f"{text} was changed by the pull request itself: " if changed_since(base, path.resolve()) else ""


def read_baseline(text: str, client: Client) -> Baseline:
    """From standard input, a file or a pipe, a file of a commit, or else from the service."""
    ref, colon, path = text.partition(":")
    document: bytes | None = None
    if text == "-":
        document = as_json_text("--baseline", sys.stdin.buffer.read(), "standard input")
    elif os.path.exists(text) and not os.path.isdir(text):
        document = read_json("--baseline", Path(text))
    elif colon and ref and path:
        document = as_json_text("--baseline", file_at(Path.cwd(), ref, path), text)
    if document is not None:
        try:
            return Baseline.model_validate_json(document)
        except ValidationError as error:
            raise BadConfig(f"--baseline: {text} is no baseline: {words(error)[:1000]}") from error
    if text.endswith(".json") or not re.fullmatch(NAME_PATTERN, text):
        raise NotFound(f"--baseline: there is no file {text[:200]}; `mgic baseline` writes one")
    found = client.baselines(name=text).items
    if not found:
        raise NotFound(f"--baseline: there is no file {text}, and no baseline of that name at {client.url}")
    return found[0]


def pairs_of(baseline: Baseline, specs: Sequence[str] | None) -> list[Pair]:
    """Each entry of the baseline that is asked for, and the model's figures now."""
    describe = core().describe
    if not specs:
        asked = [(base, base.model) for base in baseline.models]
    else:
        asked = [(find_base(baseline, spec, "models"), spec) for spec in map(describe.canonical, specs)]
    pairs = [(base, describe.figures(spec, base.input_size)) for base, spec in asked]
    _no_model_twice([head for _, head in pairs])
    return pairs


def measured(models: Sequence[ModelFigures], given: Sequence[str], client: Client) -> tuple[ModelFigures, ...]:
    """The models with `top1` of the runs that trained them; of a file with many runs the others are left out."""
    runs: list[Training] = []
    for text in given:
        found = trainings(text, "--run", client)
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
        runs = trainings(run, "--top1", client)
        (found[spec],) = with_runs([found[spec]], [each for each in runs if trained(each, found[spec])] or runs)
    return list(found.values())


def trainings(text: str, option: str, client: Client) -> list[Training]:
    """The runs of a file, or the one of the service."""
    if os.path.isfile(text):
        return [of_outcome(outcome, text, option) for outcome in outcomes_of(Path(text), option)]
    try:
        run_id = UUID(text)
    except ValueError:
        raise _bad(option, f"{text[:200]!r} is neither a file nor the id of a run") from None
    return [of_run(client.run(run_id), option)]


def outcomes_of(path: Path, option: str) -> list[Outcome]:
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


def _bad(field: str, detail: str) -> BadConfig:
    return BadConfig(f"{field}: {detail}", (Problem(field, "validation", detail),))
