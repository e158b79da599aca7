"""`mgic gate --predictions` and `--weights`: rows of top1 by the answers of base and head to the same samples."""

import glob
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import UUID

from mgic.client import Client
from mgic.errors import BadConfig, NotFound, NotMeasured, Problem
from mgic.gate import Rules, joined
from mgic.gate.accuracy import PREDICTIONS_LIMIT, of_predictions
from mgic.gate.comparison import overall
from mgic.gate.predictions import Paired, pair, read_predictions
from mgic.measure.blocks import Code
from mgic.records import Comparison, Limits, MetricVerdict
from mgic.sides.evaluating import ANSWERS, Weighed, answers

OPTION = "--predictions"
WEIGHTS = "--weights"
SUFFIX = ".safetensors"
TRAINED = "model.safetensors"  # what a training leaves


class Answers(NamedTuple):
    """Of one model; its name is empty where it was not said."""

    model: str
    paired: Paired | str  # what kept them from being had


def read_answers(given: Sequence[str], client: Client, folder: Path) -> list[Answers]:
    """The answers of both sides, before anything is measured.

    Args:
        given: Each BASE,HEAD or MODEL=BASE,HEAD; a side is a file, or the id of a run of `evaluate`.
        client: Knows the runs of the service.
        folder: Where their files are put.

    Raises:
        BadConfig: Not two sides, or files that are none or do not belong together.
        NotFound: A file that is not there.
    """
    return [_read(text, client, folder) for text in given]


def _read(text: str, client: Client, folder: Path) -> Answers:
    model, _, sides = text.rpartition("=")
    base, comma, head = sides.partition(",")
    if not comma or not base or not head:
        raise _bad(f"BASE,HEAD or MODEL=BASE,HEAD is wanted, two files or runs, not {text[:80]!r}")
    files = [_of_run(one, ANSWERS, client, folder) or _there(one) for one in (base, head)]
    both = [read_predictions(file, OPTION) for file in files]
    return Answers(model, pair(both[0], both[1], OPTION))


def read_weights(
    given: Sequence[str], dataset: str | None, data_dir: Path, client: Client, folder: Path
) -> list[Weighed]:
    """What is evaluated with both versions.

    Args:
        given: Each FILE or MODEL=FILE, or the id of a trained run in the place of a file.
        dataset: What all of them are tested on.
        data_dir: Where data sets lie.
        client: Knows the runs of the service.
        folder: Where their weights are put.

    Raises:
        BadConfig: One of the two without the other, or a file that is no safetensors file.
    """
    if bool(given) != (dataset is not None):
        raise _bad("weights are tested on a data set: name both", "--dataset" if given else WEIGHTS)
    asked = []
    for text in given:
        model, _, file = text.rpartition("=")
        kept = _of_run(file, TRAINED, client, folder)
        if kept is None and not file.endswith(SUFFIX):
            words = f"FILE or MODEL=FILE is wanted, a file that ends in {SUFFIX} or the id of a run, not {text[:80]!r}"
            raise _bad(words, WEIGHTS)
        asked.append(Weighed(model, file if kept is None else str(kept.resolve()), str(dataset), data_dir))
    return asked


def _of_run(text: str, artifact: str, client: Client, folder: Path) -> Path | None:
    """What a run of the service left, as a file here; None where the text is no id of one."""
    try:
        run = UUID(text)
    except ValueError:
        return None
    path = folder / f"{run}{Path(artifact).suffix}"
    path.write_bytes(client.artifact(run, artifact))
    return path


def evaluated(asked: Weighed, found: Comparison, sides: tuple[Code, Code]) -> Answers:
    """What both versions answer with their weights.

    Args:
        asked: See there.
        found: What was compared.
        sides: Base and head.

    Raises:
        BadConfig: A model that was not compared.
    """
    model = compared_model(asked.model, found, WEIGHTS)
    with TemporaryDirectory(prefix="mgic-answers-") as folder:
        try:
            base = answers("base", sides[0], model, asked, Path(folder) / "base", WEIGHTS)
            head = answers("head", sides[1], model, asked, Path(folder) / "head", WEIGHTS)
            return Answers(model, pair(base, head, WEIGHTS))
        except (NotMeasured, BadConfig) as error:
            return Answers(model, str(error))


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
    made = [_row(model, one.paired, limit, from_base) for model, one, limit in told]
    return with_rows(found, [wanted(row, rules) for row in made], rules)


def _row(model: str, paired: Paired | str, limit: str, from_base: bool) -> MetricVerdict:
    if isinstance(paired, Paired):
        return of_predictions(model, paired, limit, from_base)
    return MetricVerdict(
        model=model, base_model=model, metric="top1", limit=limit, verdict="not measured", note=paired[:1000]
    )


def with_rows(found: Comparison, made: Sequence[MetricVerdict], rules: Rules) -> Comparison:
    """The comparison with these rows of top1, in the place of those that were missed.

    They were asked for: one that is not measured decides as if its limit had been named.
    """
    models = {row.model for row in made}
    kept = [
        row for row in found.rows if row.metric != "top1" or row.verdict != "not measured" or row.model not in models
    ]
    rows = (*kept, *made)
    named = {glob.escape(row.model): Limits(top1=row.limit) for row in made if row.verdict == "not measured"}
    verdict, words = overall(rows, joined(rules, Rules(named=named)))
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
