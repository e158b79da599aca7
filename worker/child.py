"""The process that executes runs: started, given jobs, watched, ended."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from backend.store import Claim
from mgic.plugins import SAFE
from mgic.process import die_with_parent
from mgic.protocol import Job
from worker.channel import Channel

RUNNER = (*SAFE, "mgic.runner")
EXIT_S = 5.0  # how long a child may take to leave after its input has ended


def input_folder(run: Path, field: str) -> Path:
    """Where on this host's disk a run finds the files of an input."""
    return run / "inputs" / field


class Child:
    """One `python -P -m mgic.runner` in a process group of its own.

    It must be started from the main thread of a process that stays: it asks the kernel to
    be killed when the thread that started it ends. It is replaced when the code of a plug-in has changed.

    Args:
        data_dir: Where data sets lie.
        folder: Under which each run has `<run>/<fence>/`, `<run>/checkpoints/` and `<run>/inputs/`.
        threads: For torch.
        visible: CUDA_VISIBLE_DEVICES, or None to leave it.
        command: What is executed, with the number of the pipe's descriptor behind it.
        outside: Behind that, what says which plug-ins to import.
    """

    def __init__(
        self,
        data_dir: Path,
        folder: Path,
        threads: int,
        visible: str | None,
        command: Sequence[str] = RUNNER,
        outside: Sequence[str] = (),
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._folder = folder.resolve()
        self._threads = threads
        self._visible = visible
        self._command = (command, outside)
        self._job: Job | None = None
        self.channel = Channel()
        self._start()

    def _start(self) -> None:
        reading, writing = os.pipe()
        environment = os.environ | {"OMP_NUM_THREADS": str(self._threads)}
        if self._visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = self._visible
        command, outside = self._command
        self.process = subprocess.Popen(
            [*command, str(writing), *outside],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            start_new_session=True,
            preexec_fn=die_with_parent(),  # one call, looked up before: whatever threads there are, it waits for none
            env=environment,
        )
        os.close(writing)
        self.channel.listen_at(reading)
        self._text = b""
        self._closed = False
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(reading, selectors.EVENT_READ)
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def begin(self, claim: Claim) -> None:
        """Hand it a job, its channel made ready. A child that is dead already is found so by the next `listen`."""
        self._text = b""
        run = self._folder / str(claim.run_id)
        self._job = Job(
            experiment=claim.experiment,
            config=claim.config,
            device=claim.device,
            threads=self._threads,
            data_dir=str(self._data_dir),
            folder=str(run / str(claim.fence)),
            checkpoints=str(run / "checkpoints"),
            inputs={field: str(input_folder(run, field)) for field in claim.inputs},
        )
        self._hand(self._job)

    def _hand(self, job: Job) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(job.encode().encode())
            self.process.stdin.flush()

    def listen(self, seconds: float) -> bool:
        """Take in what it says, waiting at most so long; False once it has ended and all was read.

        Raises:
            TooMuch: It tells more than a run may.
        """
        self._selector.select(seconds)
        self.read_text()
        self.channel.read()
        if self.channel.outdated and self._job is not None:
            self.dismiss()
            self._start()
            self._hand(replace(self._job, fresh=True))
            return True
        if self.channel.closed:  # it is leaving; one that stays all the same is not waited for
            self._unwatch(self.channel.descriptor)
            self._expire()
        if self.process.poll() is None:
            return True
        self.read_text()
        self.channel.read()
        return False

    def signal(self, number: signal.Signals) -> None:
        """To its whole process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self, grace_s: float) -> None:
        """TERM, after `grace_s` KILL, and everything closed; the second time nothing happens."""
        if self._closed:  # its number and its descriptors may be others' by now
            return
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.signal(signal.SIGKILL)
        self.process.wait(EXIT_S)
        self._close()

    def dismiss(self) -> None:
        """No job is left: let it leave by itself, unless it was ended already."""
        if self._closed:
            return
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self._expire()
        self._close()

    def _close(self) -> None:
        self._closed = True
        self._selector.close()
        os.close(self.channel.descriptor)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()

    def read_text(self) -> None:
        """All that it has printed so far."""
        assert self.process.stdout is not None
        part = b"."
        while part:
            try:
                part = os.read(self.process.stdout.fileno(), 2**16)
            except BlockingIOError:
                return
            *lines, self._text = (self._text + part).replace(b"\r", b"\n").split(b"\n")
            if len(self._text) > 2**16 or not part:
                lines, self._text = [*lines, self._text], b""
            for line in lines:
                if line.strip():
                    self.channel.text(line.decode("utf-8", "replace"))
        self._unwatch(self.process.stdout)

    def _expire(self) -> None:
        """It should be leaving by itself."""
        try:
            self.process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self.process.wait(EXIT_S)

    def _unwatch(self, source: int | IO[bytes]) -> None:
        """It has ended, and would be ready to be read for ever."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(source)
