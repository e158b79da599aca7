"""By what the best point of a plot is chosen, and which points are worth no more than a guess."""

from collections.abc import Sequence

from mgic.figures.samples import Group, Sample, is_number
from mgic.records import View

GUESSING = "no_better_than_guessing"  # a field of results
CAUTION = "caution"  # another: why, in words
WORDS = "no better than guessing"


def choice(view: View, drawn: str, given: Sequence[Sample]) -> str:
    """The column to choose by: the view's own, where every row has a number of it; else the one that is drawn."""
    measured = [sample.values for sample in given if is_number(sample.values.get(drawn))]
    by = view.chosen_by
    return by if by and measured and all(is_number(values.get(by)) for values in measured) else drawn


def choice_note(view: View, drawn: str, by: str) -> str:
    """How the best one is chosen, where that is in question; begins with a blank."""
    if view.chosen_by is None:
        return ""
    if by == drawn:
        return " Chosen on the test set: the score of the best is too good by as much as the search found by chance."
    return f" Chosen by {by}, of training samples that were held out; {drawn} is of the test set."


def guesses(group: Group) -> str:
    """In words, how many of its runs are worth no more than a guess; empty if none is."""
    count = sum(sample.values.get(GUESSING) is True for sample in group.samples)
    of = len(group.samples)
    return "" if not count else WORDS if of == 1 else f"{WORDS}: {count} of {of} runs"


def guesses_note(given: Sequence[Sample]) -> str:
    """How many runs of a plot are; begins with a blank."""
    count = len({sample.run_id for sample in given if sample.values.get(GUESSING) is True})
    return f" {count} {'run is' if count == 1 else 'runs are'} {WORDS}." if count else ""
