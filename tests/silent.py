"""A context for tests: remembers what a run reports, and gives it a folder."""

import math
from pathlib import Path

from mgic.errors import Cancelled
from mgic.experiment import WEIGHTS, input_file


class SilentContext:
    """Keeps to the `Context` protocol. `cancel_at` raises `Cancelled` at the report that reaches that progress."""

    device = "cpu"

    def __init__(self, folder: Path, cancel_at: float = math.inf) -> None:
        self.data_dir = folder / "data"
        self.folder = folder
        self.checkpoints = folder / "checkpoints"
        self.inputs: dict[str, Path] = {}
        self.kept: list[str] = []
        self.resumed_at: list[int] = []
        self.stop_after: int | None = None  # scores of the test samples; then the training is to end
        self.want_at: set[int] = set()  # numbers of calls of `checkpoint_wanted` that are answered with yes
        self._asked = 0
        self.progress: list[float] = []
        self.phases: list[str] = []
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.lines: list[str] = []
        self._cancel_at = cancel_at

    def report(self, progress: float, phase: str = "") -> None:
        assert 0 <= progress <= 1
        self.progress.append(progress)
        if phase and phase not in self.phases:
            self.phases.append(phase)
        if progress >= self._cancel_at:
            raise Cancelled

    def curve(self, name: str, step: int, value: float) -> None:
        self.curves.setdefault(name, []).append((step, value))

    def log(self, line: str) -> None:
        self.lines.append(line)

    def artifact(self, name: str) -> Path:
        path = self.folder / "artifacts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def input(self, field: str, name: str) -> Path:
        return input_file({WEIGHTS: self.data_dir / WEIGHTS, **self.inputs}, field, name)

    def saved(self, name: str) -> None:
        self.kept.append(name)

    def resumed(self, step: int) -> None:
        self.resumed_at.append(step)

    def checkpoint_wanted(self) -> bool:
        self._asked += 1
        return self._asked in self.want_at

    def stop_wanted(self) -> bool:
        return self.stop_after is not None and len(self.curves.get("test/loss", ())) >= self.stop_after
