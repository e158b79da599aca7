"""Is a training so far behind the others that it is not worth its rest? Without torch: workers ask it too."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from mgic.records import Goal, StopRule

Scores = Sequence[float | None]  # one an epoch; None was no number


@dataclass(frozen=True)
class Other:
    """The scores of another trial so far, and whether it was trained to its end."""

    scores: Scores
    whole: bool


def falls_behind(rule: StopRule, goal: Goal, scores: Scores, others: Sequence[Other]) -> bool:
    """Whether the training with these scores is to end now, after as many epochs as there are scores.

    A score that is no number is worse than any other.
    """
    epochs = len(scores)
    if epochs < rule.first:
        return False
    mine = _losses(goal, scores)
    theirs = [(_losses(goal, other.scores), other.whole) for other in others]
    if rule.rule == "median":
        whole = [losses for losses, ended in theirs if ended]
        reached = [losses[epochs - 1] for losses in whole if len(losses) >= epochs]
        return len(whole) >= rule.startup and bool(reached) and min(mine) > median(reached)
    return _below_a_rung(rule, mine, [losses for losses, _ in theirs])


def _below_a_rung(rule: StopRule, mine: list[float], theirs: Sequence[list[float]]) -> bool:
    """Asynchronous successive halving: whoever comes to a rung is held against those that have been there."""
    rung = rule.first
    while rung < len(mine):
        rung *= rule.factor
    if rung > len(mine):
        return False
    there = sorted([losses[rung - 1] for losses in theirs if len(losses) >= rung] + [mine[rung - 1]])
    promoted = max(1, len(there) // rule.factor)
    return mine[rung - 1] > there[promoted - 1]


def _losses(goal: Goal, scores: Scores) -> list[float]:
    """Less is better."""
    return [float("inf") if score is None else -score if goal == "max" else score for score in scores]
