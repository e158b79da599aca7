"""Two versions of the code measured in blocks: who is measured in which order, and the processes that do it.

The samples of a block are forks of one process, which was started fresh, has imported and computed nothing; each
imports its side's code, builds the network and warms it up. Then they take turns, a few passes each, while the others
sleep: what disturbs the machine for longer than a turn disturbs all. What a fresh process decides by chance, where
libraries and stacks lie, is the same for all samples of a block. A few blocks share a process, as its start costs
more than they do, and the next ones have another: so it is noise and no bias between sides. Without torch.
"""

import json
import math
import os
import random
import selectors
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import IO, Any, Self

from mgic.errors import NotMeasured
from mgic.process import die_with_parent
from mgic.records import Arm, Sampled, Stage

PADDING = 4096  # bytes: the environment stands above the stack, and moves it
LONGEST_S = 600.0  # that one answer may take
LEAST_S = 20.0  # that it may take although the time is over
TAIL = 15  # lines of a log that are told
# mallopt(3), bytes: what is freed is kept for the next pass. By itself glibc gives large blocks back or does not, as
# they come to lie, and a pass that gets them anew pays for hundreds of page faults. Other allocators do not read these.
KEEPING = {"MALLOC_TRIM_THRESHOLD_": str(2**31 - 1), "MALLOC_MMAP_THRESHOLD_": str(2**31 - 1)}

# Either side is built first and last in half of the blocks.
ORDERS: tuple[tuple[Arm, ...], ...] = (
    ("base", "head", "head", "control"),
    ("head", "control", "base", "head"),
    ("control", "head", "head", "base"),
    ("head", "base", "control", "head"),
)


WILLIAMS = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))  # places of samples, a row a round of turns


@dataclass(frozen=True)
class Code:
    """One version of the code, as a process comes to it.

    Args:
        root: Of the checkout.
        folder: Below it, to stand in.
        path: What is looked in before all else for modules.
        imports: Modules to import.
        python: The interpreter.
        environment: Variables that this interpreter needs.
        own_environment: Whether packages were installed for this side alone, so that its code may lie outside `root`.
    """

    root: Path
    folder: Path
    path: tuple[str, ...]
    imports: tuple[str, ...]
    python: str
    environment: Mapping[str, str] = field(default_factory=dict)
    own_environment: bool = False

    @property
    def process(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Sides for which this is equal can be forked from one process."""
        return self.python, tuple(sorted(self.environment.items()))

    def words(self) -> dict[str, Any]:
        """As a job has it."""
        return {
            "root": str(self.root),
            "folder": str(self.folder),
            "path": list(self.path),
            "imports": list(self.imports),
            "environment": self.own_environment,
        }


class Parent:
    """The process that forks the samples of one block, or of one side of it.

    Args:
        code: A side that it can be for.
        log: Where it and its children print to.

    Attributes:
        state: What it says of itself, once it has imported what it was told to.
        until: `time.monotonic()` from which on an answer is waited for a short while only.
    """

    state: dict[str, Any]
    until: float = math.inf

    def __init__(self, code: Code, log: Path) -> None:
        reading, writing = os.pipe()
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [code.python, "-P", "-m", "mgic.measure.forking", str(writing)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                cwd=code.folder,
                env=_environment(code),
                preexec_fn=die_with_parent(),
            )
        os.close(writing)
        self._answers = os.fdopen(reading)
        with _closed_on_error(self):
            self.preload(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def can_fork(self) -> bool:
        """Not where its imports have left threads, or a GPU in use: a child would hang, or fail."""
        return not self.state["threads"] and not self.state["cuda"]

    def preload(self, modules: Sequence[str]) -> None:
        """Have it import these, for all of its children. Raises `NotMeasured`."""
        self.state = self.ask({"task": "preload", "modules": list(modules)})

    def ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Raises `NotMeasured`: it could not be done."""
        sending: IO[bytes] | None = self._process.stdin
        if sending is None or sending.closed:
            raise NotMeasured("its process was ended, for another network gave no answer")
        sending.write(json.dumps(job).encode() + b"\n")
        sending.flush()
        found = self._next()
        if "ended" in found:
            raise NotMeasured(f"its process ended with code {found['ended']}: {self._tail()}")
        if "error" in found:
            raise NotMeasured(found["error"])
        return found

    def close(self) -> None:
        """End it, and its child with it."""
        self._process.kill()
        self._process.wait()
        self._answers.close()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _next(self) -> dict[str, Any]:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._answers, selectors.EVENT_READ)
            patience = max(LEAST_S, min(LONGEST_S, self.until - time.monotonic()))
            if not waiting.select(patience):
                self.close()
                raise NotMeasured(f"it gave no answer for {patience:.0f} s")
        line = self._answers.readline()
        if not line:
            raise NotMeasured(f"the measuring process ended with code {self._process.wait()}: {self._tail()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-TAIL:]
        return " / ".join(lines)[-1000:] or "it said nothing"


@contextmanager
def _closed_on_error(processes: "Parent | Parents | Worker") -> Iterator[None]:
    whole = False
    try:
        yield
        whole = True
    finally:
        if not whole:
            processes.close()


def _environment(code: Code) -> dict[str, str]:
    """One thread, before any library reads how many; memory that is kept; and another size of it for each process."""
    padding = "x" * random.randrange(PADDING)
    one = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    return {**os.environ, **one, **KEEPING, **code.environment, "MGIC_PADDING": padding}


class Parents:
    """The processes of some blocks: one for all arms whose interpreter and environment are the same.

    Args:
        codes: Of the arms.
        log: Where they and their children print to.

    Attributes:
        seconds: That it took to start them and to have them import.
    """

    def __init__(self, codes: Mapping[Arm, Code], log: Path) -> None:
        began = time.monotonic()
        self._codes, self._log, self._opened = codes, log, 0
        self._made: dict[Any, Parent] = {}
        with _closed_on_error(self):
            for code in codes.values():
                if code.process not in self._made:
                    self._made[code.process] = Parent(code, log)
        self.seconds = time.monotonic() - began

    def preload(self, modules: Mapping[Arm, Sequence[str]]) -> None:
        """Have each process import what its arms will. Raises `NotMeasured`."""
        began = time.monotonic()
        for process, parent in self._made.items():
            wanted = [modules.get(arm, ()) for arm, code in self._codes.items() if code.process == process]
            parent.preload(list(dict.fromkeys(name for names in wanted for name in names)))
        self.seconds += time.monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for parent in self._made.values():
            parent.close()

    def end_by(self, until: float) -> None:
        """Wait for answers until then, and a short while for each beyond."""
        for parent in self._made.values():
            parent.until = until

    def state(self, arm: Arm) -> dict[str, Any]:
        """What the process of an arm says of itself."""
        return self._made[self._codes[arm].process].state

    @property
    def remark(self) -> str:
        """Why samples are no forks; empty where they are."""
        for parent in self._made.values():
            if not parent.can_fork:
                why = "a GPU in use" if parent.state["cuda"] else "threads of their own"
                return f"the imports leave {why}, so that each sample is a fresh process and no fork"
        return ""

    def open(self, arm: Arm, job: Mapping[str, Any]) -> tuple["Worker", dict[str, Any]]:
        """A process of its own for an arm, and its answer to a first job.

        Raises:
            NotMeasured: It could not be done.
        """
        code = self._codes[arm]
        parent = self._made[code.process]
        self._opened += 1
        worker = Worker(parent, self._opened) if parent.can_fork else Worker(Parent(code, self._log), 0, alone=True)
        with _closed_on_error(worker):
            return worker, worker.ask({**job, "side": code.words()})


@dataclass(frozen=True)
class Worker:
    """A fork of a process, or, `alone`, the process itself."""

    parent: Parent
    number: int
    alone: bool = False

    def ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Raises `NotMeasured`."""
        return self.parent.ask({**job, "worker": self.number, "alone": self.alone})

    def close(self) -> None:
        """A fork ends by itself, after its last job or with its parent."""
        if self.alone:
            self.parent.close()


def arms_of(block: int) -> tuple[Arm, ...]:
    """Of the four samples of a block, in the order in which they are built: A B B A', B A' A B, and both turned."""
    return ORDERS[block % len(ORDERS)]


def turn_order(turn: int) -> tuple[int, ...]:
    """Places of the samples in one round of turns: in four rounds each is in each position, and behind each other one.

    None has two turns in a row, in which it would find the caches as it left them. A Latin square that is balanced for
    what is left of the turn before (Williams: Experimental designs balanced for the estimation of residual effects of
    treatments, Australian Journal of Scientific Research A2, 1949).
    """
    return WILLIAMS[turn % len(WILLIAMS)]


def sampled(model: str, stage: Stage, block: int, place: int, arm: Arm, timing: Mapping[str, Any]) -> Sampled:
    """What one process has measured, in the figures that are compared."""
    wall, cpu = timing["samples_ms"], timing["cpu_samples_ms"]
    return Sampled(
        model=model,
        stage=stage,
        block=block,
        place=place,
        arm=arm,
        cpu_ms=fmean(cpu) if cpu else None,
        wall_ms=fmean(wall),
        p50_ms=median(wall),
        instructions=timing["instructions"],
        peak_bytes=timing["peak_bytes"],
    )
