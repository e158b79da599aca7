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
from worker.channel import MOST_PARTS, PART, Channel, TooMuch

RUNNER = (*SAFE, "mgic.runner")
FORKS = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}  # whoever asks whether there is a GPU does not begin to use it
EXIT_S = 5.0  # how long a child may take to leave after its input has ended


def inputs_folder(run: Path, fence: int) -> Path:
    """Where on this host's disk an attempt finds the files of its inputs, by field. It clears them, and no other's."""
    return run / "inputs" / str(fence)


class Child:
    """One `python -P -m mgic.runner` in a process group of its own, which has each run executed by a fork of itself.

    It must be started from the main thread of a process that stays: it asks the kernel to
    be killed when the thread that started it ends. It is replaced when the code of a plug-in has changed, and when it
    has left for want of work.

    Args:
        data_dir: Where data sets lie.
        folder: Under which each run has `<run>/<fence>/`, `<run>/checkpoints/` and `<run>/inputs/<fence>/`.
        threads: For torch.
        visible: CUDA_VISIBLE_DEVICES, or None to leave it.
        command: What is executed, with the number of the pipe's descriptor behind it.
        outside: Behind that, what says which plug-ins to import.
        alone: Whether it executes runs itself.
    """

    def __init__(
        self,
        data_dir: Path,
        folder: Path,
        threads: int,
        visible: str | None,
        command: Sequence[str] = RUNNER,
        outside: Sequence[str] = (),
        alone: bool = False,
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._folder = folder.resolve()
        self._threads = threads
        self._visible = visible
        self._command = (command, outside)
        self._alone = alone
        self._job: Job | None = None
        self.channel = Channel()
        self._start()

    def _start(self) -> None:
        reading, writing = os.pipe()
        environment = os.environ | {"OMP_NUM_THREADS": str(self._threads)} | FORKS
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
        """Hand it a job, its channel made ready."""
        if self.process.poll() is not None:
            self._replace()
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
            alone=self._alone,
            inputs={field: str(inputs_folder(run, claim.fence) / field) for field in claim.inputs},
        )
        self._hand(self._job)

    @property
    def returncode(self) -> int:
        """What the run's process has ended with."""
        code: int = self.process.returncode if self.channel.left is None else self.channel.left
        return code

    @property
    def free(self) -> bool:
        """Whether the fork that had the run has ended, and the next may come."""
        return not self._closed and self.channel.left is not None and self.process.poll() is None

    def _forked(self) -> bool:
        return self.channel.pid not in (None, self.process.pid)

    def _replace(self) -> None:
        self.dismiss()
        self._start()

    def _hand(self, job: Job) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(job.encode().encode())
            self.process.stdin.flush()

    def listen(self, seconds: float) -> bool:
        """Take in what it says, waiting at most so long; False once the run's process has ended and all was read.

        Raises:
            TooMuch: It tells more than a run may.
        """
        self._selector.select(seconds)
        self.read_text()
        self.channel.read()
        if self._job is not None and (self.channel.outdated or self._left_before_the_job()):
            self._replace()
            self._job = replace(self._job, fresh=True)
            self._hand(self._job)
            return True
        if self.channel.left is not None:
            self.read_text()
            return False
        if self.channel.closed:  # it is leaving; one that stays all the same is not waited for
            self._unwatch(self.channel.descriptor)
            self._expire()
        if self.process.poll() is None:
            return True
        self.read_text()
        self.channel.read()
        return False

    def _left_before_the_job(self) -> bool:
        """For want of work, just when there was some."""
        job, pid = self._job, self.channel.pid
        return job is not None and not job.fresh and pid is None and self.process.poll() == 0 and self.channel.closed

    def _tell(self, number: signal.Signals) -> bool:
        """To the run, and to no other process."""
        if self.channel.pid is None or self.channel.left is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.channel.pid, number)
        return True

    def signal(self, number: signal.Signals) -> None:
        """To the whole process group of the run, which from now on nobody begins anew."""
        self._job = None
        _signal(self.channel.pid or self.process.pid, number)

    def end_training(self) -> None:
        """Tell the run that its training is to end early; to be told again is no matter."""
        self._tell(signal.SIGUSR2)

    def ask_for_checkpoint(self) -> bool:
        """Tell the run that one is wanted now; whether it has begun, and so may make one."""
        return self._tell(signal.SIGUSR1)

    def rest(self) -> bool:
        """Once the outcome is told: whether the next run may come, which is not before the fork of this one has ended.

        One that does not end would be heard as if it were the next.
        """
        deadline = time.monotonic() + EXIT_S
        with contextlib.suppress(TooMuch):  # what comes behind the outcome is of no use
            while self._forked() and not self.free and self.process.poll() is None and time.monotonic() < deadline:
                self.listen(0.05)
        return self.free if self._forked() else self.process.poll() is None

    def end(self, grace_s: float) -> None:
        """TERM to the run, and after `grace_s` KILL. If it was no fork, or does not end, all is closed."""
        if self._closed or self.free:  # the numbers and descriptors of what has ended may be others' by now
            return
        self.signal(signal.SIGTERM)
        if not self._ends(grace_s):
            self.signal(signal.SIGKILL)
            if self._forked() and not self.channel.broken:
                self._ends(EXIT_S)
        if self.free:
            return
        self.signal(signal.SIGKILL)
        _signal(self.process.pid, signal.SIGKILL)
        self.process.wait(EXIT_S)
        self._close()

    def _ends(self, seconds: float) -> bool:
        """Whether the run's process does within this time."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and not self.free:
            if time.monotonic() >= deadline:
                return False
            self.read_text()
            if self._forked() and not self.channel.broken:
                with contextlib.suppress(TooMuch):  # it is being ended already
                    self.channel.read()
            time.sleep(0.02)
        self.read_text()  # or the next run would be said to have printed it
        return True

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
        """What it has printed so far: more than a pipe holds, and not all that one says who never stops."""
        assert self.process.stdout is not None
        for _ in range(MOST_PARTS):
            try:
                part = os.read(self.process.stdout.fileno(), PART)
            except BlockingIOError:
                return
            *lines, self._text = (self._text + part).replace(b"\r", b"\n").split(b"\n")
            if len(self._text) > 2**16 or not part:
                lines, self._text = [*lines, self._text], b""
            for line in lines:
                if line.strip():
                    self.channel.text(line.decode("utf-8", "replace"))
            if not part:
                self._unwatch(self.process.stdout)
                return

    def _expire(self) -> None:
        """It should be leaving by itself."""
        try:
            self.process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            _signal(self.process.pid, signal.SIGKILL)
            self.process.wait(EXIT_S)

    def _unwatch(self, source: int | IO[bytes]) -> None:
        """It has ended, and would be ready to be read for ever."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(source)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)
