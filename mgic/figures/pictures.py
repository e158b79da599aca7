"""Feature maps and what came back of them: what a run's gallery.npz holds, and how it is coloured."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mgic.figures.samples import samples
from mgic.figures.series import add_series
from mgic.figures.style import Look, figure
from mgic.figures.ticks import set_log
from mgic.figures.view import view_info
from mgic.figures.words import number, plain
from mgic.records import Run, View, title_of

MAPS, ERRORS, WEIGHTS = "Cividis", "Inferno", "RdBu_r"
SHARE = 99.5  # per cent of the values that a colour scale covers
ENLARGED = 448  # pixels of a tile at least, by a whole factor: the browser then has little left to smooth
NEAR = 0.01  # of a row sum from 1
GROUPS = f"{title_of('group_size')} (channels)"
MATRICES = "restriction", "prolongation"


@dataclass(frozen=True)
class Gallery:
    """What a run of `reconstruction` keeps of a few samples and channels.

    Args:
        names: Of the n samples.
        channels: Numbers of the k channels.
        inputs: (n, height, width, 3), uint8.
        maps: (n, k, height, width); so are `reconstructions`.
        mse: (n, k), of each whole map.
        coarsest: (n, channels, height, width).
        matrices: R and P, the product of all R first.
    """

    names: tuple[str, ...]
    channels: tuple[int, ...]
    inputs: np.ndarray
    maps: np.ndarray
    reconstructions: np.ndarray
    mse: np.ndarray
    coarsest: np.ndarray
    matrices: dict[str, np.ndarray]

    def error(self, sample: int, channel: int) -> np.ndarray:
        found: np.ndarray = np.abs(self.reconstructions[sample, channel] - self.maps[sample, channel])
        return found

    def difference(self, other: "Gallery", sample: int, channel: int) -> np.ndarray:
        """Between what came back here and there, absolute."""
        found: np.ndarray = np.abs(self.reconstructions[sample, channel] - other.reconstructions[sample, channel])
        return found

    def shows_the_same(self, other: "Gallery") -> bool:
        """Whether the two can stand side by side: same samples, channels and feature maps."""
        same = self.names == other.names and self.channels == other.channels and self.maps.shape == other.maps.shape
        return same and bool(np.array_equal(self.maps, other.maps))


@dataclass(frozen=True)
class Crop:
    """The same part of every tile: the side shown is 1 / `zoom`, its middle at `across` and `down` from 0 to 1."""

    zoom: int = 1
    across: float = 0.5
    down: float = 0.5

    def of(self, values: np.ndarray) -> np.ndarray:
        """Of (height, width) or (height, width, 3)."""
        height, width = values.shape[:2]
        top, rows = _part(height, self.zoom, self.down)
        left, columns = _part(width, self.zoom, self.across)
        return values[top : top + rows, left : left + columns]


def read_gallery(content: bytes) -> Gallery:
    """Raises `ValueError` for what is no gallery."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        return Gallery(
            names=tuple(map(str, held["names"])),
            channels=tuple(map(int, held["channels"])),
            inputs=held["inputs"],
            maps=held["maps"].astype(np.float32),
            reconstructions=held["reconstructions"].astype(np.float32),
            mse=held["mse"],
            coarsest=held["coarsest"].astype(np.float32),
            matrices={name: held[name] for name in sorted(held, key=_rank) if name.startswith(MATRICES)},
        )
    except (KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"this is no gallery of a reconstruction: {error}") from error


def window(values: np.ndarray) -> tuple[float, float]:
    """The range that all but the outermost values lie in."""
    low, high = np.percentile(values, [100 - SHARE, SHARE])
    return float(low), float(high) if high > low else float(low) + 1e-6


def error_limit(errors: Iterable[np.ndarray]) -> float:
    """The upper end of one scale for all of them; the lower is 0."""
    together = np.concatenate([one.ravel() for one in errors])
    return max(float(np.percentile(together, SHARE)), 1e-12)


@dataclass(frozen=True)
class RowSums:
    """Of a matrix; `near` rows are within 1 % of 1, `negative` is the share of its weights in per cent.

    Zeros between the groups are no weights.
    """

    rows: int
    low: float
    mean: float
    high: float
    near: int
    negative: float


def row_sums(weights: np.ndarray) -> RowSums:
    sums = weights.astype(np.float64).sum(1)
    near = int((np.abs(sums - 1) <= NEAR).sum())
    there = max(1, int((weights != 0).sum()))
    negative = 100 * float((weights < 0).sum()) / there
    return RowSums(len(sums), float(sums.min()), float(sums.mean()), float(sums.max()), near, negative)


def tile(values: np.ndarray, low: float, high: float, scale: str) -> np.ndarray:
    """(height, width) in the colours of a scale, (height', width', 3) uint8, enlarged pixel by pixel."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return enlarged(_colours(scale)[np.rint(255 * share).astype(int)])


def enlarged(picture: np.ndarray) -> np.ndarray:
    factor = max(1, ENLARGED // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def draw_bar(low: float, high: float, scale: str, colours: Look) -> go.Figure:
    """A colour scale by itself, for many tiles."""
    made = figure("", "", "", colours, height=58)
    steps = np.linspace(low, high, 256)
    exact = [[step / 255, f"rgb({r},{g},{b})"] for step, (r, g, b) in enumerate(_colours(scale))]
    hover = "%{x:.4g}<extra></extra>"
    made.add_heatmap(z=[steps], x=steps, y=[0], colorscale=exact, showscale=False, hovertemplate=hover)
    made.update_yaxes(visible=False, fixedrange=True)
    made.update_xaxes(showgrid=False, showline=False, fixedrange=True, nticks=6, range=[low, high])
    return made.update_layout(title_text=None, margin={"l": 20, "r": 20, "t": 6, "b": 30, "autoexpand": False})


def draw_matrix(weights: np.ndarray, title: str, colours: Look) -> go.Figure:
    """One row a channel that comes out; 0 has the middle colour."""
    rows, columns = weights.shape
    made = figure(plain(title), "channel in", "channel out", colours, height=int(150 + min(420, 22 * rows)))
    most = float(np.abs(weights).max()) or 1.0
    made.add_heatmap(
        z=weights,
        colorscale=WEIGHTS,
        zmin=-most,
        zmax=most,
        colorbar={"title": {"text": "weight", "side": "right"}, "thickness": 14},
        hovertemplate="out %{y}, in %{x}: %{z:.4g}<extra></extra>",
    )
    made.update_yaxes(autorange="reversed", showgrid=False, dtick=max(1, rows // 8))
    made.update_xaxes(showgrid=False, dtick=max(1, columns // 8))
    return made


def draw_errors(runs: Sequence[Run], colours: Look) -> go.Figure:
    """The error over the group size, and the bound that no linear map of that rank goes below."""
    made = figure("Error against group size", GROUPS, "MSE", colours, height=430)
    found = samples(runs)
    heights: list[float] = []
    for order, (column, name) in enumerate((("mse", "R and P"), ("mse_pca", "bound of principal components"))):
        view = View(title="", x="group_size", y=column, series="coarsest_size")
        lines = view_info(view, found).series
        for index, (series, marks) in enumerate(lines.items()):
            label = name if len(lines) == 1 else f"{name}, {series}"
            add_series(made, label, marks, 2 * index + order, colours, lines=True, legend=True)
            heights += [mark.y for mark in marks]
    sizes = sorted({int(one.values["group_size"]) for one in found})
    set_log(made, "x", sizes)
    set_log(made, "y", heights)
    return made.update_xaxes(tickvals=sizes, ticktext=[number(size) for size in sizes])


def draw_likeness(rows: Sequence[dict[str, Any]], colours: Look) -> go.Figure:
    """The structural similarity over the group size: a small mark a map, a line through their means."""
    made = figure("Similarity against group size", GROUPS, "SSIM", colours, height=430)
    known = [row for row in rows if row["ssim"] is not None]
    sizes = sorted({row["group_size"] for row in known})
    means = [float(np.mean([row["ssim"] for row in known if row["group_size"] == size])) for size in sizes]
    words = [f"{row['image']}, channel {row['channel']}: SSIM {row['ssim']:.3f}" for row in known]
    made.add_scatter(
        x=[row["group_size"] for row in known],
        y=[row["ssim"] for row in known],
        mode="markers",
        name="a map",
        marker={"symbol": "circle-open", "color": colours.series[1], "size": 7},
        hovertext=[plain(one) for one in words],
        hoverinfo="text",
    )
    made.add_scatter(x=sizes, y=means, mode="lines+markers", name="mean", line_color=colours.series[0])
    set_log(made, "x", sizes)
    return made.update_xaxes(tickvals=sizes, ticktext=[number(size) for size in sizes])


def _part(length: int, zoom: int, middle: float) -> tuple[int, int]:
    """Where it starts, and how long it is."""
    size = max(1, round(length / zoom))
    return min(max(0, round(middle * length - size / 2)), length - size), size


@cache
def _colours(scale: str) -> np.ndarray:
    """256 of them, (256, 3), uint8."""
    found = sample_colorscale(scale, [step / 255 for step in range(256)], colortype="tuple")
    colours: np.ndarray = np.rint(255 * np.array(found)).astype(np.uint8)
    return colours


def _rank(name: str) -> tuple[bool, bool, str]:
    return "_" in name, name.startswith("prolongation"), name
