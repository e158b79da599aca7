"""When a training is ended early: by hand, and as Optuna's pruners decide."""

import random

import optuna
import pytest
from optuna.pruners import MedianPruner, SuccessiveHalvingPruner
from optuna.trial import TrialState

from mgic.records import StopRule
from mgic.search.stopping import Other, falls_behind


def others(*curves, whole=True):
    return [Other(curve, whole) for curve in curves]


MEDIAN = StopRule(rule="median", first=2, startup=3)
HALVING = StopRule(rule="halving", first=1, factor=2)


def test_the_median_is_that_of_the_same_epoch():
    three = others([50.0, 60.0], [70.0, 80.0], [90.0, 95.0])
    assert falls_behind(MEDIAN, "max", [79.0, 79.0], three)
    assert not falls_behind(MEDIAN, "max", [80.0, 10.0], three), "the best so far is held against it"
    assert falls_behind(MEDIAN, "min", [81.0, 82.0], three)


def test_nothing_is_ended_before_its_first_epochs_or_before_enough_have_come_to_their_end():
    three = others([50.0, 60.0], [70.0, 80.0], [90.0, 95.0])
    assert not falls_behind(MEDIAN, "max", [1.0], three)
    assert not falls_behind(MEDIAN, "max", [1.0, 1.0], three[:2] + others([99.0, 99.0], whole=False))
    assert not falls_behind(MEDIAN, "max", [1.0, 1.0, 1.0], three), "none of them has gone on for so long"


def test_a_score_that_is_no_number_is_the_worst():
    three = others([50.0, 60.0], [70.0, None], [90.0, 95.0])
    assert falls_behind(MEDIAN, "max", [None, None], three)
    assert falls_behind(MEDIAN, "max", [1.0, 59.0], three)


def test_a_rung_lets_the_best_part_through():
    assert not falls_behind(HALVING, "max", [1.0], []), "the first that comes to a rung goes on"
    assert falls_behind(HALVING, "max", [1.0], others([2.0], whole=False))
    assert not falls_behind(HALVING, "max", [3.0], others([2.0], whole=False))
    assert not falls_behind(HALVING, "max", [3.0, 1.0, 1.0], others([4.0, 2.0, 2.0])), "three epochs are no rung"
    assert falls_behind(HALVING, "max", [3.0, 1.0, 1.0, 1.0], others([1.0, 1.0, 1.0, 2.0]))


@pytest.mark.parametrize(
    ("rule", "pruner"),
    [
        (StopRule(rule="median", first=1, startup=4), MedianPruner(n_startup_trials=4, n_warmup_steps=0)),
        (
            StopRule(rule="halving", first=1, factor=3),
            SuccessiveHalvingPruner(min_resource=1, reduction_factor=3, min_early_stopping_rate=0),
        ),
    ],
    ids=["median", "halving"],
)
def test_it_decides_as_optuna_does(rule, pruner):
    """One after another, each to its end or to where it is ended; Optuna's counts epochs from 1 on, too."""
    draw = random.Random(3)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    past, ended = [], 0
    for _ in range(60):
        trial = study.ask()
        skill, scores, pruned = draw.uniform(0, 50), [], False
        for epoch in range(1, 10):
            scores.append(skill + epoch + draw.gauss(0, 5))
            trial.report(scores[-1], epoch)
            pruned = trial.should_prune()
            assert falls_behind(rule, "max", scores, past) == pruned, (epoch, scores)
            if pruned:
                break
        past.append(Other(tuple(scores), not pruned))
        ended += pruned
        study.tell(trial, scores[-1] if not pruned else None, state=TrialState.PRUNED if pruned else None)
    assert 10 < ended < 58
