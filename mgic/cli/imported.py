"""`mgic gate --metric`: rows of top1 that was measured elsewhere."""

from collections.abc import Sequence
from pathlib import Path

from mgic.cli.answers import compared_model, wanted, with_rows
from mgic.cli.files import read_json
from mgic.errors import NotFound
from mgic.gate import Rules
from mgic.gate.imported import Imported, of_imported, parse_imported, read_imported
from mgic.gate.limits import limit_of
from mgic.records import Comparison

OPTION = "--metric"


def read_metrics(given: Sequence[str]) -> list[Imported]:
    """Before anything is measured.

    Args:
        given: Each `[MODEL=]top1=[BASE,]HEAD[:n=SAMPLES]`, or a file of several that ends in .json.

    Raises:
        BadConfig: It is neither.
        NotFound: There is no such file.
    """
    return [one for text in given for one in _read(text)]


def _read(text: str) -> list[Imported]:
    if not text.endswith(".json"):
        return [parse_imported(text, OPTION)]
    if not Path(text).is_file():
        raise NotFound(f"{OPTION}: there is no file {text[:200]}")
    return read_imported(read_json(OPTION, Path(text)), OPTION)


def with_metrics(found: Comparison, given: Sequence[Imported], rules: Rules) -> Comparison:
    """The comparison with a row for each, and its verdict over all of them. Raises `BadConfig`."""
    if not given:
        return found
    known = {row.model: row.base for row in found.rows if row.metric == "top1"}
    made = []
    for one in given:
        model = compared_model(one.model, found, OPTION)
        row = of_imported(model, one, known.get(model), limit_of(rules.of(model), "top1"))
        made.append(wanted(row, rules))
    return with_rows(found, made, rules)
