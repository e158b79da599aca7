"""The sections of the page of reconstructions."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isinf

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from dashboard.connection import BY_READER
from dashboard.pages import prose, show_table
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
    enlarged,
    error_limit,
    tile,
    window,
)
from mgic.figures.plot import name_of
from mgic.figures.scenes.reconstructions import Data, Shown, fetch, sums_rows, sums_told
from mgic.figures.similarity import SIDE, psnr, span, ssim
from mgic.figures.words import number
from mgic.records import Run

ABOUT = (
    "First feature maps of a trained network, encoded on the coarsest channels by the restrictions R alone and decoded "
    "by the prolongations P: section 3 of the paper, Table 1 and Figure 2. "
    "Each number is of one whole map, also where a part is shown. MSE: mean squared error, before rounding. "
    "PSNR and SSIM have the map's own range, largest minus smallest value, as the data range L: "
    f"PSNR = 10 log10(L² / MSE); SSIM is the mean over all {SIDE} x {SIDE} windows inside the map, uniform weights, "
    "K1 = 0.01, K2 = 0.03, of maps rounded to float16. |A - B|: between the two reconstructions; its number is the "
    "root of the mean square. Colours of a map and of what came back cover "
    f"{SHARE:g} % of the map's values."
)


@dataclass(frozen=True)
class Place:
    """A sample and a channel, by their places in a gallery."""

    sample: int
    channel: int


@dataclass(frozen=True)
class Tile:
    """A picture with its caption in Markdown, and what it is in the name of a file."""

    name: str
    picture: np.ndarray
    caption: str


@st.cache_data(
    ttl=3600,
    max_entries=48,
    show_spinner=False,
    hash_funcs=BY_READER | {Run: lambda run: str(run.reused_from or run.id)},
)
def gallery_of(api: Client, run: Run) -> Gallery:
    """Fetched once an hour; raises as `fetch` does."""
    return fetch(api, run)


def show_side_by_side(runs: Sequence[Shown], places: Sequence[Place], crop: Crop, limit: float) -> None:
    """For each place the input and the reconstructions, and below them the map and the errors."""
    first = runs[0].gallery
    kind = "pair" if len(runs) > 1 else "one"
    for at in places:
        map_ = first.maps[at.sample, at.channel]
        words = f"**{literal(first.names[at.sample])}**, channel {first.channels[at.channel]}, "
        words += f"from {number(float(map_.min()), 3)} to {number(float(map_.max()), 3)}"
        st.markdown(words)
        with st.container(key=f"tiles-{kind}-{at.sample}-{at.channel}"):
            for one in tiles_of(runs, at, crop, limit):
                _tile(one.picture, one.caption)


def tiles_of(runs: Sequence[Shown], at: Place, crop: Crop, limit: float) -> list[Tile]:
    """In the order in which they are shown."""
    first = runs[0].gallery
    map_ = first.maps[at.sample, at.channel]
    low, high = window(map_)
    found = [Tile("map", tile(crop.of(map_), low, high, MAPS), "feature map")]
    for one in runs:
        back = tile(crop.of(one.gallery.reconstructions[at.sample, at.channel]), low, high, MAPS)
        found.append(Tile(f"back-{one.letter}", back, f"**{one.name}**  \n{quality(one.gallery, at)}"))
    found.append(Tile("input", enlarged(crop.of(first.inputs[at.sample])), "input"))
    if len(runs) > 1:
        apart = first.difference(runs[1].gallery, at.sample, at.channel)
        words = f"|A - B|, RMS {number(float(np.sqrt((apart.astype(np.float64) ** 2).mean())), 3)}"
        found.append(Tile("difference", tile(crop.of(apart), 0, limit, ERRORS), words))
    for one in runs:
        error = one.gallery.error(at.sample, at.channel)
        words = f"|error of {one.letter}|, largest {number(float(error.max()), 3)}"
        found.append(Tile(f"error-{one.letter}", tile(crop.of(error), 0, limit, ERRORS), words))
    return found


def offer_tiles(runs: Sequence[Shown], places: Sequence[Place], crop: Crop, limit: float) -> None:
    """All that are shown, as pictures in one file; made when it is asked for."""
    made = partial(tiles_file, runs, places, crop, limit)
    icon = ":material/download:"
    st.download_button("Tiles as PNG", made, "tiles.zip", "application/zip", icon=icon, on_click="ignore")


def tiles_file(runs: Sequence[Shown], places: Sequence[Place], crop: Crop, limit: float) -> bytes:
    """A zip of `SAMPLE-CHANNEL-what.png`; captions.txt has a line for each."""
    first, told, packed = runs[0].gallery, [], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for at in places:
            for one in tiles_of(runs, at, crop, limit):
                name = f"{name_of(first.names[at.sample])}-{first.channels[at.channel]}-{one.name}.png"
                picture = io.BytesIO()
                Image.fromarray(one.picture).save(picture, "PNG")
                file.writestr(name, picture.getvalue())
                told.append(f"{name}: {_bare(one.caption)}")
        file.writestr("captions.txt", "\n".join([*told, f"Errors: 0 to {number(limit, 3)}"]) + "\n")
    return packed.getvalue()


def show_group_sizes(members: Sequence[tuple[Run, Gallery]], at: Place, crop: Crop, limit: float) -> None:
    """What each group size of a sweep gives back of one map, and its errors below."""
    first = members[0][1]
    low, high = window(first.maps[at.sample, at.channel])
    with st.container(key="tiles-many-back"):
        _tile(tile(crop.of(first.maps[at.sample, at.channel]), low, high, MAPS), "feature map")
        for run, gallery in members:
            back = crop.of(gallery.reconstructions[at.sample, at.channel])
            words = f"**group size {run.config['group_size']}**  \n{quality(gallery, at)}"
            _tile(tile(back, low, high, MAPS), words)
    with st.container(key="tiles-many-errors"):
        _tile(enlarged(crop.of(first.inputs[at.sample])), "input")
        for run, gallery in members:
            error = tile(crop.of(gallery.error(at.sample, at.channel)), 0, limit, ERRORS)
            _tile(error, f"|error|, group size {run.config['group_size']}")


def show_scale(limit: float) -> None:
    """One bar for all error tiles."""
    title = f"One scale for all absolute errors and differences: 0 to {number(limit, 3)}, {SHARE:g} % of the pixels."
    prose(title)
    show(draw_bar(0, limit, ERRORS, look()), "error scale", title)


def show_coarsest(one: Shown, sample: int, crop: Crop) -> None:
    maps = one.gallery.coarsest[sample]
    prose(f"{one.name}, {one.run.config['coarsest_size']} coarsest channels")
    with st.container(key=f"tiles-many-coarsest-{one.letter}"):
        for number_, map_ in enumerate(maps):
            low, high = window(map_)
            words = f"channel {number_}  \n{number(low, 2)} to {number(high, 2)}"
            _tile(tile(crop.of(map_), low, high, MAPS), words)


def show_sums(data: Data) -> None:
    prose(sums_told(data))
    show_table(pd.DataFrame(sums_rows(data)), "row sums", "Row sums of each matrix, by run")


def limit_of(galleries: Sequence[Gallery], places: Sequence[Place]) -> float:
    """The upper end of the error scale for everything shown."""
    return error_limit(gallery.error(at.sample, at.channel) for gallery in galleries for at in places)


def quality(gallery: Gallery, at: Place) -> str:
    """In Markdown, a line each."""
    map_, back = gallery.maps[at.sample, at.channel], gallery.reconstructions[at.sample, at.channel]
    mse = float(gallery.mse[at.sample, at.channel])
    decibels, alike = psnr(mse, span(map_)), ssim(map_, back)
    told = "no range" if decibels is None else "∞" if isinf(decibels) else f"{decibels:.1f} dB"
    like = "too small, or no range" if alike is None else f"{alike:.3f}"
    return f"MSE {number(mse, 3)}  \nPSNR {told} · SSIM {like}"


def _tile(picture: np.ndarray, caption: str) -> None:
    """Captions are ours: the two spaces and the line end in them are a new line."""
    st.image(picture, caption=caption, width="stretch", alt=_bare(caption), output_format="PNG")


def _bare(caption: str) -> str:
    return caption.replace("  \n", ", ").replace("**", "")
