"""Processes that are kept running: started, started again when they die, ended together."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mgic.cli.terminal import Refused, naming, words
from mgic.process import die_with_parent

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # a process that ran so long starts again without a pause's growth
LOG_BYTES = 10 * 2**20  # a log larger than this goes to a file beside it, in place of what was there


@dataclass
class Process:
    """One process of the service.

    Args:
        name: Of its log, and of what is said about it.
        command: With all arguments.
        environment: Variables it has besides ours.
        log: File that takes its output.
        folder: Where it runs; None: where we do.
        orphan_signal: What the kernel sends it when we are killed: KILL, unless it has
            something to tidy up.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path | None = None
    orphan_signal: signal.Signals = signal.SIGKILL
    running: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE_S
    due: float = field(default=0.0)
    _output: IO[bytes] | None = None  # its log, also when somebody has taken that away

    def start(self) -> None:
        """In a session of its own: Ctrl-C is ours to hear, not its. Raises `Refused`."""
        self._open_log()
        try:
            with naming(f"{self.name} cannot be started"):
                self.running = self._begun()
        except Refused:
            self._close_log()
            raise
        self.started = time.monotonic()

    def _begun(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=die_with_parent(self.orphan_signal),  # safe: this process has one thread
        )

    def _open_log(self) -> None:
        self._close_log()
        with naming(f"{self.log} cannot be written"):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self._output = self.log.open("ab")  # appended to, so that it may be cut while the process writes

    def _close_log(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def tend(self, say: Callable[[str], None]) -> None:
        """Start it again if it has ended, after a pause that grows while it keeps ending; keep its log short."""
        self._cut_log()
        if self.running is None:
            if time.monotonic() >= self.due:
                self._start_again(say)
            return
        code = self.running.poll()
        if code is None:
            return
        if time.monotonic() - self.started > STEADY_S:
            self.pause = FIRST_PAUSE_S
        say(f"{self.name} ended ({_ending(code)}); it starts again in {self.pause:g} s, see {self.log}")
        self._signal_group(signal.SIGKILL)
        self.running = None
        self._pause()

    def _start_again(self, say: Callable[[str], None]) -> None:
        """What the system refuses now, a process or a file too many, it may allow later."""
        try:
            self.start()
        except Refused as error:
            say(f"{words(error)}; it is tried again in {self.pause:g} s")
            self._pause()

    def _pause(self) -> None:
        self.due = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE_S)

    def _cut_log(self) -> None:
        """The process holds the file, so it is copied and cut; what is written in between is lost.

        It is the file that is held, wherever it is by now: one that was removed would fill the disk, and nobody see it.
        """
        if self._output is None or os.fstat(self._output.fileno()).st_size <= LOG_BYTES:
            return
        with contextlib.suppress(OSError):  # a full disk: then only the cut helps
            shutil.copyfile(f"/proc/self/fd/{self._output.fileno()}", self.log.with_suffix(".log.1"))
        os.ftruncate(self._output.fileno(), 0)

    def tell(self, number: signal.Signals) -> None:
        """Send a signal to the process, which tells its own."""
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(number)

    def wait(self, deadline: float) -> None:
        """Until it has ended; what is left of its process group at the deadline is killed."""
        if self.running is not None:
            try:
                self.running.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._signal_group(signal.SIGKILL)
                self.running.wait()
            self._signal_group(signal.SIGKILL)
        self._close_log()

    def _signal_group(self, number: signal.Signals) -> None:
        if self.running is not None:
            try:
                os.killpg(self.running.pid, number)
            except (ProcessLookupError, PermissionError):
                return  # nobody is left in it


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
