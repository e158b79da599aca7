"""Does a network lose accuracy? By the answers of two versions of it to the same test samples, without a training.

Files, by their ending:

- `.npz`: arrays `id`, `label`, and `prediction` or `logits`, one row a sample; what `evaluate` leaves.
- `.csv`: columns of these names, in the first line.
- `.jsonl`: an object of these names in each line.

An id, a label and a prediction are whole numbers or names; logits a list of numbers, of which the first largest one
stands for the class of its place, from 0.
"""

import csv
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from zipfile import BadZipFile

import numpy as np

from mgic.errors import BadConfig, Problem

MAX_SAMPLES = 2_000_000
COLUMNS = ("id", "label", "prediction", "logits")
SHOWN = 3  # ids in an error, at most


@dataclass(frozen=True)
class Predictions:
    """The answers of one network.

    Args:
        name: Of the file.
        labels: By id, in the order of the file, the class that a sample is of.
        answers: By id, the class that it was taken for.
        dataset_hash: Of the data set; empty where the file does not say.
        weights_hash: Of the file of the weights; empty where the file does not say.
    """

    name: str
    labels: Mapping[str, str]
    answers: Mapping[str, str]
    dataset_hash: str = ""
    weights_hash: str = ""

    @property
    def right(self) -> int:
        return sum(answer == self.labels[id_] for id_, answer in self.answers.items())


@dataclass(frozen=True)
class Paired:
    """Two networks on the same samples.

    Args:
        n: Samples.
        base_right, head_right: Of them, those that each is right on.
        lost, gained: Those on which the base alone is right, and the head alone.
        same: Those that both take for the same class, be it right or not.
        same_weights: Whether both files say that they are of one file of weights.
    """

    n: int
    base_right: int
    head_right: int
    lost: int
    gained: int
    same: int
    same_weights: bool


def read_predictions(path: Path, field: str) -> Predictions:
    """Read a file.

    Args:
        path: It is there.
        field: How errors call it.

    Raises:
        BadConfig: It is none of the three, is damaged, lacks a column, or has an id twice or a value of no sense.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _from_arrays(path, field)
    if suffix not in (".csv", ".jsonl"):
        _refuse(field, "", f"{path.name} ends in {suffix or 'nothing'}; .npz, .csv or .jsonl is wanted")
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines) if suffix == ".csv" else _objects(path.name, lines, field)
            return _from_rows(path.name, rows, field)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        _refuse(field, "", f"{path.name} is no {suffix[1:]} file: {str(error)[:200]}")


def pair(base: Predictions, head: Predictions, field: str) -> Paired:
    """Sample by sample, whatever the order in either file.

    Raises:
        BadConfig: They are not of the same samples: another number, other ids, labels or data.
    """
    if base.dataset_hash and head.dataset_hash and base.dataset_hash != head.dataset_hash:
        _refuse(
            field, "dataset_hash", f"{base.name} is of data {base.dataset_hash}, {head.name} of {head.dataset_hash}"
        )
    if len(base.labels) != len(head.labels):
        _refuse(field, "id", f"{base.name} has {len(base.labels)} samples, {head.name} {len(head.labels)}")
    _same(field, "id", "there is none in " + head.name, [id_ for id_ in base.labels if id_ not in head.labels])
    others = [id_ for id_, label in base.labels.items() if head.labels[id_] != label]
    _same(field, "label", f"{base.name} and {head.name} have another label each", others)
    ids = list(base.labels)
    before, after = ([side.answers[id_] == base.labels[id_] for id_ in ids] for side in (base, head))
    return Paired(
        n=len(ids),
        base_right=sum(before),
        head_right=sum(after),
        lost=sum(was and not now for was, now in zip(before, after, strict=True)),
        gained=sum(now and not was for was, now in zip(before, after, strict=True)),
        same=sum(base.answers[id_] == head.answers[id_] for id_ in ids),
        same_weights=bool(base.weights_hash) and base.weights_hash == head.weights_hash,
    )


def _from_arrays(path: Path, field: str) -> Predictions:
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in (*COLUMNS, "dataset_hash", "weights_hash") if name in kept.files}
    except OSError as error:
        _refuse(field, "", f"{path.name} cannot be read: {error.strerror}")
    except (ValueError, BadZipFile, EOFError, zlib.error):
        _refuse(field, "", f"{path.name} is damaged, or no npz file of plain arrays: whole numbers, names, or logits")
    for name in ("id", "label"):
        if name not in arrays:
            _refuse(field, name, f"{path.name} has no {name}")
    if "prediction" not in arrays:
        arrays["prediction"] = _from_logits(path.name, arrays.get("logits"), field)
    columns = [_names(path.name, column, arrays[column], field) for column in ("id", "label", "prediction")]
    if len({len(column) for column in columns}) > 1:
        _refuse(
            field, "id", f"{path.name} has {', '.join(str(len(column)) for column in columns)} ids, labels, answers"
        )
    hashes = {name: str(arrays[name]) for name in ("dataset_hash", "weights_hash") if name in arrays}
    return _checked(path.name, zip(*columns, strict=True), field, **hashes)


def _from_logits(name: str, logits: Any, field: str) -> Any:
    if logits is None:
        _refuse(field, "prediction", f"{name} has neither prediction nor logits")
    if logits.ndim != 2 or not logits.shape[1] or not np.issubdtype(logits.dtype, np.floating):
        _refuse(field, "logits", f"{name} has logits of shape {logits.shape}; (samples, classes) of numbers is wanted")
    if np.isnan(logits).any():
        _refuse(field, "logits", f"{name} has logits that are no numbers")
    return logits.argmax(axis=1)


def _names(name: str, column: str, values: Any, field: str) -> Sequence[str]:
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        _refuse(
            field, column, f"{name}: {column} is of shape {values.shape} and {values.dtype}; whole numbers or names"
        )
    found: list[str] = values.astype(str).tolist()
    return found


def _objects(name: str, lines: Iterable[str], field: str) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield json.loads(line)
        except json.JSONDecodeError as error:
            _refuse(field, "", f"{name} is no jsonl file: line {number}, column {error.colno}: {error.msg}")


def _from_rows(name: str, rows: Iterable[Any], field: str) -> Predictions:
    return _checked(name, (_row(name, number, row, field) for number, row in enumerate(rows, 1)), field)


def _row(name: str, number: int, row: Any, field: str) -> tuple[str, str, str]:
    """Id, label and answer."""
    where = f"{name}, sample {number}"
    if not isinstance(row, dict):
        _refuse(field, "", f"{where}: an object with {', '.join(COLUMNS)} is wanted")
    label, id_ = (_scalar(where, column, row.get(column), field) for column in ("label", "id"))
    if row.get("prediction") not in (None, ""):
        return id_, label, _scalar(where, "prediction", row["prediction"], field)
    return id_, label, str(_largest(where, row.get("logits"), field))


def _scalar(where: str, column: str, value: Any, field: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        _refuse(field, column, f"{where}: a whole number or a name is wanted, not {str(value)[:40]!r}")
    return str(value)


def _largest(where: str, logits: Any, field: str) -> int:
    if logits in (None, ""):
        _refuse(field, "prediction", f"{where} has neither prediction nor logits")
    values = json.loads(logits) if isinstance(logits, str) else logits
    numbers = isinstance(values, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value) for value in values
    )
    if not numbers or not values:
        _refuse(field, "logits", f"{where}: a list of numbers is wanted, not {str(logits)[:40]!r}")
    return int(np.argmax(values))


def _checked(name: str, rows: Iterable[tuple[str, str, str]], field: str, **hashes: str) -> Predictions:
    labels, answers = dict[str, str](), dict[str, str]()
    for id_, label, answer in rows:
        if id_ in labels:
            _refuse(field, "id", f"{name} has {id_[:40]!r} twice")
        if len(labels) == MAX_SAMPLES:
            _refuse(field, "id", f"{name} has more than {MAX_SAMPLES} samples")
        labels[id_], answers[id_] = label, answer
    if not labels:
        _refuse(field, "id", f"{name} has no sample")
    return Predictions(name, labels, answers, **hashes)


def _same(field: str, column: str, words: str, ids: Sequence[str]) -> None:
    if ids:
        shown = ", ".join(repr(id_[:40]) for id_ in ids[:SHOWN])
        _refuse(field, column, f"of {len(ids)} samples, such as {shown}, {words}")


def _refuse(field: str, column: str, words: str) -> NoReturn:
    said = f"{column}: {words}" if column else words
    raise BadConfig(f"{field}: {said}", (Problem(field, column or "predictions", said),))
