"""What a sampler of Optuna would choose next, of a study that is made anew from the trials so far.

Nothing is kept between two calls: the same trials, seed and number of trials give the same choice, in any process.
"""

import hashlib
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mgic.records import Config, Refused, Search, Trial
from mgic.search.space import Space

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

FEASIBLE = "feasible"  # the name of the one constraint
PLACE = "place"  # of a trial in the quasi-random sequence, among the notes


class Choices:
    """The study of a search, and what is chosen next of it.

    Args:
        search: With its goal.
        space: To choose from.
        trials: All so far, in their order.
        refused: Cells that were proposed and cannot be run.
    """

    def __init__(self, search: Search, space: Space, trials: Sequence[Trial], refused: Sequence[Refused]) -> None:
        import optuna
        from optuna.study import StudyDirection

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._search = search
        self._space = space
        self._distributions = space.distributions(search.sampler)
        self._place = 1 + max((trial.notes.get(PLACE, -1) for trial in trials), default=-1)
        directions = [StudyDirection.MAXIMIZE if search.goal == "max" else StudyDirection.MINIMIZE]
        if search.sampler == "nsga2":
            directions.append(StudyDirection.MINIMIZE)
        self._study = optuna.create_study(directions=directions)
        if search.sampler in ("tpe", "nsga2"):  # the others learn nothing
            self._study.add_trials(self._history(trials, refused))

    def choose(self, number: int, attempt: int) -> tuple[Config, dict[str, Any], "optuna.Trial"]:
        """A cell for the trial of this number, what to note of it, and what to `settle` it by.

        Args:
            number: Of the trial.
            attempt: At it: another one gives another cell.
        """
        self._study.sampler = self._sampler(number, attempt)
        trial = self._study.ask(self._distributions)
        return self._space.config(trial.params), self._notes(trial), trial

    def refuse(self, trial: "optuna.Trial", excess: float) -> None:
        """The cell that was chosen cannot be run."""
        from optuna.trial import TrialState

        trial.set_constraint(FEASIBLE, excess)
        self._study.tell(trial, state=TrialState.PRUNED)

    def forget(self, trial: "optuna.Trial") -> None:
        """The cell that was chosen has been tried."""
        from optuna.trial import TrialState

        self._study.tell(trial, state=TrialState.FAIL)

    def _notes(self, trial: "optuna.Trial") -> dict[str, Any]:
        if self._search.sampler == "qmc":
            self._place += 1
            return {PLACE: self._place - 1}
        told = self._study.get_trials(deepcopy=False)[trial.number].system_attrs
        mine = f"{type(self._study.sampler).__name__}:"  # such as the generation of a genetic algorithm
        return {name: value for name, value in told.items() if name.startswith(mine)}

    def _sampler(self, number: int, attempt: int) -> "BaseSampler":
        from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler

        search = self._search
        text = f"{search.seed} {number} {attempt}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        if search.sampler == "random":
            return RandomSampler(seed=seed)
        if search.sampler == "qmc":
            return _sequence(search.seed, self._place, self._distributions)
        if search.sampler == "tpe":
            return TPESampler(seed=seed)
        return NSGAIISampler(population_size=population(search.trials), seed=seed)

    def _history(self, trials: Sequence[Trial], refused: Sequence[Refused]) -> "list[FrozenTrial]":
        """In the order in which they were asked for: a sampler trusts the later ones more."""
        told = [(one.asked, 0, self._refused(one)) for one in refused]
        told += [(number, 1, self._told(trial)) for number, trial in enumerate(trials)]
        return [trial for _, _, trial in sorted(told, key=lambda one: one[:2])]

    def _refused(self, one: Refused) -> "FrozenTrial":
        return self._made(one.requested, "PRUNED", constraints={FEASIBLE: one.excess})

    def _told(self, trial: Trial) -> "FrozenTrial":
        if trial.state == "stopped" and trial.value is not None:
            reached = {trial.step: trial.value}
            return self._made(trial.requested, "PRUNED", intermediate_values=reached)
        values = [trial.value, trial.macs] if self._search.sampler == "nsga2" else [trial.value]
        found = {"values": values, "constraints": {FEASIBLE: 0.0}} if trial.state == "complete" else {}
        state = {"running": "RUNNING", "complete": "COMPLETE"}.get(trial.state, "FAIL")
        return self._made(trial.requested, state, system_attrs=dict(trial.notes), **found)

    def _made(self, requested: Config, state: str, **told: Any) -> "FrozenTrial":
        from optuna.trial import TrialState, create_trial

        params = self._space.params(requested)
        return create_trial(state=TrialState[state], params=params, distributions=self._distributions, **told)


def _sequence(seed: int, place: int, distributions: dict[str, Any]) -> "BaseSampler":
    """One place of a scrambled Sobol sequence. Optuna's own sampler counts them in the storage of its study."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import QMCSampler

    class Sequence(QMCSampler):
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:  # noqa: ARG002
            return distributions

        def _find_sample_id(self, study: Any, search_space: Any) -> int:  # noqa: ARG002
            return place

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return Sequence(scramble=True, seed=seed)


def population(trials: int) -> int:
    """Of a genetic algorithm that has so many trials: some generations are worth more than a large one."""
    return max(4, min(50, trials // 5))
