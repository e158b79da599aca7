"""Weights evaluated with both versions of the code: what each answers to the same test images."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mgic.errors import NotMeasured
from mgic.gate.predictions import Predictions, read_predictions
from mgic.measure.blocks import Code
from mgic.records import Arm, Outcome
from mgic.spec import parse_spec

LONGEST_S = 3600  # of one evaluation
PLAIN = ("noise=[]", "blur=[]", "contrast=[]")  # the images as they are, and no harder ones
ANSWERS = "predictions.npz"


@dataclass(frozen=True)
class Weighed:
    """Weights of a model, and what they are tested on.

    Args:
        model: Its spec; empty: the only one that is compared.
        file: Their path from the folder of a side, where each has its own, or an absolute one, the same for both.
        dataset: Name of the data set.
        data_dir: Where data sets lie, the same for both sides.
    """

    model: str
    file: str
    dataset: str
    data_dir: Path


def answers(name: Arm, code: Code, spec: str, asked: Weighed, folder: Path, option: str) -> Predictions:
    """What a side's code answers with its weights, by the experiment `evaluate` in a process of its own.

    Args:
        name: Of the side, for errors.
        code: It.
        spec: Of the model.
        asked: See there.
        folder: Empty, to write to.
        option: How errors call what was asked for.

    Raises:
        NotMeasured: The side has no such file, its network does not take it, or the test set cannot be read.
    """
    file = code.folder / asked.file
    if not file.is_file():
        raise NotMeasured(f"the {name} has no file {asked.file}")
    model, options = parse_spec(spec)
    fields = [f"model={model}", *(f"{option}={json.dumps(value)}" for option, value in options.items())]
    fields += [f"weights={file.resolve()}", f"dataset={asked.dataset}", *PLAIN]
    imports = [word for module in code.imports for word in ("--import", module)]
    command = [code.python, "-P", "-m", "mgic", "run", "evaluate", *fields, *imports]
    command += ["--data-dir", str(asked.data_dir.resolve()), "--out", str(folder), "--quiet"]
    try:
        done = subprocess.run(
            command, cwd=code.folder, env=_variables(code), capture_output=True, text=True, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"the {name} has not answered within {LONGEST_S // 60} minutes") from None
    if done.returncode:
        raise NotMeasured(f"the {name} cannot be evaluated: {_why(done.stdout, done.stderr)}")
    return read_predictions(folder / "0" / ANSWERS, option)


def _variables(code: Code) -> dict[str, str]:
    """Those of this process, with the side's code before all other modules."""
    found = {**os.environ, **code.environment}
    return found | {"PYTHONPATH": os.pathsep.join([*code.path, *filter(None, [found.get("PYTHONPATH")])])}


def _why(stdout: str, stderr: str) -> str:
    """What a run that failed says of itself, or else the last lines of its errors: a side's code may print anything."""
    lines = stdout.splitlines() or [""]
    try:
        failure = Outcome.model_validate_json(lines[-1]).failure
    except ValidationError:
        failure = None
    if failure is not None:
        return failure.message[:500]
    last = [line.removeprefix("mgic: ") for line in stderr.splitlines()[-3:]]
    return " ".join(last)[:500] or "it said nothing"
