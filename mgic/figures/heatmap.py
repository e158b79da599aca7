"""A result over two fields of the config: a cell a pair, with its mean; a cell without a number says why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from mgic.figures.choice import guesses
from mgic.figures.columns import Goal
from mgic.figures.samples import Sample, config_of, differing, groups, label, samples, spread, told, without_seeds
from mgic.figures.style import Look, figure
from mgic.figures.words import ICONS, number, plain, value
from mgic.records import Config, Run, RunStatus, Table, Value

NOT_ASKED = "not in this sweep"

SCALE = "Cividis"


@dataclass(frozen=True)
class Entry:
    """A run, or a row of its result, at its place; without a sample it has nothing to show."""

    config: Config
    run: Run
    sample: Sample | None = None


@dataclass(frozen=True)
class Cell:
    """`mean` is None where there is no number; then `missing` says why."""

    mean: float | None
    half: float | None = None  # of the interval from 3 values on, else of the range; None for one value
    n: int = 0
    missing: str = ""
    hover: str = ""
    text: str | None = None  # written in the cell; None: mean and spread
    lost: int = 0  # seeds that failed, and are not in the mean
    choice: float | None = None  # the mean of what is chosen by, where that is another column


@dataclass(frozen=True)
class Heatmap:
    xs: list[Value]
    ys: list[Value]
    cells: list[list[Cell]]  # [y][x]
    chosen: tuple[int, int] | None = None  # row and column to outline, in place of the best
    goal: Goal | None = None

    @property
    def best(self) -> tuple[int, int] | None:
        """Row and column of the best mean of what is chosen by, the first of equals; None where neither end is good."""
        if self.goal is None:
            return None
        sign = -1 if self.goal == "max" else 1
        cells = [(cell, y, x) for y, row in enumerate(self.cells) for x, cell in enumerate(row)]
        worth = [(cell.mean if cell.choice is None else cell.choice, y, x) for cell, y, x in cells]
        found = [(sign * mean, y, x) for mean, y, x in worth if mean is not None]
        return min(found)[1:] if found else None


def entries(runs: Sequence[Run], table: Table | None = None, shown: Sequence[str] = ()) -> list[Entry]:
    """All that may stand in a grid: the samples of runs that succeeded, and the runs that did not."""
    by_id = {str(run.id): run for run in runs}
    found = [Entry(one.config, by_id[one.run_id], one) for one in samples(runs, table, shown)]
    return found + [Entry(config_of(run), run) for run in runs if run.status is not RunStatus.SUCCEEDED]


def facets(given: Sequence[Entry], x: str, y: str) -> dict[str, list[Entry]]:
    """Entries that have both fields, apart by all else but the seed, under what sets each part apart."""
    rest: dict[str, list[Entry]] = {}
    for entry in given:
        if x in entry.config and y in entry.config:
            key = {name: one for name, one in without_seeds(entry.config).items() if name not in (x, y)}
            rest.setdefault(json.dumps(key, sort_keys=True), []).append(entry)
    fields = differing([json.loads(key) for key in rest])
    return {label(json.loads(key), fields) or "all runs": part for key, part in rest.items()}


def heatmap_info(
    given: Sequence[Entry], x: str, y: str, z: str, unit: str = "", goal: Goal | None = None, by: str | None = None
) -> Heatmap:
    """One cell for each pair of values that occur, in ascending order; the best is chosen by `by`, or else by `z`."""
    xs, ys = _values(given, x), _values(given, y)
    at: dict[tuple[str, str], list[Entry]] = {}
    for entry in given:
        at.setdefault((value(entry.config[x]), value(entry.config[y])), []).append(entry)
    cells = [[_cell(at.get((value(one), value(other)), []), (x, y), z, unit, by or z) for one in xs] for other in ys]
    return Heatmap(xs, ys, cells, goal=goal)


def draw_heatmap(info: Heatmap, title: str, names: tuple[str, str], z_title: str, colours: Look) -> go.Figure:
    made = figure(title, names[0], names[1], colours, height=max(320, 130 + 84 * len(info.ys)))
    made.add_heatmap(
        z=[[cell.mean for cell in row] for row in info.cells],
        x=list(range(len(info.xs))),
        y=list(range(len(info.ys))),
        hovertext=[[cell.hover for cell in row] for row in info.cells],
        hoverinfo="text",
        colorscale=SCALE,
        colorbar={"title": {"text": z_title, "side": "right"}, "thickness": 14},
        xgap=3,
        ygap=3,
        hoverongaps=True,
    )
    _write_cells(made, info)
    _hatch_missing(made, info, colours)
    outlined = info.chosen or info.best
    if outlined is not None:
        row, column = outlined
        _box(made, column, row, line={"color": colours.series[1], "width": 4})
    made.update_xaxes(tickvals=list(range(len(info.xs))), ticktext=[plain(value(one)) for one in info.xs])
    made.update_yaxes(tickvals=list(range(len(info.ys))), ticktext=[plain(value(one)) for one in info.ys])
    made.update_xaxes(showgrid=False, range=[-0.5, len(info.xs) - 0.5])
    made.update_yaxes(showgrid=False, range=[-0.5, len(info.ys) - 0.5])
    return made


def _cell(given: Sequence[Entry], names: tuple[str, str], z: str, unit: str, by: str) -> Cell:
    if not given:
        return Cell(None, missing=NOT_ASKED)
    where = ", ".join(f"{name}={value(given[0].config[name])}" for name in names)
    retried = {entry.run.retry_of for entry in given}
    left = [_why(entry.run) for entry in given if entry.sample is None and entry.run.id not in retried]
    why = "<br>".join(plain(reason) for reason in dict.fromkeys(left))
    found = groups(entry.sample for entry in given if entry.sample is not None)
    of = found[0].summary(z) if found else None
    if of is None or of.n == 0:
        return Cell(None, missing=why or f"no {z}", hover=f"{plain(where)}<br>{why}")
    below, above = spread(of)
    said = [where, told(found[0], z, unit), told(found[0], by, unit) if by != z else "", guesses(found[0])]
    hover = "<br>".join([*(plain(line) for line in said if line), *([why] if why else [])])
    choice = found[0].summary(by).mean if by != z else None
    half = (below + above) / 2 if of.n > 1 else None
    return Cell(of.mean, half, of.n, why, hover, lost=len(found[0].lost), choice=choice)


def _why(run: Run) -> str:
    return f"{ICONS[run.status]} {run.reason.value if run.reason else run.status.value}"


def _values(given: Sequence[Entry], name: str) -> list[Value]:
    found = {value(entry.config[name]): entry.config[name] for entry in given}
    return sorted(found.values(), key=lambda one: (0, one, "") if isinstance(one, (int, float)) else (1, 0, value(one)))


def _text(cell: Cell) -> str:
    if cell.mean is None:
        return ""
    spread_text = f"± {number(cell.half, 2)}" if cell.half is not None else "one run"
    spread_text += f", {cell.n} of {cell.n + cell.lost} seeds" if cell.lost else ""
    return two_lines(number(cell.mean), spread_text) if cell.text is None else cell.text


def two_lines(large: str, small: str) -> str:
    """What is written in a cell: a number, and less of importance under it."""
    return f"<b>{large}</b><br><span style='font-size:11px'>{small}</span>"


def _write_cells(made: go.Figure, info: Heatmap) -> None:
    """Black or white, whichever stands out more from the cell."""
    means = [cell.mean for row in info.cells for cell in row if cell.mean is not None]
    for y, row in enumerate(info.cells):
        for x, cell in enumerate(row):
            if cell.mean is not None:
                spread = max(means) - min(means)
                share = (cell.mean - min(means)) / spread if spread else 0.5
                colour = text_colour(sample_colorscale(SCALE, [share], colortype="tuple")[0])
                made.add_annotation(x=x, y=y, text=_text(cell), showarrow=False, font={"size": 15, "color": colour})


def text_colour(background: Sequence[float]) -> str:
    """Black or white on red, green and blue from 0 to 1: the one with the larger contrast, which is 4.5 at least."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in background]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]  # WCAG 2.2
    return "#000000" if luminance > 0.179 else "#FFFFFF"


def _box(made: go.Figure, x: int, y: int, **style: object) -> None:
    made.add_shape(type="rect", x0=x - 0.48, x1=x + 0.48, y0=y - 0.48, y1=y + 0.48, **style)


def _hatch_missing(made: go.Figure, info: Heatmap, colours: Look) -> None:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for y, row in enumerate(info.cells):
        for x, cell in enumerate(row):
            if cell.mean is not None:
                continue
            _box(made, x, y, fillcolor=colours.missing, line={"width": 0}, layer="below")
            for step in (-0.64, -0.32, 0.0, 0.32, 0.64):  # diagonals of the square, clipped to it
                low, high = max(-0.48, step - 0.48), min(0.48, step + 0.48)
                xs += [x + low, x + high, None]
                ys += [y + low - step, y + high - step, None]
            text = f"<b>{cell.missing}</b>"
            made.add_annotation(x=x, y=y, text=text, showarrow=False, bgcolor=colours.missing, font_size=12)
    made.add_scatter(
        x=xs, y=ys, mode="lines", line={"color": colours.faint, "width": 1}, hoverinfo="skip", showlegend=False
    )
