"""`mgic gate` says whether models got worse. For CI."""

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from mgic.cli.answers import read_answers, read_weights, with_answers
from mgic.cli.baselines import against_stored
from mgic.cli.imported import read_metrics, with_metrics
from mgic.cli.loading import named_imports
from mgic.cli.local import AsJson, DataDir
from mgic.cli.seeds import read_seeds, with_seeds
from mgic.cli.service import DEFAULT_URL, ApiKey, ApiUrl, connect
from mgic.cli.terminal import Code, put, put_json, say
from mgic.cli.versions import BUDGET, Settings, compare_versions, read_settings
from mgic.errors import BadConfig, Problem
from mgic.gate import as_annotations, as_bmf, as_junit, as_markdown, as_smaller_is_better, as_text, joined, parse_rules
from mgic.records import Comparison

SUMMARY = "GITHUB_STEP_SUMMARY"  # a file of GitHub Actions, shown on the page of the job
CODES = {
    "pass": Code.OK,
    "regression": Code.REGRESSION,
    "inconclusive": Code.INCONCLUSIVE,
    "not measured": Code.NOTHING,
}


class OnInconclusive(StrEnum):
    WARN = "warn"
    FAIL = "fail"


class Format(StrEnum):
    HUMAN = "human"
    MD = "md"
    JSON = "json"
    JUNIT = "junit"
    BMF = "bmf"
    SMALLER = "customSmallerIsBetter"
    GITHUB = "github"


@dataclass(frozen=True)
class Given:
    """Options that a measurement of two versions has; None is what the command line does not say."""

    budget: str | None
    install: str | None
    engine: str | None
    batch_size: int | None
    allow_gone: bool | None
    name: str | None

    def over(self, settings: Settings, imports: tuple[str, ...]) -> Settings:
        """The settings of the file, with these in their place."""
        said = {field: value for field, value in vars(self).items() if value is not None}
        return replace(settings, imports=tuple(dict.fromkeys([*settings.imports, *imports])), **said)

    def refuse(self) -> None:
        """Raises `BadConfig` for an option that has no meaning without --base."""
        for field, value in vars(self).items():
            if value is not None and field != "name":
                option = f"--{field.replace('_', '-')}"
                raise _bad(option, "it is of a measurement of two versions: it needs --base REF")


Models = Annotated[
    list[str] | None,
    typer.Argument(help="Specs; left out: all of the baseline's, or that the code has.", show_default=False),
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="REF", help="Hold this checkout against where it left a branch; both measured."),
]
Stored = Annotated[
    str | None, typer.Option("--baseline", help="File of `mgic baseline`, -, REF:path, or a name in the service.")
]
Runs = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="RUN", help="Finished run of a model, for top-1: id, or file of `mgic run`."),
]
Predictions = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MODEL=]BASE,HEAD",
        help="Answers to the same samples: npz, csv or jsonl files, or ids of evaluate runs.",
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MODEL=]FILE", help="Safetensors that both sides evaluate, each its own, or a run's; with --base."
    ),
]
Dataset = Annotated[str | None, typer.Option(help="What --weights are tested on.", show_default=False)]
FromBase = Annotated[
    bool,
    typer.Option(
        "--weights-from-base", help="The head's weights are made of the base's: --predictions and --weights count."
    ),
]
Seeds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MODEL=]BASE,HEAD", help="Runs of base and head under several seeds: files or ids, joined by +."
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(metavar="[MODEL=]top1=[BASE,]HEAD:n=N", help="Measured elsewhere on N samples; or a JSON file."),
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MODELS=]METRIC:LIMIT,...", help="What must be measured, and how far it may move to the worse."
    ),
]
Budget = Annotated[str | None, typer.Option(help=f"Time for it all, with --base; 0: count alone.  [default: {BUDGET}]")]
Install = Annotated[str | None, typer.Option(help="Prepare an environment a side by this command, with --base.")]
Engine = Annotated[
    str | None, typer.Option(help="eager, optimized, onnxruntime or openvino, with --base.  [default: eager]")
]
BatchSize = Annotated[int | None, typer.Option(help="Samples in a pass, with --base.  [default: 1]")]
AllowGone = Annotated[
    bool | None, typer.Option("--allow-gone", help="A model that the head lacks is told and no more.")
]
Unsettled = Annotated[OnInconclusive, typer.Option(help="Exit code 0, or 3, for what could not be settled.")]
Name = Annotated[str | None, typer.Option(help="What it is called in the service.  [default: the folder]")]
Form = Annotated[Format, typer.Option("--format", help="How it is printed.")]
Send = Annotated[bool, typer.Option("--send", help="Keep it in the service, as a comparison.")]


def gate(
    models: Models = None,
    base: Base = None,
    baseline: Stored = None,
    run: Runs = None,
    predictions: Predictions = None,
    weights: Weights = None,
    dataset: Dataset = None,
    data_dir: DataDir = Path("data"),
    weights_from_base: FromBase = False,
    seeds: Seeds = None,
    metric: Metrics = None,
    fail_on: FailOn = None,
    budget: Budget = None,
    install: Install = None,
    engine: Engine = None,
    batch_size: BatchSize = None,
    allow_gone: AllowGone = None,
    on_inconclusive: Unsettled = OnInconclusive.WARN,
    name: Name = None,
    form: Form = Format.HUMAN,
    as_json: AsJson = False,
    send: Send = False,
    api_url: ApiUrl = DEFAULT_URL,
    api_key: ApiKey = None,
) -> None:
    """Are models, as this code builds them, worse than at a commit, or than a baseline?

    Exit 0 no, 1 yes, 3 not settled (with --on-inconclusive fail), 4 not measured. Unless --fail-on says otherwise
    params and macs may not rise, size_bytes by 1 KiB, CPU time, instructions and peak memory by 5 %, and top1 may
    fall by 0.5 points, by answers to the same samples by 0.2.

    Example: mgic gate --base origin/main --import our.nets --fail-on cpu_time:+5%,macs:+1%
    """
    given = Given(budget, install, engine, batch_size, allow_gone, name)
    _check_together(base, baseline, given, run, weights)
    metrics = read_metrics(metric or [])
    rules = parse_rules(fail_on or [], "--fail-on")
    with connect(api_url, api_key) as client, TemporaryDirectory(prefix="mgic-artifacts-") as folder:
        answers = read_answers(predictions or [], client, Path(folder))
        own = read_weights(weights or [], dataset, data_dir, client, Path(folder))
        trained = read_seeds(seeds or [], client)
        if base is not None:
            settings = given.over(read_settings(Path.cwd()), named_imports())
            found, answered = compare_versions(base, settings, models or [], fail_on or [], own)
            answers, rules = [*answers, *answered], joined(settings.rules, rules)
        else:
            found = against_stored(str(baseline), models, run or [], rules, client)
        found = with_answers(found, answers, rules, weights_from_base)
        found = with_metrics(with_seeds(found, trained, rules), metrics, rules)
        if send:
            found = client.add_comparison(found)
    _print(found, Format.JSON if as_json else form)
    _summarise(as_markdown(found))
    if found.verdict != "pass":
        say(f"mgic: {found.verdict}: {found.summary}")
    settled = found.verdict != "inconclusive" or on_inconclusive is OnInconclusive.FAIL
    raise typer.Exit(CODES[found.verdict] if settled else Code.OK)


def _check_together(
    base: str | None, baseline: str | None, given: Given, run: list[str] | None, weights: list[str] | None
) -> None:
    """Raises `BadConfig` for options of the other kind of comparison."""
    if (base is None) == (baseline is None):
        raise _bad("--base", "either --base REF, measured here, or --baseline FILE is wanted")
    if base is None:
        given.refuse()
        if weights:
            raise _bad("--weights", "both versions evaluate them: it needs --base REF")
    elif run:
        raise _bad("--run", "it tells top1 of a baseline; with --base take --predictions")


def _print(found: Comparison, form: Format) -> None:
    if form is Format.JSON:
        put_json(found)
        return
    written = {
        Format.HUMAN: as_text,
        Format.MD: as_markdown,
        Format.JUNIT: as_junit,
        Format.BMF: as_bmf,
        Format.SMALLER: as_smaller_is_better,
        Format.GITHUB: as_annotations,
    }[form]
    put(written(found).removesuffix("\n"))


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
