"""Reconstructions: what of feature maps comes back through R and P alone, of one run or of two beside each other."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mgic.client import Client
from mgic.errors import BadConfig
from mgic.figures.pictures import Gallery, draw_errors, draw_likeness, draw_matrix, read_gallery, row_sums
from mgic.figures.plot import Plot, name_of
from mgic.figures.reconstruction_levels import draw_kept, kept_rows
from mgic.figures.samples import SEED, differing
from mgic.figures.scenes.asked import ids
from mgic.figures.similarity import psnr, span, ssim
from mgic.figures.switches import Switch
from mgic.figures.words import assignments, number
from mgic.records import Run, RunStatus

PARAMETERS = ("run", "with")
EXPERIMENT = "reconstruction"
FILE = "gallery.npz"
ALONE = "none"
SIZES = ("group_size", "coarsest_size")
ZOOMS = {"whole": 1, "2x": 2, "4x": 4, "8x": 8}
ACROSS = Switch(
    "across", "Across", {}, "50", bounds=(0, 100, 1), help="Middle of the part shown, per cent of the width"
)
CHOSEN, RANDOM, WORST = "chosen", "random", "worst"
PICKS = {CHOSEN: "by name", RANDOM: "at random", WORST: "worst by MSE"}
DOWN = Switch("down", "Down", {}, "50", bounds=(0, 100, 1), help="Middle of the part shown, per cent of the height")


@dataclass(frozen=True)
class Shown:
    """A run and its pictures; `letter` is what it is called."""

    letter: str
    run: Run
    gallery: Gallery

    @property
    def name(self) -> str:
        return f"{self.letter}: group size {self.run.config['group_size']}"


@dataclass(frozen=True)
class Data:
    """One run or two over the same maps.

    Args:
        family: The first one's sweep, those that ended well.
        members: Those of them that differ from the first in the group size only, with their pictures of the same maps.
    """

    shown: tuple[Shown, ...]
    family: tuple[Run, ...]
    members: tuple[tuple[Run, Gallery], ...]
    other_maps: bool = False  # the second run has other feature maps and is left out


class RunSwitch(Switch):
    """Its options are runs; a list of them is no help to who has a wrong id."""

    def fault(self, text: str) -> str:
        return "" if text in self.options else "no reconstruction that ended well has this id."


def fetch(api: Client, run: Run) -> Gallery:
    """Raises `ApiError` where the run has none, and `ValueError` for another file so called."""
    return read_gallery(api.artifact(run.reused_from or run.id, FILE))


def load(api: Client, asked: Mapping[str, str], gallery_of: Callable[[Client, Run], Gallery] = fetch) -> Data:
    """Of `?run=`, and of `with=` beside it."""
    runs = [_run(api, asked, "run")]
    if asked.get("with", ALONE) not in (ALONE, str(runs[0].id)):
        runs.append(_run(api, asked, "with"))
    shown = [Shown(letter, run, gallery_of(api, run)) for letter, run in zip("AB", runs, strict=False)]
    same = all(one.gallery.shows_the_same(shown[0].gallery) for one in shown)
    family = [run for run in api.sweep_runs(runs[0].sweep_id) if run.status is RunStatus.SUCCEEDED]
    alike = [(run, gallery_of(api, run)) for run in like(runs[0], family)]
    members = tuple((run, found) for run, found in alike if found.shows_the_same(shown[0].gallery))
    return Data(tuple(shown if same else shown[:1]), tuple(family), members, not same)


def run_switches(runs: Sequence[Run], wrong: bool) -> tuple[Switch, ...]:
    """Which runs; the address always names the first, but for one that is wrong.

    Args:
        runs: What there is to choose from, the one to begin with first.
        wrong: The run of the address is none of them.
    """
    apart = differing([run.config for run in runs])
    titles = {str(run.id): title_of(run, apart) for run in runs}
    return (
        RunSwitch("run", "Run A", titles, str(runs[0].id) if wrong else ""),
        RunSwitch("with", "Run B, beside it", {ALONE: "no second run"} | titles, ALONE),
    )


def switches(data: Data) -> tuple[Switch, ...]:
    """What is shown of the runs."""
    gallery = data.shown[0].gallery
    images = {name: name for name in gallery.names}
    channels = {str(one): str(one) for one in gallery.channels}
    zoom = Switch("zoom", "Zoom", {name: name for name in ZOOMS}, "whole")
    return (
        *([Switch("pick", "Samples", PICKS, CHOSEN)] if len(images) > 1 else []),
        Switch("image", "Images", images, gallery.names[0], many=True, side_by_side=True),
        Switch("channel", "Channels", channels, str(gallery.channels[0]), many=True, side_by_side=True),
        zoom,
        ACROSS,
        DOWN,
        matrix_switch(data),
    )


def pick_switches(gallery: Gallery, pick: str) -> tuple[Switch, ...]:
    """Of samples that are not chosen by name: how many, and the seed of a draw."""
    if pick == CHOSEN or len(gallery.names) < 2:
        return ()
    many = Switch("samples", "How many", {}, "1", bounds=(1, len(gallery.names), 1))
    return (many, Switch("draw", "Seed of the draw", {}, "0", bounds=(0, 99, 1))) if pick == RANDOM else (many,)


def picked(gallery: Gallery, pick: str, values: Mapping[str, str], channels: Sequence[int]) -> list[int]:
    """Places of the samples: drawn without one twice, or those with the largest mean error over these channels."""
    many = int(float(values.get("samples", 1)))
    if pick == RANDOM:
        seed = int(float(values.get("draw", 0)))
        return sorted(random.Random(seed).sample(range(len(gallery.names)), many))
    errors = gallery.mse[:, list(channels)].mean(axis=1)
    return sorted(range(len(gallery.names)), key=lambda at: -float(errors[at]))[:many]


def matrix_switch(data: Data) -> Switch:
    names = list(data.shown[0].gallery.matrices)
    return Switch("matrix", "Matrix", {name: matrix_title(name) for name in names}, names[0])


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    found = [errors_plot(data), likeness_plot(data)] if len(data.members) > 1 else []
    return [*found, kept_plot(data), *matrix_plots(data, values["matrix"])]


def title_of(run: Run, apart: Sequence[str]) -> str:
    """Its sizes and id, then what else sets it apart of the fields `apart`: the end is cut off where it is narrow."""
    sizes = f"s_g {run.config['group_size']}, s_c {run.config['coarsest_size']}"
    rest = assignments(run.config, tuple(name for name in (*apart, SEED) if name not in SIZES))
    return " · ".join(filter(None, [sizes, str(run.id)[:8], rest]))


def like(run: Run, others: Sequence[Run]) -> list[Run]:
    """Those that differ from it in the group size only, the largest first."""
    found = [one for one in others if {**one.config, "group_size": run.config["group_size"]} == run.config]
    return sorted(found, key=lambda one: -int(str(one.config["group_size"])))


def matrix_title(name: str) -> str:
    if "_" not in name:
        return "all R"
    kind, _, level = name.partition("_")
    return f"{kind[0].upper()} of level {level}"


def errors_plot(data: Data) -> Plot:
    title = "Error against group size, and the bound of principal components"
    note = (
        "MSE of an element over all maps of all pictures of the run, not only those shown. The bound is the least that "
        f"any linear map through as many channels leaves. {len(data.family)} runs of this sweep."
    )
    columns = ("mse", "mse_pca", "relative_mse")
    rows = lambda: [r.config | {name: (r.result or {}).get(name) for name in columns} for r in data.family]  # noqa: E731
    return Plot("errors", title, partial(draw_errors, data.family), note, title, rows)


def likeness_plot(data: Data) -> Plot:
    """SSIM of the maps that the runs keep."""
    rows = [
        {"run": str(run.id), "group_size": int(str(run.config["group_size"])), "image": name, "channel": channel}
        | {"mse": float(gallery.mse[at, to]), "psnr": psnr(float(gallery.mse[at, to]), span(map_))}
        | {"ssim": ssim(map_, gallery.reconstructions[at, to])}
        for run, gallery in data.members
        for at, name in enumerate(gallery.names)
        for to, channel in enumerate(gallery.channels)
        for map_ in [gallery.maps[at, to]]
    ]
    title = "Similarity against group size"
    first = data.shown[0].gallery
    note = (
        f"SSIM of each of the {len(first.names)} x {len(first.channels)} maps that a run keeps, and their mean. Maps "
        "that are constant, or smaller than a window, have none."
    )
    return Plot("similarity", title, partial(draw_likeness, rows), note, title, lambda: rows)


def kept_plot(data: Data) -> Plot:
    """The energy of each level."""
    rows = [{"run": one.name, **row} for one in data.shown for row in kept_rows(one.run)]
    title = "Energy that each level keeps"
    note = (
        "1 - error / variance of the finest maps, about each channel's mean. R: decoded from the level by the best "
        "full matrix, so what the restrictions kept. P: encoded to the level by the best full matrix, so what the "
        "prolongations can express. At most: any maps of this width, by principal components. Over all pictures."
    )
    return Plot("kept", title, partial(draw_kept, rows), note, title, lambda: rows)


def matrix_plots(data: Data, name: str) -> list[Plot]:
    """The matrix of each run that has it."""
    return [_matrix(one, name) for one in data.shown if name in one.gallery.matrices]


def sums_told(data: Data) -> str:
    """Do the matrices stay at row sum 1?"""
    words = []
    for one in data.shown:
        sums = [row_sums(weights) for weights in one.gallery.matrices.values()]
        low, high = min(s.low for s in sums), max(s.high for s in sums)
        stay = "stay" if all(s.near == s.rows for s in sums) else "do not stay"
        words.append(f"{one.name}: the rows {stay} at sum 1 (from {number(low, 3)} to {number(high, 3)})")
    return "R and P start as positive rows of sum 1; nothing holds them there. " + ". ".join(words) + "."


def sums_rows(data: Data) -> list[dict[str, Any]]:
    """A row a matrix of each run."""
    return [
        {"run": one.name, "matrix": matrix_title(name), "rows": s.rows, "columns": weights.shape[1]}
        | {"least row sum": s.low, "mean row sum": s.mean, "largest row sum": s.high}
        | {"rows within 1 % of 1": s.near, "negative weights (%)": s.negative}
        for one in data.shown
        for name, weights in one.gallery.matrices.items()
        for s in [row_sums(weights)]
    ]


def _matrix(one: Shown, name: str) -> Plot:
    weights = one.gallery.matrices[name]
    sums = row_sums(weights)
    title = f"{matrix_title(name)}, {one.name}"
    note = (
        f"Row sums from {number(sums.low, 3)} to {number(sums.high, 3)}, mean {number(sums.mean, 3)}; "
        f"{sums.near} of {sums.rows} within 1 % of 1. {sums.negative:.0f} % of the weights are negative."
    )
    rows = lambda: [{"row": at, **{str(to): float(w) for to, w in enumerate(line)}} for at, line in enumerate(weights)]  # noqa: E731
    return Plot(name_of(f"{name} {one.letter}"), title, partial(draw_matrix, weights, title), note, title, rows)


def _run(api: Client, asked: Mapping[str, str], name: str) -> Run:
    run = api.run(ids(asked, name)[0])
    if run.experiment != EXPERIMENT or run.status is not RunStatus.SUCCEEDED:
        raise BadConfig(f"{name}: this run has no reconstruction to show")
    return run
