"""A search in place of all cells: which sampler, how many trials, what is to be best, and over which ranges."""

from collections.abc import Mapping, Sequence
from typing import get_args

import streamlit as st
from pydantic import ValidationError

from dashboard.new.draft import in_words, range_texts
from dashboard.new.form import Filled
from dashboard.words import literal
from mgic.errors import BadConfig
from mgic.figures.columns import short_title, unit_of
from mgic.literals import parse_ranges
from mgic.records import (
    MAX_AT_ONCE,
    MAX_SWEEP_RUNS,
    ExperimentInfo,
    Goal,
    Sampler,
    Search,
    StopRule,
    numbers_of,
    stoppable_by,
)

# The least and the largest that each number takes, and what it is at first.
NUMBERS: dict[str, tuple[int, int, int | None]] = {
    "trials": (1, MAX_SWEEP_RUNS, 20),
    "search_seed": (0, 2**32 - 1, 0),
    "max_macs": (1, 2**53 - 1, None),  # a browser has no larger whole numbers
    "at_once": (1, MAX_AT_ONCE, None),
    "stop_first": (1, 1000, 1),
    "stop_startup": (1, 1000, 5),
    "stop_factor": (2, 100, 3),
}
STOP_NUMBERS = ("first", "startup", "factor")  # of `StopRule`; each rule reads its own
CHOICES: dict[str, tuple[str, ...]] = {
    "search": get_args(Sampler),
    "goal": get_args(Goal),
    "stop": get_args(StopRule.model_fields["rule"].annotation),
}
SEARCH = (*CHOICES, *NUMBERS, "metric", "range")  # in the address; the keys of the widgets too
SAMPLERS = {
    "random": "random",
    "qmc": "quasi-random (qmc)",
    "tpe": "Parzen estimator (tpe)",
    "nsga2": "two goals, with fewer MACs (nsga2)",
}
RULES = {"median": "behind the median", "halving": "successive halving"}


def fill_search(asked: Mapping[str, str]) -> str | None:
    """Put what an address says into the widgets, before they are drawn; returns what is wrong with it, in words."""
    faults = []
    for name, choices in CHOICES.items():
        told = asked.get(name)
        st.session_state[_key(name)] = told if told in choices else None
        if told not in (None, *choices):
            faults.append(f"{name}={told} is none of {', '.join(choices)}")
    for name, (low, high, initial) in NUMBERS.items():
        told = asked.get(name, "")
        good = told.isascii() and told.isdigit() and len(told) <= len(str(high)) and low <= int(told) <= high
        st.session_state[_key(name)] = int(told) if good else initial
        if told and not good:
            faults.append(f"{name}={told} is no whole number from {low} to {high}")
    st.session_state[_key("metric")] = asked.get("metric")
    st.session_state[_key("range")] = asked.get("range", "")
    return "; ".join(faults) or None


def address_of_search(search: Search) -> dict[str, str]:
    """What fills the form with it again."""
    told = {
        "search": search.sampler,
        "trials": search.trials,
        "metric": search.metric,
        "goal": search.goal,
        "search_seed": search.seed,
        "stop": search.stop.rule if search.stop else None,
        **({f"stop_{name}": getattr(search.stop, name) for name in STOP_NUMBERS} if search.stop else {}),
        "max_macs": search.max_macs,
        "at_once": search.at_once,
        "range": " ".join(range_texts(search)),
    }
    return {name: str(value) for name, value in told.items() if value not in ("", None)}


def search_form(info: ExperimentInfo, filled: Filled) -> Search | None:
    """Draw it, closed until there is a sampler; what cannot be read is refused in `filled`."""
    sampler = st.session_state.get(_key("search"))
    title = "Search in place of all cells" + (f" ({sampler})" if sampler else "")
    with (
        st.expander(title, icon=":material/travel_explore:", key="searching", expanded=sampler is not None),
        filled.place("search", st.container(gap=None)),
    ):
        first, *others = st.columns(4, vertical_alignment="bottom")
        about = "It chooses the runs, one after another, by how those before have ended: where the grid is too large."
        with first:
            _choice("search", "Sampler", CHOICES["search"], about, SAMPLERS, "no search: every cell is run")
        if sampler is None:
            return None
        with others[0]:
            _number("trials", "Trials", "Runs at most.")
        with others[1]:
            metric = _metric(info)
        if metric and numbers_of(info.result_schema)[metric].get("goal") is None:
            with others[2]:
                _choice("goal", "Goal", CHOICES["goal"], "Which end of the metric is the good one.", {}, "min or max")
        else:
            st.session_state[_key("goal")] = None
        _limits(info)
    return _search(filled)


def search_address() -> dict[str, str]:
    """What the address has to say of it."""
    values = values_of_search()
    if values["search"] is None:
        return {}
    initial = {name: at_first for name, (_, _, at_first) in NUMBERS.items()}
    return {name: str(value).strip() for name, value in values.items() if value not in ("", None, initial.get(name))}


def _limits(info: ExperimentInfo) -> None:
    """Where it looks, and what it leaves out."""
    first, second, third, fourth = st.columns(4, vertical_alignment="bottom")
    about = "In place of values above: FIELD=MIN:MAX, and :log or :STEP behind it. Several stand apart by a space."
    with first:
        st.text_input(
            "Ranges",
            key=_key("range"),
            help=literal(about),
            placeholder="learning_rate=0.001:1:log",
            persist_state="session",
        )
    with second:
        if stoppable_by(info.result_schema):
            about = "Trainings that are behind the others end early, and count nowhere as trained networks."
            _choice("stop", "End early", CHOICES["stop"], about, RULES, "none")
        else:
            st.session_state[_key("stop")] = None
    with third:
        _number("max_macs", "MACs at most", "Cells with more multiply-accumulates are not run.")
    with fourth:
        _number("search_seed", "Seed of the search", "What is drawn derives from it.")
    with first:
        _number(
            "at_once", "At the same time", "Trials that run or wait; empty: one for each slot of the workers online."
        )
    stop = st.session_state.get(_key("stop"))
    with second:
        if stop:
            _number("stop_first", "End at the earliest after", "Epochs.")
    with third:
        if stop == "median":
            _number("stop_startup", "Trained to the end first", "Trainings, before the median ends one.")
        elif stop == "halving":
            _number("stop_factor", "Factor of the halving", "After each stage the best 1 of so many goes on.")


def _metric(info: ExperimentInfo) -> str | None:
    known = numbers_of(info.result_schema)
    if st.session_state.get(_key("metric")) not in known:
        st.session_state[_key("metric")] = None
    units = {name: unit_of(info, name) for name in known}
    titles = {name: short_title(info, name) + (f" ({unit})" if unit else "") for name, unit in units.items()}
    about = "The number of the result that is to be best. Choose by samples that were held out, not by the test set."
    return _choice("metric", "Metric", list(known), about, titles, "choose one")


def _choice(
    name: str, label: str, options: Sequence[str], about: str, titles: Mapping[str, str], hint: str
) -> str | None:
    return st.selectbox(
        label,
        options,
        index=None,
        key=_key(name),
        help=about,
        format_func=lambda one: titles.get(one, one),
        placeholder=hint,
        persist_state="session",
    )


def _number(name: str, label: str, about: str) -> None:
    low, high, _ = NUMBERS[name]
    st.number_input(
        label, low, high, value=None, step=1, key=_key(name), help=about, placeholder="any", persist_state="session"
    )


def _search(filled: Filled) -> Search | None:
    values = values_of_search()
    given = {name: values[name] for name in ("trials", "metric", "goal", "max_macs") if values[name] is not None}
    given |= {"seed": values["search_seed"]} if values["search_seed"] else {}
    given |= {"at_once": values["at_once"]} if values["at_once"] else {}
    if values["stop"]:
        numbers = {name: values[f"stop_{name}"] for name in STOP_NUMBERS}
        given["stop"] = {"rule": values["stop"], **{name: one for name, one in numbers.items() if one is not None}}
    if missing := [name for name in ("trials", "metric") if name not in given]:
        filled.refuse("search", f"A search needs its {' and its '.join(missing)}.")
        return None
    try:
        space = parse_ranges(str(values["range"] or "").split())
        return Search.model_validate({"sampler": values["search"], **given} | ({"space": space} if space else {}))
    except BadConfig as error:
        filled.refuse("search", f"Ranges: {error}")
    except ValidationError as error:
        filled.refuse("search", in_words(error))
    return None


def values_of_search() -> dict[str, object]:
    """What its widgets hold."""
    return {name: st.session_state.get(_key(name)) for name in SEARCH}


def _key(name: str) -> str:
    return f"search {name}"
