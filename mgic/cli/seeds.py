"""`mgic gate --seeds`: rows of top1 by runs of base and head under several seeds."""

from collections.abc import Sequence
from typing import NamedTuple

from mgic.cli.answers import compared_model, with_rows
from mgic.cli.baselines import trainings
from mgic.cli.loading import core
from mgic.client import Client
from mgic.errors import BadConfig, Problem, UnknownName
from mgic.gate import Rules, Training, of_run
from mgic.gate.limits import limit_of
from mgic.gate.seeds import of_runs
from mgic.records import Comparison

OPTION = "--seeds"
MOST_KNOWN = 200  # runs that are looked through for those of other seeds


class Trained(NamedTuple):
    """Runs of base and head, of one model; its name is empty where it was not said."""

    model: str
    base: list[Training]
    head: list[Training]
    known: list[Training]  # of the service, where a side has one run only


def read_seeds(given: Sequence[str], client: Client) -> list[Trained]:
    """The runs, before anything is measured.

    Args:
        given: Each BASE,HEAD or MODEL=BASE,HEAD; a side is one or several files or ids of runs, joined by `+`.
        client: Knows the runs of the service.

    Raises:
        BadConfig: Not two sides, a file that `mgic run` has not written, or no id.
    """
    return [_read(text, client) for text in given]


def _read(text: str, client: Client) -> Trained:
    model, _, sides = text.rpartition("=")
    base, comma, head = sides.partition(",")
    if not comma or not base or not head:
        words = f"BASE,HEAD or MODEL=BASE,HEAD is wanted, runs of both, not {text[:80]!r}"
        raise BadConfig(f"{OPTION}: {words}", (Problem(OPTION, "validation", words),))
    before, after = (
        [run for one in side.split("+") for run in trainings(one, OPTION, client)] for side in (base, head)
    )
    return Trained(model, before, after, _known(before[0], client) if 1 in (len(before), len(after)) else [])


def _known(run: Training, client: Client) -> list[Training]:
    """The latest of its model and experiment that the service has, if it is one of the service."""
    if run.id is None:
        return []
    asked = {"experiment": run.experiment, "model": str(run.config.get("model")), "status": "succeeded"}
    return [of_run(one, OPTION) for one in client.runs(limit=MOST_KNOWN, **asked).items]


def with_seeds(found: Comparison, given: Sequence[Trained], rules: Rules) -> Comparison:
    """The comparison with a row for each, and its verdict over all of them.

    Raises:
        BadConfig, Conflict: As `of_runs`, or a model that was not compared.
    """
    commits = (
        found.base_side.commit if found.base_side else None,
        found.head_side.commit if found.head_side else None,
    )
    made = []
    for one in given:
        model = compared_model(one.model, found, OPTION)
        limit = limit_of(rules.of(model), "top1")
        made.append(of_runs(model, (one.base, one.head), commits, _options(model), limit, one.known))
    return with_rows(found, made, rules) if made else found


def _options(model: str) -> frozenset[str]:
    """That the model has here; none where it is not known here."""
    try:
        return frozenset(core().describe.model(model.partition("(")[0]).options["properties"])
    except UnknownName:
        return frozenset()
