"""Carries the files of a run between this host's disk, where it writes them, and the place that all hosts reach.

A thread of its own, as the pulse has: a bucket that is slow holds up nobody else.
"""

import contextlib
import errno
import hashlib
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from pathlib import Path

from backend.artifacts import Artifacts, attempt, checkpoint
from backend.store import Claim, InputFile, Store
from mgic.errors import MgicError, NotFound
from mgic.records import Artifact
from worker.channel import Told
from worker.child import inputs_folder

log = logging.getLogger(__name__)

SUFFIX = ".pt"  # of snapshots
JOIN_S = 2.0  # a transfer that takes longer is left to end by itself
AGAIN_S = 1.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FAULTS = (OSError, MgicError)


class Courier:
    """Before the run, its inputs and the snapshots of its earlier attempts are fetched; while it goes, each new one
    is kept.

    Once all is `fetched`, `missing` says in words which file of an input there is not. A place that does not answer
    is asked for the inputs again and again; `away` is what it said last, until it is asked again.

    Args:
        artifacts: The place.
        claim: The run.
        folder: Of the run, on this host's disk.
        told: What the run says, among it that a snapshot is complete.
        every_s: How often that is looked for.
        owned: Whether the run is still this attempt's: another's snapshots are not removed.
    """

    def __init__(
        self, artifacts: Artifacts, claim: Claim, folder: Path, told: Told, every_s: float, owned: Callable[[], bool]
    ) -> None:
        self._artifacts = artifacts
        self._claim = claim
        self._folder = folder
        self._told = told
        self._every_s = every_s
        self._owned = owned
        self._ended = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._carry,), name="courier", daemon=True)
        self.fetched = threading.Event()
        self.missing = ""
        self.away: OSError | None = None

    def __enter__(self) -> "Courier":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(JOIN_S)

    def deliver(self, files: Sequence[Artifact], patience_s: float, wanted: Callable[[], bool]) -> None:
        """Bring what the attempt leaves to the place, again and again until it answers.

        Args:
            files: Names below the attempt's folder.
            patience_s: How long to try.
            wanted: Whether to go on trying.

        Raises:
            OSError: It did not answer, or its disk is full.
        """
        start = time.monotonic()
        folder = self._folder / str(self._claim.fence)
        left = list(files)
        while left:
            try:
                self._artifacts.put(folder / left[0].name, attempt(self._claim.run_id, self._claim.fence, left[0].name))
                del left[0]
            except OSError as error:
                if error.errno in NO_ROOM or time.monotonic() - start > patience_s or not wanted():
                    raise
                log.warning("run %s: %s is not kept yet: %s", self._claim.run_id, left[0].name, error)
                time.sleep(AGAIN_S)

    def clear(self, own: bool, others: bool) -> None:
        """Remove what this attempt brought to the place, and what earlier ones did that were killed before the end.

        What cannot be removed now stays there: nobody sees it.
        """
        run, fence = self._claim.run_id, self._claim.fence
        if not own and fence == 1:  # there was no attempt before
            return
        try:
            for name in self._artifacts.names(str(run)):
                if (own and name == str(fence)) or (others and name.isdecimal() and int(name) < fence):
                    self._artifacts.remove(attempt(run, int(name)))
        except FAULTS as error:
            log.warning("run %s: files of attempts without a result stay behind: %s", run, error)

    def _carry(self) -> None:
        if self._claim.fence > 1:  # else there was no attempt before
            self._fetch()
        while not self._fetch_inputs():
            if self._ended.wait(AGAIN_S):
                return
        self.fetched.set()
        kept = ""
        while not self._ended.wait(self._every_s):
            newest = self._told.checkpoint
            if newest != kept and self._keep():
                kept = newest
        if self._told.checkpoint != kept:
            self._keep()

    def _fetch(self) -> None:
        """What another host may have written; a snapshot that is here already is the same, its name has its hash."""
        run, folder = self._claim.run_id, self._folder / "checkpoints"
        try:
            for name in self._snapshots(""):
                if not (folder / name).exists():
                    self._artifacts.get(checkpoint(run, name), folder / name)
        except FAULTS as error:
            self._say(f"Checkpoints of earlier attempts could not be fetched: {error}")

    def _fetch_inputs(self) -> bool:
        """False: not now, the place does not answer or the disk is full."""
        self.away = None
        try:
            for field, files in self._claim.inputs.items():
                for file in files:
                    self._fetch_input(file, inputs_folder(self._folder, self._claim.fence) / field / file.name)
        except NotFound as error:
            self.missing = str(error)
        except OSError as error:
            log.warning("run %s: its inputs are not here yet: %s", self._claim.run_id, error)
            self.away = error
            return False
        return True

    def _fetch_input(self, file: InputFile, path: Path) -> None:
        """Raises `NotFound` where the run has left no such file, or it is not the one that it left."""
        if not file.sha256:
            raise NotFound(f"Run {file.run_id}, which is its input, has left no {file.name}.")
        if path.exists() and _sha256(path) == file.sha256:
            return
        try:
            self._artifacts.get(attempt(file.run_id, file.fence, file.name), path)
        except NotFound as error:
            raise NotFound(f"{file.name} of run {file.run_id}, which is its input, is gone.") from error
        if _sha256(path) != file.sha256:
            raise NotFound(f"{file.name} of run {file.run_id}, which is its input, is not what that run left.")

    def _snapshots(self, folder: str) -> list[str]:
        """Those that are kept, by their path below the run's; a training of several parts has a folder for each."""
        found = []
        for name in self._artifacts.names(checkpoint(self._claim.run_id, folder)):
            path = f"{folder}/{name}".lstrip("/")
            found += [path] if name.endswith(SUFFIX) else [] if folder else self._snapshots(name)
        return found

    def _keep(self) -> bool:
        """All that are on this disk and not there yet; what is gone from the disk goes there too. False: not now."""
        run, folder = self._claim.run_id, self._folder / "checkpoints"
        here = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"*{SUFFIX}"))
        try:
            there = set(self._snapshots(""))
            for name in here:
                if name not in there and (folder / name).exists():  # else a newer one took its place meanwhile
                    self._artifacts.put(folder / name, checkpoint(run, name))
            for name in there.difference(here) if self._owned() else ():
                self._artifacts.remove(checkpoint(run, name))
        except FAULTS as error:
            log.warning("run %s: a checkpoint is not kept where other hosts would find it: %s", run, error)
            return False
        return True

    def _say(self, words: str) -> None:
        log.warning("run %s: %s", self._claim.run_id, words)
        self._told.lines.append(words)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clear_disk(folder: Path, fence: int, others: bool) -> None:
    """Remove an attempt's files from this host's disk, and with `others` whatever else its run has there."""
    shutil.rmtree(folder if others else folder / str(fence), ignore_errors=True)
    inputs = inputs_folder(folder, fence)
    shutil.rmtree(inputs, ignore_errors=True)
    for emptied in (inputs.parent, folder):
        with contextlib.suppress(OSError):  # not empty, or gone
            emptied.rmdir()


def clear_leftovers(scratch: Path, store: Store) -> None:
    """Remove what ended runs still have on this host's disk: their last attempt was elsewhere, or was killed."""
    runs = {path.name: path for path in scratch.iterdir()} if scratch.is_dir() else {}
    for run in store.ended(runs):
        shutil.rmtree(runs[run], ignore_errors=True)
