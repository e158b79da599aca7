"""The sections of the page of reconstructions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isinf

import numpy as np
import pandas as pd
import streamlit as st

from dashboard.pages import prose, show_table
from dashboard.plots.shown import show_plot
from dashboard.theme import look, show
from dashboard.words import literal
from mgic.client import Client
from mgic.figures.pictures import (
    ERRORS,
    MAPS,
    SHARE,
    Crop,
    Gallery,
    draw_bar,
    draw_errors,
    draw_matrix,
    enlarged,
    error_limit,
    psnr,
    read_gallery,
    tile,
    window,
)
from mgic.figures.plot import Plot, name_of
from mgic.figures.words import assignments, number
from mgic.records import Run

FILE = "gallery.npz"
WIDTH = 120  # pixels of a tile: six beside each other, two on a phone
SIZES = ("group_size", "coarsest_size")
INPUTS = ("features", "layer", "images", "samples", "seed")


@dataclass(frozen=True)
class Shown:
    """A run and its pictures; `letter` is what it is called on the page."""

    letter: str
    run: Run
    gallery: Gallery

    @property
    def name(self) -> str:
        return f"{self.letter}: group size {self.run.config['group_size']}"


@dataclass(frozen=True)
class Place:
    """A sample and a channel, by their places in a gallery."""

    sample: int
    channel: int


@st.cache_data(ttl=3600, max_entries=48, show_spinner=False, hash_funcs={Client: lambda api: api.url})
def _gallery(api: Client, run_id: str) -> Gallery:
    return read_gallery(api.artifact(run_id, FILE))


def gallery_of(api: Client, run: Run) -> Gallery:
    """Fetched once an hour. Raises `ApiError` where the run has none, and `ValueError` for another file so called."""
    return _gallery(api, str(run.reused_from or run.id))


def title_of(run: Run) -> str:
    """What sets a run apart in a list; what is cut off where it is narrow comes last."""
    return f"{assignments(run.config, SIZES)} · {str(run.id)[:8]} · {assignments(run.config, INPUTS)}"


def like(run: Run, others: Sequence[Run]) -> list[Run]:
    """Those that differ from it in the group size only, the largest first."""
    found = [one for one in others if {**one.config, "group_size": run.config["group_size"]} == run.config]
    return sorted(found, key=lambda one: -int(str(one.config["group_size"])))


def show_side_by_side(runs: Sequence[Shown], places: Sequence[Place], crop: Crop, limit: float) -> None:
    """A row of tiles for each place: input, map, what came back of it by each run, the errors."""
    first = runs[0].gallery
    for at in places:
        map_ = first.maps[at.sample, at.channel]
        low, high = window(map_)
        st.markdown(f"**{literal(first.names[at.sample])}**, channel {first.channels[at.channel]}")
        with st.container(horizontal=True):
            _tile(enlarged(crop.of(first.inputs[at.sample])), "input")
            words = f"feature map  \nfrom {number(low, 3)} to {number(high, 3)}"
            _tile(tile(crop.of(map_), low, high, MAPS), words)
            for one in runs:
                back = crop.of(one.gallery.reconstructions[at.sample, at.channel])
                _tile(tile(back, low, high, MAPS), f"{one.name}  \n{_quality(one.gallery, at, high - low)}")
            for one in runs:
                error = crop.of(one.gallery.error(at.sample, at.channel))
                _tile(tile(error, 0, limit, ERRORS), f"absolute error of {one.letter}")


def show_group_sizes(members: Sequence[tuple[Run, Gallery]], at: Place, crop: Crop, limit: float) -> None:
    """What each group size of a sweep gives back of one map, and its errors below."""
    first = members[0][1]
    low, high = window(first.maps[at.sample, at.channel])
    with st.container(horizontal=True):
        _tile(tile(crop.of(first.maps[at.sample, at.channel]), low, high, MAPS), "feature map")
        for run, gallery in members:
            back = crop.of(gallery.reconstructions[at.sample, at.channel])
            words = f"group size {run.config['group_size']}  \n{_quality(gallery, at, high - low)}"
            _tile(tile(back, low, high, MAPS), words)
    with st.container(horizontal=True):
        _tile(enlarged(crop.of(first.inputs[at.sample])), "input")
        for run, gallery in members:
            error = tile(crop.of(gallery.error(at.sample, at.channel)), 0, limit, ERRORS)
            _tile(error, f"absolute error, group size {run.config['group_size']}")


def show_scale(limit: float) -> None:
    """One bar for all error tiles."""
    title = f"One scale for all absolute errors: 0 to {number(limit, 3)}, which covers {SHARE:g} % of the pixels."
    prose(f"{title} MSE and PSNR are of the whole map, PSNR over its range.")
    show(draw_bar(0, limit, ERRORS, look()), "error scale", title)


def show_coarsest(one: Shown, sample: int, crop: Crop) -> None:
    maps = one.gallery.coarsest[sample]
    prose(f"{one.name}, {one.run.config['coarsest_size']} coarsest channels")
    with st.container(horizontal=True):
        for number_, map_ in enumerate(maps):
            low, high = window(map_)
            words = f"channel {number_}  \n{number(low, 2)} to {number(high, 2)}"
            _tile(tile(crop.of(map_), low, high, MAPS), words)


def show_matrices(runs: Sequence[Shown], name: str) -> None:
    """One matrix of each run, in columns that stand below each other where it is narrow."""
    for column, one in zip(st.columns(len(runs)), runs, strict=True):
        if name in one.gallery.matrices:
            with column:
                show_plot(_matrix(one, name), one.letter, [one.run])


def _matrix(one: Shown, name: str) -> Plot:
    weights = one.gallery.matrices[name]
    title = f"{matrix_title(name)}, {one.name}"
    rows = lambda: [{"row": at, **{str(to): float(w) for to, w in enumerate(line)}} for at, line in enumerate(weights)]  # noqa: E731
    return Plot(name_of(name), title, partial(draw_matrix, weights, title), "", title, rows)


def matrix_title(name: str) -> str:
    if "_" not in name:
        return "all R"
    kind, _, level = name.partition("_")
    return f"{kind[0].upper()} of level {level}"


def show_errors(runs: Sequence[Run]) -> None:
    title = "Error against group size, and the bound of principal components"
    rows = lambda: [run.config | {"mse": (run.result or {}).get("mse")} for run in runs]  # noqa: E731
    show_plot(Plot("errors", title, partial(draw_errors, runs), "", title, rows), "reconstructions", runs)


def show_levels(runs: Sequence[Shown]) -> None:
    """Where the error comes from: by level, what R has lost and what P cannot express."""
    rows = [{"run": one.name, **row} for one in runs for row in (one.run.result or {}).get("levels", [])]
    if rows:
        show_table(pd.DataFrame(rows), "levels", "What each level loses, by run")
        prose(
            "restriction_mse: the finest maps decoded from this level by the best full matrix, so what R has lost. "
            "prolongation_mse: the best full matrix encodes to this level, so what P cannot express. "
            "level_pca: the least that this many channels can leave."
        )


def limit_of(galleries: Sequence[Gallery], places: Sequence[Place]) -> float:
    """The upper end of the error scale for everything shown."""
    return error_limit(gallery.error(at.sample, at.channel) for gallery in galleries for at in places)


def _quality(gallery: Gallery, at: Place, span: float) -> str:
    mse = float(gallery.mse[at.sample, at.channel])
    decibels = psnr(mse, span)
    return f"MSE {number(mse, 3)}  \n" + ("PSNR ∞" if isinf(decibels) else f"PSNR {decibels:.1f} dB")


def _tile(picture: np.ndarray, caption: str) -> None:
    """Captions are ours: the two spaces and the line end in them are a new line."""
    st.image(picture, caption=caption, width=WIDTH, alt=caption.replace("  \n", ", "), output_format="PNG")
