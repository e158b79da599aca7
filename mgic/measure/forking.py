"""A process that computes nothing and forks a child a network: `python -P -m mgic.measure.forking DESCRIPTOR`.

A child builds its network, warms it up, and times passes when it is told that it is its turn; otherwise it sleeps. A
job is a line of JSON on standard input, its answer a line on the descriptor that the command line names. A process
that has computed with threads cannot be forked: the child would wait for ever for threads that it does not have. So
this one only imports, in one thread, and says how many threads its imports have left it with.
"""

import gc
import importlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch

from mgic import plugins
from mgic.cores import stay_on
from mgic.errors import BadConfig, MgicError, UnknownName
from mgic.inference.runtimes import Runtime
from mgic.measure.engines import Forward, Setup, export
from mgic.measure.figures import figures
from mgic.measure.files import file_figures, file_forward, is_file
from mgic.measure.latency import Subject
from mgic.models import MODELS
from mgic.models.functions import Functions
from mgic.plugins.code import INSTALLED, STANDARD, look
from mgic.process import die_with_parent
from mgic.registry import LAB, top_level

TASKS = Path("/proc/self/task")
LONGEST_TURN_S = 60.0
LAST = ("figures", "export", "timing")  # jobs after which a worker ends


def main() -> None:
    """Serve until standard input ends."""
    torch.set_num_threads(1)
    alone = _threads()
    len(MODELS)  # the lab's own are imported by the first look
    workers: dict[int, Child | Here] = {}
    with os.fdopen(int(sys.argv[1]), "w") as answers:
        for line in sys.stdin:
            job = json.loads(line)
            if job["task"] == "preload":
                _preload(job["modules"])
                gc.collect()
                gc.freeze()  # the collector of a child leaves the pages alone that it shares
                state = {"threads": _threads() - alone, "cuda": _uses_gpu()}
                _say(answers, state | {"python": sys.version.split()[0], "torch": torch.__version__})
                continue
            number = job["worker"]
            if number not in workers:
                workers[number] = Here() if job["alone"] else Child()
            _say(answers, workers[number].ask(job))
            if job["task"] in LAST:
                workers.pop(number).end()


def _say(answers: Any, told: Mapping[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


def _threads() -> int:
    """By the kernel, which knows those of libraries too."""
    return len(list(TASKS.iterdir())) if TASKS.is_dir() else threading.active_count()


def _uses_gpu() -> bool:
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized())


def _preload(names: Iterable[str]) -> None:
    """Import what a side has imported of packages; what fails here is left to the side's own import."""
    for name in names:
        with suppress(Exception):
            importlib.import_module(name)
    look((), time.time_ns())  # finds where all of them lie, once for all children


class Here:
    """Does the jobs of one worker here: enter a side, then count, or build a network and time it in turns."""

    def __init__(self) -> None:
        self._subject: Subject | None = None

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """What is wrong with a job is in its answer."""
        try:
            return self._done(job)
        except (MemoryError, torch.OutOfMemoryError) as error:
            return {"error": f"out of memory: {error}"}
        except MgicError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of a pull request: anything may happen
            return {"error": _in_words(error)}

    def _done(self, job: dict[str, Any]) -> dict[str, Any]:
        if self._subject is not None:
            if job["task"] == "timing":
                return asdict(self._subject.timing())
            self._subject.take(job["passes"], LONGEST_TURN_S)
            return {}
        before = set(sys.modules)
        wrong = _enter(job["side"])
        if wrong or job["task"] == "figures":
            return wrong or _figures(job, before)
        if job["core"] is not None:
            stay_on(job["core"])
        setup = Setup(**{**job["setup"], "input_size": tuple(job["setup"]["input_size"])})
        if job["task"] == "export":
            export(setup, cast(Runtime, setup.engine))
            return {}
        make = _of_file if is_file(setup.model) else None
        self._subject = Subject(setup, make, time.process_time, own_memory=True)
        return {"pass_s": self._subject.pass_s}

    def end(self) -> None:
        """Nothing is left of it but what it has imported."""
        self._subject = None


class Child:
    """Does them in a fork of this process, which ends with it."""

    def __init__(self) -> None:
        self._read, writing = os.pipe()
        reading, self._write = os.pipe()
        alone = die_with_parent(parent=os.getpid())
        self._pid = os.fork()
        if not self._pid:
            try:
                alone()
                os.close(self._read)
                os.close(self._write)
                _serve(reading, writing)
                os._exit(0)
            finally:  # whatever happened, a child never goes on as its parent
                os._exit(1)
        os.close(reading)
        os.close(writing)
        self._answers = os.fdopen(self._read)

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Its answer, or how it ended."""
        with suppress(BrokenPipeError):
            os.write(self._write, json.dumps(job).encode() + b"\n")
        line = self._answers.readline()
        if line:
            told: dict[str, Any] = json.loads(line)
            return told
        return {"ended": os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])}

    def end(self) -> None:
        """It has nothing more to do."""
        os.close(self._write)
        with suppress(ChildProcessError):  # it is known to have ended
            os.waitpid(self._pid, 0)
        self._answers.close()


def _in_words(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"[:1000]


def _serve(reading: int, writing: int) -> None:
    here = Here()
    os.dup2(2, 1)  # what the code of a side prints goes to the log
    with os.fdopen(reading) as jobs, os.fdopen(writing, "w") as answers:
        for line in jobs:
            job = json.loads(line)
            _say(answers, here.ask(job))
            if job["task"] in LAST:  # its end of the pipe is open in those that were forked later
                return


def _enter(side: Mapping[str, Any]) -> dict[str, Any]:
    """Stand in the side's checkout and import its code; empty, or what is wrong."""
    os.chdir(side["folder"])
    sys.path[:0] = side["path"]
    asked = plugins.asked(side["imports"])
    for info in plugins.load(asked):
        if info.error and info.module in side["imports"]:
            return {"no_import": f"{info.module}: {info.error}"}
    root = Path(side["root"]).resolve()
    elsewhere = [
        plugin.asked.module
        for plugin in plugins.imported()
        if plugin.asked.module in side["imports"] and not _below(plugin.module, root)
    ]
    return {"elsewhere": elsewhere} if elsewhere and not side["environment"] else {}


def _below(module: Any, root: Path) -> bool:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
    return Path(file).resolve().is_relative_to(root)


def _figures(job: Mapping[str, Any], before: Collection[str]) -> dict[str, Any]:
    """Of each spec; without any of all models that the side's own code has. And what was loaded for it since."""
    own = {top_level(name) for name in job["side"]["imports"]}
    specs = job["specs"] or [
        *(name for name in MODELS if MODELS.package(name) in own),
        *(info.name for info in Functions(plugins.imported_modules).infos()),
    ]
    found: dict[str, Any] = {}
    for spec in specs:
        size = job["sizes"].get(spec)
        try:
            one = file_figures(spec) if is_file(spec) else figures(spec, tuple(size) if size else None)
            found[spec] = {"figures": one.model_dump(mode="json")}
        except FileNotFoundError:
            found[spec] = {"unknown": f"there is no file {spec}"}
        except UnknownName as error:
            found[spec] = {"unknown": str(error)}
        except BadConfig as error:
            found[spec] = {"bad": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the code of a pull request: anything may happen
            found[spec] = {"bad": _in_words(error)}
    return {"models": found, "loaded": [name for name in list(sys.modules) if name not in before and _installed(name)]}


def _installed(name: str) -> bool:
    """Whether a module that was loaded is of a package or of Python, so that both sides have the same."""
    if name == "__main__" or top_level(name) == LAB:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and (bool(INSTALLED & set(Path(file).parts)) or Path(file).is_relative_to(STANDARD))


def _of_file(setup: Setup) -> Forward:
    return file_forward(setup.model, setup.batch_size, setup.seed)


if __name__ == "__main__":
    main()
