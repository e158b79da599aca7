"""A process that imports, computes nothing, and forks a child a job: `python -P -m mgic.measure.forking DESCRIPTOR`.

A job is a line of JSON on standard input, its answer a line on the descriptor that the command line names. A process
that has computed with threads cannot be forked: the child would wait for ever for threads that it does not have. So
this one only imports, in one thread, and says how many threads its imports have left it with.
"""

import gc
import importlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mgic import plugins
from mgic.errors import BadConfig, MgicError, UnknownName
from mgic.measure.engines import Forward, Setup
from mgic.measure.figures import figures
from mgic.measure.files import file_figures, file_forward, is_file
from mgic.measure.latency import timed
from mgic.models import MODELS
from mgic.models.functions import Functions
from mgic.plugins.code import INSTALLED, STANDARD
from mgic.process import die_with_parent
from mgic.registry import LAB, top_level

TASKS = Path("/proc/self/task")
LINES = 4  # of a traceback that are told


def main() -> None:
    """Serve until standard input ends."""
    torch.set_num_threads(1)
    alone = _threads()
    len(MODELS)  # the lab's own are imported by the first look
    with os.fdopen(int(sys.argv[1]), "w") as answers:
        for line in sys.stdin:
            job = json.loads(line)
            if job["task"] == "preload":
                _preload(job["modules"])
                gc.collect()
                gc.freeze()  # the collector of a child leaves the pages alone that it shares
                state = {"threads": _threads() - alone, "cuda": _uses_gpu()}
                _say(answers, state | {"python": sys.version.split()[0], "torch": torch.__version__})
            else:
                _say(answers, answer(job) if job["alone"] else _in_child(job))


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


def _in_child(job: dict[str, Any]) -> dict[str, Any]:
    """The answer of a fork of this process, or how it ended."""
    reading, writing = os.pipe()
    alone = die_with_parent(parent=os.getpid())
    child = os.fork()
    if not child:
        try:
            alone()
            os.close(reading)
            with os.fdopen(writing, "w") as pipe:
                pipe.write(json.dumps(answer(job)))
            os._exit(0)
        finally:  # whatever happened, a child never goes on as its parent
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told: dict[str, Any] = json.loads(text) if text and not code else {"ended": code}
    return told


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Do one job here: `figures` of some specs, or `measure` a setup; what is wrong with it is in the answer."""
    os.dup2(2, 1)  # what the code of a side prints goes to the log
    before = set(sys.modules)
    try:
        return _enter(job["side"]) or (_figures(job, before) if job["task"] == "figures" else _measure(job["setup"]))
    except (MemoryError, torch.OutOfMemoryError) as error:
        return {"error": f"out of memory: {error}"}
    except MgicError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - the code of a pull request, in which anything may happen
        last = traceback.extract_tb(error.__traceback__)[-1]
        return {"error": f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"[:1000]}


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
    return {"models": found, "loaded": [name for name in list(sys.modules) if name not in before and _installed(name)]}


def _installed(name: str) -> bool:
    """Whether a module that was loaded is of a package or of Python, so that both sides have the same."""
    if name == "__main__" or top_level(name) == LAB:
        return False
    file = getattr(sys.modules[name], "__file__", None)
    return file is not None and (bool(INSTALLED & set(Path(file).parts)) or Path(file).is_relative_to(STANDARD))


def _measure(told: dict[str, Any]) -> dict[str, Any]:
    setup = Setup(**{**told, "input_size": tuple(told["input_size"])})
    return asdict(timed(setup, _of_file) if is_file(setup.model) else timed(setup))


def _of_file(setup: Setup) -> Forward:
    return file_forward(setup.model, setup.batch_size, setup.seed)


if __name__ == "__main__":
    main()
