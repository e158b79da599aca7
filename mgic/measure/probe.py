"""Measure in a fresh process: `python -P -m mgic.measure.probe TASK JOB ANSWER` is that process.

It reads a `Setup` from the file JOB, and writes what it found, or why it could not, to ANSWER. What follows on its
command line says which plug-ins to import first.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import torch

from mgic import plugins
from mgic.errors import BadConfig, Problem
from mgic.inference import Form
from mgic.inference.runtimes import RUNTIMES
from mgic.measure.engines import Setup, export
from mgic.measure.latency import Timing, measure
from mgic.measure.profiling import Profiled, profile
from mgic.process import die_with_parent

TICK_S = 0.5
TAIL = 20  # lines of a failed process that are told

Task = Literal["measure", "profile", "export"]


def measure_fresh(setup: Setup, folder: Path, tick: Callable[[], None]) -> Timing:
    """Measure in a process of its own, which dies with this one.

    Args:
        setup: What to measure.
        folder: For its files, which it leaves there.
        tick: Called about twice a second meanwhile; what it raises ends the process, and is passed on.

    Raises:
        BadConfig: The network cannot be built or run as the setup says.
        MemoryError: There was not enough.
        RuntimeError: It ended otherwise; the message has the last lines it wrote.
    """
    return Timing(**_fresh("measure", setup, folder, tick))


def profile_fresh(setup: Setup, folder: Path, tick: Callable[[], None]) -> Profiled:
    """Time the parts of a network in a process of its own; arguments and errors are those of `measure_fresh`."""
    return Profiled(**_fresh("profile", setup, folder, tick))


def export_fresh(setup: Setup, folder: Path, tick: Callable[[], None]) -> Form:
    """Write the ONNX file in a process of its own; arguments and errors are those of `measure_fresh`."""
    return Form(**_fresh("export", setup, folder, tick))


def _fresh(task: Task, setup: Setup, folder: Path, tick: Callable[[], None]) -> dict[str, Any]:
    name = uuid4().hex
    job, answer, log = (folder / f"{name}.{kind}" for kind in ("job", "answer", "log"))
    job.write_text(json.dumps(asdict(setup)))
    with log.open("w") as output:
        process = subprocess.Popen(
            [*plugins.SAFE, "mgic.measure.probe", task, str(job), str(answer), *plugins.forward()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(setup.threads, folder),
            preexec_fn=die_with_parent(),
        )
    try:
        code = _wait(process, tick)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return _told(setup, answer, code, log)


def _environment(threads: int, folder: Path) -> dict[str, str]:
    """What libraries read before torch can tell them.

    Threads that wait for work sleep: spinning would count as CPU time that no pass needs. torch.compile keeps its
    files in the run's folder.
    """
    count = str(threads)
    pools = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OMP_WAIT_POLICY": "passive"}
    compiler = {"TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    return {**os.environ, **compiler, **pools}


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    while True:
        try:
            return process.wait(TICK_S)
        except subprocess.TimeoutExpired:
            tick()


def _told(setup: Setup, answer: Path, code: int, log: Path) -> dict[str, Any]:
    if code or not answer.is_file():
        if code == -signal.SIGKILL:
            raise MemoryError(f"the process that measured {setup.model} was killed, most likely for want of memory")
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
        raise RuntimeError(f"the process that measured {setup.model} ended with code {code}:\n{tail}")
    told: dict[str, Any] = json.loads(answer.read_text())
    if "bad_config" in told:
        raise BadConfig(told["bad_config"], tuple(Problem(*problem) for problem in told["problems"]))
    if "out_of_memory" in told:
        raise MemoryError(told["out_of_memory"])
    return told


def main() -> None:
    """Do one task, and end."""
    task, job, answer = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    plugins.rerun(sys.argv[4:])
    values = json.loads(job.read_text())
    setup = Setup(**{**values, "input_size": tuple(values["input_size"])})
    told: dict[str, Any]
    try:
        if task == "export" and setup.engine in RUNTIMES:
            told = asdict(export(setup, setup.engine))
        else:
            told = asdict(profile(setup) if task == "profile" else measure(setup))
    except BadConfig as error:
        told = {"bad_config": str(error), "problems": error.problems}
    except (MemoryError, torch.OutOfMemoryError) as error:
        told = {"out_of_memory": f"{setup.model}: {str(error) or 'out of memory'}"}
    answer.write_text(json.dumps(told))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # taking everything down in order costs a second, a quarter of the whole start


if __name__ == "__main__":
    main()
