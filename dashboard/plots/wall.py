"""Pictures that runs left, as a wall: rows are samples, columns are configs, a click opens the full picture."""

import contextlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from dashboard.connection import BY_READER
from dashboard.pages import prose
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.figures.samples import SEED, differing, is_number, label
from mgic.figures.words import value
from mgic.records import Artifact, Run, View

PICTURES = ("image/png", "image/jpeg")
COLUMNS = 12  # beside each other; of more the reader chooses
ROWS = 8  # the first samples; the same ones of every run
PAGE, GAP = 800, 16  # pixels that a page is wide at least on a desk, and between two tiles
WIDEST, NARROWEST = 480, 150  # pixels of a tile


@dataclass(frozen=True)
class Column:
    """One config, and the run that stands for it."""

    label: str
    run: Run


def columns_of(view: View, runs: Iterable[Run]) -> list[Column]:
    """A column a config that ended well, by `x` and then by what else differs; the smallest seed that all have."""
    by_config: dict[str, dict[str, Run]] = {}
    for run in runs:
        if run.whole and view.x in run.config:
            config = {name: one for name, one in run.config.items() if name != SEED}
            by_config.setdefault(json.dumps(config, sort_keys=True), {})[json.dumps(run.config.get(SEED))] = run
    common = set.intersection(*(set(by_seed) for by_seed in by_config.values())) if by_config else set()
    chosen = [
        by_seed[min((seed for seed in by_seed if not common or seed in common), key=_natural)]
        for by_seed in by_config.values()
    ]
    rest = tuple(name for name in differing([run.config for run in chosen]) if name != view.x)
    chosen.sort(key=lambda run: [_rank(run.config.get(name)) for name in (view.x, *rest)])
    return [Column(label(run.config, (view.x, *rest)), run) for run in chosen]


def rows_of(pattern: str, names: Mapping[UUID, Sequence[str]]) -> dict[str, dict[UUID, str]]:
    """The artifacts that the pattern names, by sample and run; the sample is what stands for the `*`, or empty."""
    wanted = re.compile(re.escape(pattern).replace(r"\*", "(.+)"))
    found: dict[str, dict[UUID, str]] = {}
    for run, given in names.items():
        for name in given:
            if match := wanted.fullmatch(name):
                found.setdefault("".join(match.groups()), {})[run] = name
    return {sample: found[sample] for sample in sorted(found, key=_natural)}


def show_wall(api: Client, view: View, runs: Sequence[Run]) -> None:
    """All of them, or as many as can be looked at, with what was left out."""
    columns = columns_of(view, runs)
    if len(columns) > COLUMNS:
        labels = [column.label for column in columns]
        kept = st.multiselect(
            f"{view.title}: configs beside each other",
            labels,
            default=labels[:COLUMNS],
            max_selections=COLUMNS,
            key=f"configs {view.title}",
        )
        columns = [column for column in columns if column.label in kept]
    names = {column.run.id: [one.name for one in pictures_of(api, column.run)] for column in columns}
    rows = rows_of(view.y, names)
    st.markdown(f"**{literal(view.title)}**")
    if not rows:
        prose(f"None of these runs left {view.y}.")
        return
    shown = dict(list(rows.items())[:ROWS])
    alone = len(columns) == 1  # its samples stand beside each other then
    width = max(NARROWEST, min(WIDEST, (PAGE + GAP) // (len(shown) if alone else len(columns)) - GAP))
    with st.container(horizontal=True, wrap=False):
        for column in columns:
            run = column.run.id
            with contextlib.nullcontext() if alone else st.container(width=width, gap="small"):
                if not alone:
                    st.markdown(f"{literal(column.label)}  \n[run {str(run)[:8]}](run?run={run})")
                for sample, files in shown.items():
                    _show_tile(api, view, sample, column, files.get(run), width)
    prose(_note(columns, len(rows)))


def show_picture(api: Client, run: UUID, name: str, caption: str | None, alt: str, width: int) -> None:
    """A small copy, which leads to the whole picture; the caption is Markdown."""
    try:
        small = thumbnail(api, run, name, min(1024, 2 * width))
    except (ApiError, Unreachable):
        prose(f"{name} cannot be shown just now.")
        return
    st.image(small, caption=caption, width=width, alt=alt, link=picture_link(run, name))


def picture_link(run: UUID, name: str) -> str:
    """Address of the page of one picture, relative to any page of this app."""
    return f"picture?{urlencode({'run': str(run), 'file': name})}"


@st.cache_data(ttl=3600, max_entries=200, show_spinner=False, hash_funcs=BY_READER)
def thumbnail(api: Client, run: UUID, name: str, pixels: int) -> bytes:
    """Raises `ApiError` and `Unreachable`, which are not kept."""
    return api.artifact(run, name, thumbnail=pixels)


def pictures_of(api: Client, run: Run) -> list[Artifact]:
    """Of a run that has ended."""
    return [one for one in _artifacts(api, run.id) if one.media_type in PICTURES]


@st.cache_data(ttl=3600, max_entries=600, show_spinner=False, hash_funcs=BY_READER)
def _artifacts(api: Client, run: UUID) -> list[Artifact]:
    return api.artifacts(run)


def _show_tile(api: Client, view: View, sample: str, column: Column, name: str | None, width: int) -> None:
    if name is None:
        prose(f"{sample}: no picture")
        return
    alt = ", ".join(filter(None, [view.title, sample, column.label]))
    show_picture(api, column.run.id, name, literal(sample) or None, alt, width)


def _note(columns: Sequence[Column], samples: int) -> str:
    seeds = list(dict.fromkeys(value(column.run.config[SEED]) for column in columns if SEED in column.run.config))
    parts = ["A click opens the whole picture."]
    if seeds:
        parts.append(f"Seed {seeds[0]}." if len(seeds) == 1 else f"Seeds {', '.join(seeds)}: no seed has all configs.")
    if samples > ROWS:
        parts.append(f"The first {ROWS} of {samples} samples, the same for every run.")
    return " ".join(parts)


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Numbers inside a text by their size."""
    parts = re.split(r"(\d+)", text)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _rank(one: object) -> tuple[int, float, str]:
    return (0, float(one), "") if is_number(one) else (1, 0.0, value(one))
