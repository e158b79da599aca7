"""What there is to measure here, what of it is there already, and what is kept of each run."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from pydantic import ValidationError

from mgic.errors import BadConfig, Problem
from mgic.kept import fingerprint
from mgic.records import Config, Grid, Outcome, Point, RunStatus, SweepRequest
from mgic.reference import recipe
from mgic.sweep import expand

OUTCOMES = "outcomes.jsonl"
CODE = "code"  # the fingerprint of what has measured
WITH_ALL = "onnxruntime"  # the engine that is measured with all threads too


@dataclass(frozen=True)
class Plan:
    """The points of a recipe that this machine can run, in order; and why it cannot run the others."""

    points: list[Point]
    left_out: list[str]


def planned(name: str, cores: int) -> Plan:
    """The points of a recipe of `latency`, one after another; those by ONNX Runtime with all `cores` behind them."""
    wanted = recipe(name)
    points: list[Point] = []
    left_out: dict[str, None] = {}
    for grid in (*wanted.grids, *_with_all(wanted.grids, cores)):
        for values in product(*grid.values()):
            one: Grid = {field: [value] for field, value in zip(grid, values, strict=True)}
            try:
                points += expand(SweepRequest(experiment=wanted.experiment, axes=one))
            except BadConfig as error:
                left_out[str(error)] = None
    return Plan(points, list(left_out))


def _with_all(grids: Sequence[Grid], cores: int) -> Iterator[Grid]:
    for grid in grids:
        if cores > 1 and WITH_ALL in grid.get("engine", []):
            yield {**grid, "engine": [WITH_ALL], "threads": [cores]}


class Kept:
    """A folder with the outcomes of runs, one JSON line each, as `mgic run` prints them.

    Raises:
        BadConfig: Its measurements are of other code, or are none.
        OSError: It cannot be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / OUTCOMES
        folder.mkdir(parents=True, exist_ok=True)
        code = folder / CODE
        mine = fingerprint()
        if code.exists() and code.read_text().strip() != mine:
            raise _bad(f"{folder} has measurements of other code than this; name another folder, or remove it")
        code.write_text(mine + "\n")
        self.outcomes: list[Outcome] = []
        lines = self._file.read_bytes().split(b"\n") if self._file.exists() else [b""]
        for number, line in enumerate(lines[:-1]):  # behind the last end of a line is what was cut off
            try:
                self.outcomes.append(Outcome.model_validate_json(line))
            except ValidationError as error:
                raise _bad(f"{self._file}, line {number + 1}, is no outcome of a run") from error
        if lines[-1]:
            self._file.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))

    def has(self, config: Config) -> bool:
        """Whether a run of it has succeeded."""
        wanted = json.dumps(config, sort_keys=True)
        return any(json.dumps(one.config, sort_keys=True) == wanted for one in self.succeeded())

    def succeeded(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.status is RunStatus.SUCCEEDED]

    def add(self, outcome: Outcome) -> None:
        with self._file.open("ab") as file:
            file.write(outcome.model_dump_json().encode() + b"\n")
        self.outcomes.append(outcome)


def _bad(detail: str) -> BadConfig:
    return BadConfig(f"--out: {detail}", (Problem("--out", "other", detail),))
