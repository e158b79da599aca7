"""What the command line asks of the core itself; importing this loads torch.

The command files reach it through `mgic.cli.loading.core`, so that `mgic --help` and all
commands that only talk to a service start at once.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

import torch
from pydantic import ValidationError

from mgic import describe, execution
from mgic.cli.brought import by_name
from mgic.cli.searching import LocalSearch, check_data
from mgic.cli.terminal import Meter, assignments, duration, naming
from mgic.cli.values import fit
from mgic.cores import usable_cores
from mgic.data import dataset_info, fetch, look_in
from mgic.errors import BadConfig, Problem
from mgic.experiment import EXPERIMENTS, WEIGHTS, input_file, inputs_of
from mgic.records import (
    Config,
    DatasetInfo,
    InputRun,
    ModelCost,
    ModelInfo,
    ModelsOf,
    Outcome,
    Point,
    RunStatus,
    Search,
    SweepRequest,
    Value,
    stopped_early,
)
from mgic.sweep import expand, grids_of, measured

OUTCOME = "outcome.json"

datasets = describe.datasets
experiments = describe.experiments
models = describe.models
recipes = describe.recipes
__all__ = [
    "cost",
    "datasets",
    "experiments",
    "fetch_dataset",
    "find_device",
    "models",
    "recipes",
    "request",
    "run_all",
    "search_models",
]


def search_models(source: ModelsOf, words: str) -> list[ModelInfo]:
    return describe.search_models(source, words)[0]


def cost(model: str, options: Mapping[str, Value], input_size: tuple[int, ...] | None = None) -> ModelCost:
    """As `describe.cost`, but what is wrong with the input is told of `--input`, the word for it on a command line."""
    try:
        return describe.cost(model, options, input_size)
    except BadConfig as error:
        found = [problem for problem in error.problems if problem.pointer == "input_size"]
        if not found:
            raise
        told = tuple(Problem("--input", problem.code, problem.detail) for problem in found)
        raise BadConfig("; ".join(problem.detail for problem in told), told) from error


def fetch_dataset(name: str, data_dir: Path) -> DatasetInfo:
    fetch(name, data_dir)
    return dataset_info(name, data_dir)


def find_device(asked: str) -> str:
    """`auto` is the GPU if torch sees one. Raises `BadConfig` for a GPU that is not there."""
    if asked not in ("auto", "cpu", "cuda"):
        raise BadConfig(f"device: auto, cpu or cuda, not {asked[:40]!r}")
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise BadConfig("device: torch sees no CUDA device here")
    return "cuda" if there and asked != "cpu" else "cpu"


def request(
    experiment: str, axes: Mapping[str, list[Value]], recipe: str | None, search: Search | None = None
) -> SweepRequest:
    if recipe is not None:
        return SweepRequest(experiment=experiment, recipe=recipe, search=search)
    fitted = fit(dict(axes), EXPERIMENTS[experiment].info.config_schema)
    return SweepRequest(experiment=experiment, axes=fitted, search=search)


def run_all(sweep: SweepRequest, device: str, data_dir: Path, out: Path | None, meter: Meter) -> Iterator[Outcome]:
    """Run every point here, one after another. Raises before the first if any cell cannot run.

    Args:
        sweep: What to run.
        device: "cpu" or "cuda".
        data_dir: Where data sets lie.
        out: Run n leaves its files in the folder n of this one; None: they are thrown away.
        meter: Where progress is shown.
    """
    look_in(data_dir)
    sweep, brought = by_name(sweep)
    experiment = grids_of(sweep)[0]
    search = LocalSearch(describe.check_search(sweep, data_dir), data_dir, meter.line) if sweep.search else None
    points: Iterable[Point] = search or _cells(sweep, data_dir)
    total = sweep.search.trials if sweep.search else len(list(points))
    torch.set_num_threads(min(torch.get_num_threads(), usable_cores()))  # torch does not look at a quota
    if out is not None:
        with naming(f"--out: {out} cannot be written"):
            out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mgic-run-") as scratch:
        for number, point in enumerate(points):
            place = f"run {number + 1}/{total}"
            meter.line(f"{place}: {experiment} {assignments(point.requested)}".rstrip())
            context = TerminalContext(device, data_dir, (out or Path(scratch)) / str(number), place, meter)
            context.inputs = {field: Path(str(point.config[field])) for field in _fields(sweep) if point.config[field]}
            if (weights := str(point.config.get(WEIGHTS))) in brought:
                context.inputs[WEIGHTS] = brought[weights]
            context.search = search
            outcome = execution.run(experiment, point.config, context)
            if search:
                search.ended(point, outcome, context.scores)
            refused = _close(context, outcome)
            meter.line(f"{place}: {_ending(outcome)}")
            yield outcome  # before its files: what came out is told, even where the disk is full
            if refused is not None:
                raise refused
        if search:
            meter.line(search.verdict())


def _cells(sweep: SweepRequest, data_dir: Path) -> list[Point]:
    """Of a grid. Raises `BadConfig` or `DataMissing` where one cannot run."""
    points = list(measured(grids_of(sweep)[0], expand(sweep, _inputs(sweep))))
    problems = dict.fromkeys(point.problem for point in points if point.problem)
    if problems:
        raise BadConfig("; ".join(problems))
    check_data([point.config for point in points], data_dir)
    return points


def _fields(sweep: SweepRequest) -> Iterable[str]:
    """Those that name runs."""
    return inputs_of(EXPERIMENTS[grids_of(sweep)[0]].info.config_schema)


def _inputs(sweep: SweepRequest) -> dict[str, InputRun]:
    """What lies in the folders that a sweep names. Raises `BadConfig` for one that no successful run has left."""
    named = {str(run): field for grid in grids_of(sweep)[1] for field in _fields(sweep) for run in grid.get(field, ())}
    return {run: _run_in(Path(run), field) for run, field in named.items() if run != str(None)}


def _run_in(folder: Path, field: str) -> InputRun:
    try:
        left = Outcome.model_validate_json((folder / OUTCOME).read_bytes())
        experiment = str(left.environment["experiment"])
    except OSError as error:
        words = f"{folder} is not the folder of a run, which has {OUTCOME} in it: {error.strerror}{_runs_below(folder)}"
        raise BadConfig(f"{field}: {words}", (Problem(field, "no_run", words),)) from error
    except (ValidationError, KeyError) as error:
        words = f"{folder / OUTCOME} is not what a run leaves"
        raise BadConfig(f"{field}: {words}", (Problem(field, "no_run", words),)) from error
    if left.status is not RunStatus.SUCCEEDED:
        words = f"the run in {folder} has {left.status}"
        raise BadConfig(f"{field}: {words}", (Problem(field, "input_failed", words),))
    if stopped_early(left.result):
        words = f"the training in {folder} was ended early by its search"
        raise BadConfig(f"{field}: {words}", (Problem(field, "stopped_early", words),))
    return InputRun(experiment=experiment, config=left.config)


def _runs_below(folder: Path) -> str:
    """The folder of `--out` has a folder for each run, and is easily taken for one."""
    runs = sorted(str(outcome.parent) for outcome in folder.glob(f"*/{OUTCOME}"))
    return f"; {runs[0]} is one" if runs else ""


def _close(context: "TerminalContext", outcome: Outcome) -> OSError | None:
    try:
        context.close(outcome)
    except OSError as error:
        return error
    return None


def _ending(outcome: Outcome) -> str:
    took = f"{outcome.status} after {duration(outcome.seconds)}"
    return f"{took}: {outcome.failure.reason}: {outcome.failure.message}" if outcome.failure else took


@dataclass
class TerminalContext:
    """What a run sees of the world when that is a terminal; Ctrl-C is the only way to stop it.

    The folder then holds its artifacts, `curves.jsonl` and `outcome.json`. `inputs`: see `mgic.runner`.
    """

    device: str
    data_dir: Path
    folder: Path
    place: str
    meter: Meter
    checkpoints: Path = field(init=False)
    inputs: dict[str, Path] = field(default_factory=dict)
    search: LocalSearch | None = None  # that the run is a trial of
    scores: list[float | None] = field(default_factory=list)  # of the curve by which that ends trainings
    _behind: bool = False
    _curves: list[Config] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.checkpoints = self.folder / "checkpoints"

    def report(self, progress: float, phase: str = "") -> None:
        self.meter.show(f"{self.place} {progress:4.0%} {phase}", progress)

    def curve(self, name: str, step: int, value: float) -> None:
        told = value if isfinite(value) else None
        self._curves.append({"name": name, "step": step, "value": told})
        if self.search is not None and name == self.search.curve:
            self.scores.append(told)
            self._behind = self._behind or self.search.behind(self.scores)

    def log(self, line: str) -> None:
        self.meter.line(f"{self.place}: {line}")

    def artifact(self, name: str) -> Path:
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise BadConfig(f"artifact {name!r} would lie outside the run's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def input(self, field: str, name: str) -> Path:
        return input_file({WEIGHTS: self.data_dir / WEIGHTS, **self.inputs}, field, name)

    def saved(self, name: str) -> None:
        """It lies where the next `mgic run` into the same folder finds it."""

    def resumed(self, step: int) -> None:
        self.meter.line(f"{self.place}: gone on with after step {step}")

    def checkpoint_wanted(self) -> bool:
        return False

    def stop_wanted(self) -> bool:
        return self._behind

    def close(self, outcome: Outcome) -> None:
        """Write down how it went, once it has ended."""
        lines = "".join(json.dumps(row) + "\n" for row in self._curves)
        self.artifact("curves.jsonl").write_text(lines)
        self.artifact(OUTCOME).write_text(outcome.model_dump_json(indent=2) + "\n")
        if outcome.status is RunStatus.SUCCEEDED:
            self.report(1.0)
