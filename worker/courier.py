"""Carries the files of a run between this host's disk, where it writes them, and the place that all hosts reach.

A thread of its own, as the pulse has: a bucket that is slow holds up nobody else.
"""

import errno
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from backend.artifacts import Artifacts, attempt, checkpoint
from backend.store import Claim, Store
from mgic.errors import MgicError
from mgic.records import Artifact
from worker.channel import Told

log = logging.getLogger(__name__)

KEPT = 2  # snapshots of a run, in the order of their names: the newest, and one in case it is damaged
JOIN_S = 2.0  # a transfer that takes longer is left to end by itself
AGAIN_S = 1.0
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FAULTS = (OSError, MgicError)


class Courier:
    """Before the run, the snapshots of its earlier attempts are fetched; while it goes, each new one is kept.

    Args:
        artifacts: The place.
        claim: The run.
        folder: Of the run, on this host's disk.
        told: What the run says, among it that a snapshot is complete.
        every_s: How often that is looked for.
    """

    def __init__(self, artifacts: Artifacts, claim: Claim, folder: Path, told: Told, every_s: float) -> None:
        self._artifacts = artifacts
        self._claim = claim
        self._folder = folder
        self._told = told
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="courier", daemon=True)
        self.fetched = threading.Event()

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
        """Remove what this attempt brought to the place, and what its run's others did that were killed before the end.

        What cannot be removed now stays there: nobody sees it.
        """
        run = str(self._claim.run_id)
        try:
            for fence in self._artifacts.names(run):
                mine = fence == str(self._claim.fence)
                if (own and mine) or (others and not mine and fence.isdecimal()):
                    self._artifacts.remove(attempt(self._claim.run_id, int(fence)))
            if not self._artifacts.names(run):
                self._artifacts.remove(run)
        except FAULTS as error:
            log.warning("run %s: files of attempts without a result stay behind: %s", run, error)

    def _carry(self) -> None:
        self._fetch()
        self.fetched.set()
        kept = self._told.checkpoint
        while not self._ended.wait(self._every_s):
            if self._told.checkpoint != kept:
                kept = self._told.checkpoint
                self._keep()

    def _fetch(self) -> None:
        """What another host may have written; a snapshot that is here already is the same, its name has its hash."""
        run, folder = self._claim.run_id, self._folder / "checkpoints"
        try:
            for name in self._artifacts.names(checkpoint(run)):
                if not (folder / name).exists():
                    self._artifacts.get(checkpoint(run, name), folder / name)
        except FAULTS as error:
            self._say(f"Checkpoints of earlier attempts could not be fetched: {error}")

    def _keep(self) -> None:
        """All that are on this disk and not there yet; the oldest there go."""
        run, folder = self._claim.run_id, self._folder / "checkpoints"
        try:
            there = set(self._artifacts.names(checkpoint(run)))
            for path in sorted(folder.glob("*.pt")):
                if path.name not in there:
                    self._artifacts.put(path, checkpoint(run, path.name))
                    there.add(path.name)
            for old in sorted(there)[:-KEPT]:
                self._artifacts.remove(checkpoint(run, old))
        except FileNotFoundError:  # a newer one took its place meanwhile: that one is next
            return
        except FAULTS as error:
            self._say(f"A checkpoint could not be kept where other hosts would find it: {error}")

    def _say(self, words: str) -> None:
        log.warning("run %s: %s", self._claim.run_id, words)
        self._told.lines.append(words)


def clear_disk(folder: Path, fence: int, others: bool) -> None:
    """Remove an attempt's files from this host's disk, and with `others` whatever else its run has there."""
    shutil.rmtree(folder if others else folder / str(fence), ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def clear_leftovers(scratch: Path, store: Store) -> None:
    """Remove what ended runs still have on this host's disk: their last attempt was elsewhere, or was killed."""
    runs = {path.name: path for path in scratch.iterdir()} if scratch.is_dir() else {}
    for run in store.ended(runs):
        shutil.rmtree(runs[run], ignore_errors=True)
