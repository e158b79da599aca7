"""`mgic gate --predictions`: rows of top1 by the answers of base and head to the same samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mgic.errors import BadConfig, NotFound, Problem
from mgic.gate import Rules
from mgic.gate.accuracy import PREDICTIONS_LIMIT, of_predictions
from mgic.gate.comparison import overall
from mgic.gate.predictions import Paired, pair, read_predictions
from mgic.records import Comparison, MetricVerdict

OPTION = "--predictions"


class Answers(NamedTuple):
    """Of one model; its name is empty where it was not said."""

    model: str
    paired: Paired


def read_answers(given: Sequence[str]) -> list[Answers]:
    """The files, before anything is measured.

    Args:
        given: Each BASE,HEAD or MODEL=BASE,HEAD.

    Raises:
        BadConfig: Not two files, or files that are none or do not belong together.
        NotFound: A file that is not there.
    """
    return [_read(text) for text in given]


def _read(text: str) -> Answers:
    model, _, files = text.rpartition("=")
    base, comma, head = files.partition(",")
    if not comma or not base or not head:
        raise _bad(f"BASE,HEAD or MODEL=BASE,HEAD is wanted, two files, not {text[:80]!r}")
    sides = [read_predictions(_there(name), OPTION) for name in (base, head)]
    return Answers(model, pair(sides[0], sides[1], OPTION))


def with_answers(found: Comparison, given: Sequence[Answers], rules: Rules, from_base: bool) -> Comparison:
    """The comparison with a row for each, and its verdict over all of them.

    Args:
        found: What else was compared.
        given: Answers.
        rules: Whose limit of top1 counts, if there is one.
        from_base: Whether the head's weights are made of the base's.

    Raises:
        BadConfig: A model that was not compared.
    """
    if not given:
        return found
    models = [compared_model(one.model, found, OPTION) for one in given]
    limits = [rules.of(model).top1 or PREDICTIONS_LIMIT for model in models]
    told = zip(models, given, limits, strict=True)
    made = [of_predictions(model, one.paired, limit, from_base) for model, one, limit in told]
    return with_rows(found, [wanted(row, rules) for row in made], rules)


def with_rows(found: Comparison, made: Sequence[MetricVerdict], rules: Rules) -> Comparison:
    """The comparison with these rows of top1, in the place of those that were missed."""
    models = {row.model for row in made}
    kept = [
        row for row in found.rows if row.metric != "top1" or row.verdict != "not measured" or row.model not in models
    ]
    rows = (*kept, *made)
    verdict, words = overall(rows, rules)
    against = found.summary.rpartition(" (")[2]
    return found.model_copy(update={"rows": rows, "verdict": verdict, "summary": f"{words} ({against}"})


def wanted(row: MetricVerdict, rules: Rules) -> MetricVerdict:
    """A figure whose limit was named is not merely shown."""
    unjudged = row.verdict == "shown" and rules.of(row.model).top1 is not None
    return row.model_copy(update={"verdict": "not measured"}) if unjudged else row


def compared_model(named: str, found: Comparison, option: str) -> str:
    """The one of the comparison that is named, or the only one. Raises `BadConfig`."""
    known = list(dict.fromkeys(row.model for row in found.rows))
    if named in known:
        return named
    if not named and len(known) == 1:
        return known[0]
    words = f"there is no model {named[:80]!r}" if named else "of which model they are is not said"
    raise _bad(f"{words}; MODEL=BASE,HEAD with one of {', '.join(known)[:300]}", option)


def _there(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise NotFound(f"{OPTION}: there is no file {name[:200]}")
    return path


def _bad(words: str, option: str = OPTION) -> BadConfig:
    return BadConfig(f"{option}: {words}", (Problem(option, "validation", words),))
