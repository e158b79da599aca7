"""What this worker can do: looked at by a process of its own, again when its data or plug-ins have changed."""

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from backend.settings import Settings
from mgic.plugins import SAFE, asked, words_for
from mgic.process import die_with_parent
from mgic.records import Abilities

log = logging.getLogger(__name__)

HIDDEN = "CUDA_VISIBLE_DEVICES"
LOOKER = (*SAFE, "mgic.abilities")
LONGEST_S = 600.0  # of one look: data sets of many files are counted
PAUSE_S = 60.0  # after one that has failed
MOST_ENTRIES = 10_000  # of the folder of the data sets that are watched


class Looking:
    """Asked at every heartbeat, and never waited for.

    Args:
        settings: Of the worker.
        command: What is executed, with its arguments behind it.
    """

    def __init__(self, settings: Settings, command: Sequence[str] = LOOKER) -> None:
        self._data_dir, self._device = settings.data_dir.resolve(), settings.worker_device
        self._command, self._outside = command, words_for(asked(settings.modules))
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._files: tuple[str, ...] = ()
        self._seen: list[tuple[str, int]] | None = None  # when the last look began
        self._until = 0.0  # of a look, when it is given up; after one that has failed, when there may be another

    def news(self, idle: bool) -> Abilities | None:
        """What a look has found that has ended since this was last asked; else None. The next one waits for `idle`."""
        if self._process is None:
            if time.monotonic() >= self._until and (self._seen is None or (idle and self._seen != self._watched())):
                self._start()
            return None
        if self._process.poll() is None:
            if time.monotonic() > self._until:
                self._process.kill()
            return None
        return self._found(self._process.returncode)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._clear()

    def _start(self) -> None:
        self._seen, self._until = self._watched(), time.monotonic() + LONGEST_S
        self._folder = TemporaryDirectory(prefix="mgic-look-")
        words = [self._answer, self._device, str(self._data_dir), *self._outside]
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | ({} if self._device == "cuda" else {HIDDEN: ""})
        self._process = subprocess.Popen(
            ["nice", *self._command, *words], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent(), env=environment
        )

    @property
    def _answer(self) -> str:
        assert self._folder is not None
        return str(Path(self._folder.name) / "looked.json")

    def _found(self, code: int) -> Abilities | None:
        answer = Path(self._answer)
        text = answer.read_text(encoding="utf-8") if code == 0 and answer.exists() else ""
        self._clear()
        if not text:
            log.warning("what this worker can do is not known: to look has ended with %s", code)
            self._seen, self._until = None, time.monotonic() + PAUSE_S
            return None
        looked = json.loads(text)
        if tuple(looked["files"]) != self._files:
            self._files = tuple(looked["files"])
            self._seen = self._watched()
        self._until = 0.0
        return Abilities.model_validate(looked["able"])

    def _clear(self) -> None:
        assert self._folder is not None
        self._folder.cleanup()
        self._folder = self._process = None

    def _watched(self) -> list[tuple[str, int]]:
        """When what the answer depends on was last written: the plug-ins' files, and two levels of the data sets."""
        entries = islice(self._entries(), MOST_ENTRIES)
        return sorted((str(path), _written(path)) for path in (*map(Path, self._files), *entries))

    def _entries(self) -> Iterator[Path]:
        yield self._data_dir
        for pattern in ("*", "*/*"):
            yield from self._data_dir.glob(pattern)


def _written(path: Path) -> int:
    """In nanoseconds since 1970; 0 where there is nothing, or nothing to be seen."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
