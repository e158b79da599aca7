"""The part of a run that one of several trainings in a row is: its name, its share of the progress, its steps."""

import json
from collections.abc import Sequence

from pydantic import BaseModel

from mgic.experiment import Context
from mgic.training.checkpoint import Checkpoints


class Phase:
    """The context of one training: its progress and its steps come after those of the trainings before it.

    Args:
        run: The context of the whole run.
        name: Of the phase, and of its folder of checkpoints.
        before: Steps of the trainings before it.
        steps: Its own.
        whole: Those of all trainings.
    """

    def __init__(self, run: Context, name: str, before: int, steps: int, whole: int) -> None:
        self.device, self.data_dir, self.checkpoints = run.device, run.data_dir, run.checkpoints / name
        self.artifact, self.input, self.checkpoint_wanted = run.artifact, run.input, run.checkpoint_wanted
        self.was_over = False  # an earlier attempt had come to its end
        self._run, self._name, self._before, self._steps, self._whole = run, name, before, steps, whole

    def checkpoints_of(self, config: BaseModel, *of: object) -> Checkpoints:
        """Its own, for the steps of each training are counted from 1 on."""
        identity = json.dumps([config.model_dump(mode="json"), self._name, *of], sort_keys=True)
        return Checkpoints(self.checkpoints, identity, self.saved)

    def report(self, progress: float, phase: str = "") -> None:
        overall = (self._before + self._steps * progress) / self._whole
        self._run.report(overall, self._name if phase == "training" else phase)

    def curve(self, name: str, step: int, value: float) -> None:
        self._run.curve(name, self._before + step, value)

    def log(self, line: str) -> None:
        self._run.log(f"{self._name}, {line}")

    def saved(self, name: str) -> None:
        self._run.saved(f"{self._name}/{name}")

    def stop_wanted(self) -> bool:
        """A search ends no training that others follow."""
        return False

    def resumed(self, step: int) -> None:
        """Told only where steps are left, or else the curves of the training after it would be void."""
        self.was_over = step == self._steps
        if not self.was_over:
            self._run.resumed(self._before + step)


def phases(run: Context, trainings: Sequence[tuple[str, int]]) -> list[Phase]:
    """One for each name with its number of steps, in turn."""
    before, found, whole = 0, [], sum(steps for _, steps in trainings)
    for name, steps in trainings:
        found.append(Phase(run, name, before, steps, whole))
        before += steps
    return found
