"""How much of the spread of a result each field of a config explains."""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any

FITTED, TREES = 0, 16  # the seed of the forest; 64 trees say the same within a point, in four times the time

Columns = tuple[tuple[str, tuple[int | str, ...]], ...]


def method() -> str:
    """In words. PED-ANOVA stands in where scikit-learn is not installed."""
    if find_spec("sklearn") is not None:
        return "functional analysis of variance over a random forest (fANOVA)"
    return "PED-ANOVA, which asks what the best tenth of the runs have in common; scikit-learn is not installed"


@lru_cache(maxsize=32)
def explained(columns: Columns, values: tuple[float, ...], goal: str) -> dict[str, float]:
    """The share of each field, largest first, by `method`; they add up to 1.

    By a functional analysis of variance over a random forest (Hutter, Hoos, Leyton-Brown 2014), or without
    scikit-learn by PED-ANOVA (Watanabe, Bansal, Hutter 2023), as Optuna has them. Takes about a second.

    Args:
        columns: By field, the value of each run: ranks of numbers, or names.
        values: The result of each run.
        goal: Which end of it is the good one: PED-ANOVA asks what the good runs have in common.
    """
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

    spaces: dict[str, BaseDistribution] = {
        name: IntDistribution(0, max(int(one) for one in column))
        if isinstance(column[0], int)
        else CategoricalDistribution(sorted(set(map(str, column))))
        for name, column in columns
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize" if goal == "max" else "minimize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: column[place] for name, column in columns}, distributions=spaces, value=one
            )
            for place, one in enumerate(values)
        ]
    )
    evaluator: Any = optuna.importance.PedAnovaImportanceEvaluator()
    if find_spec("sklearn") is not None:
        evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=TREES, seed=FITTED)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
