"""Which columns the list of runs has, and what stands in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dashboard.runs.asked import name_of_field
from dashboard.tables.frames import cell, link, note, typed
from mgic.figures.choice import CAUTION, GUESSING
from mgic.figures.columns import goal_of, headlines, with_unit
from mgic.figures.samples import SEED, differing, is_number
from mgic.figures.words import status
from mgic.records import DEMO_TAG, ExperimentInfo, Run

FACTS = ("status", "sweep", "experiment", "seconds", "age", "tags", "notes", "attempt", "note")
COSTS = ("params", "macs", "latency_ms")  # shown of every run that has them
FIRST_VARIED = ("group_size", "coarsest_size")
MOST_VARIED = 5  # fields that differ, in the columns that are chosen by themselves
MOST_RESULTS = 4


def own_columns(runs: Sequence[Run], infos: Mapping[str, ExperimentInfo], chosen: str) -> list[str]:
    """Those of a reader who has chosen none: what the experiments call a headline, costs, and the fields that differ.

    Args:
        runs: Of this page.
        infos: By the names of their experiments.
        chosen: The experiment that all are of; empty: any.
    """
    names = dict.fromkeys(run.experiment for run in runs)
    each = MOST_RESULTS if len(names) == 1 else 1  # of several experiments what each is about
    heads = [list(headlines(info) or _first_good(info))[:each] for info in map(infos.get, names) if info]
    results = [*(name for found in heads for name in found), *COSTS]
    measured = [
        name for name in dict.fromkeys(results) if any((run.result or {}).get(name) is not None for run in runs)
    ]
    inputs = {name for run in runs for name in run.made_from} | {"model"}
    configs = [[run.config for run in runs if run.experiment == name] for name in names]
    differ = dict.fromkeys(name for of in configs for name in differing(of) if name not in inputs)
    varied = sorted(differ, key=lambda name: name not in FIRST_VARIED)[:MOST_VARIED]
    fields = [name for name in ("model", *varied, SEED) if any(name in run.config for run in runs)]
    demo = any(DEMO_TAG in (*run.tags, *run.sweep_tags) for run in runs)  # which is said in sight
    return [
        "status",
        *(["tags"] if demo else []),
        *([] if chosen else ["experiment"]),
        *(f"config.{name}" for name in dict.fromkeys(fields) if name == "model"),
        *(f"result.{name}" for name in measured),
        *(f"config.{name}" for name in dict.fromkeys(fields) if name != "model"),
        *("seconds", "age", "sweep"),
        *([] if demo else ["tags"]),
        *(["note"] if any(note(run) for run in runs) else []),
    ]


def possible_columns(configs: Sequence[str], results: Sequence[str]) -> dict[str, str]:
    """All that may be chosen, with the titles under which they are."""
    results = [name for name in results if name not in (GUESSING, CAUTION, "seconds")]
    words = [*FACTS, *(f"result.{name}" for name in results), *(f"config.{name}" for name in configs)]
    names = [name_of_field(word) for word in words]
    return {word: word if names.count(name) > 1 else name for word, name in zip(words, names, strict=True)}


def frame(runs: Sequence[Run], columns: Sequence[str], infos: Mapping[str, ExperimentInfo], sort: str) -> pd.DataFrame:
    """A row a run; the column that they are sorted by has an arrow."""
    titles = column_titles(runs, columns, infos, sort)
    rows = [
        {"open": link("run", str(run.id))} | {title: _value(run, word) for title, word in titles.items()}
        for run in runs
    ]
    return typed(pd.DataFrame(rows, columns=["open", *titles]))


def column_titles(
    runs: Sequence[Run], columns: Sequence[str], infos: Mapping[str, ExperimentInfo], sort: str
) -> dict[str, str]:
    """By title, the word of each column."""
    found: dict[str, str] = {}
    for word in columns:
        of = [info for info in map(infos.get, dict.fromkeys(run.experiment for run in runs)) if info]
        name = name_of_field(word)
        units = [with_unit(info, name) for info in of] if "." in word else [name]
        title = next((unit for unit in units if unit != name), name)
        title = f"{title} [{word.partition('.')[0]}]" if title in found else title
        arrow = {word: " ↑", f"-{word}": " ↓"}.get(sort.replace("created_at", "age"), "")
        found[title + arrow] = word
    return found


def order_of(word: str, sort: str, infos: Mapping[str, ExperimentInfo]) -> str | None:
    """The order that a click on a column's title asks for: the good end first, then the other one.

    None where the service does not sort by it.
    """
    field = "created_at" if word == "age" else word
    if field not in ("created_at", "seconds") and "." not in field:
        return None
    if sort.removeprefix("-") == field:
        return field if sort.startswith("-") else f"-{field}"
    goals = {goal_of(info, name_of_field(word)) for info in infos.values()}
    return field if "min" in goals and "max" not in goals else f"-{field}"


def _first_good(info: ExperimentInfo) -> list[str]:
    """The first result of which an end is the good one."""
    costs = (*COSTS, "transfer_params", "transfer_macs")
    return [name for name in _result_fields(info) if goal_of(info, name) and name not in costs][:1]


def _result_fields(info: ExperimentInfo) -> Sequence[str]:
    return list(info.result_schema.get("properties", {}))


def _value(run: Run, word: str) -> Any:
    kind, _, name = word.partition(".")
    if kind == "result":
        one = (run.result or {}).get(name)
        return cell(one) if one is None or is_number(one) or isinstance(one, str | bool | list) else str(one)
    if kind == "config":
        return cell(run.config.get(name))
    facts = {
        "status": status(run.status),
        "sweep": run.sweep_name,
        "experiment": run.experiment,
        "seconds": run.seconds,
        "age": run.created_at,
        "tags": ", ".join(dict.fromkeys([*run.tags, *run.sweep_tags])),
        "notes": run.notes,
        "attempt": run.attempt,
        "note": note(run),
    }
    return facts[word]
