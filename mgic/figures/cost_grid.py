"""How the cost of a model moves with group size and coarsest size: the cells of a preview as a heat map."""

from collections.abc import Iterable

import plotly.graph_objects as go

from mgic.figures.cost_share import TITLES, Count
from mgic.figures.heatmap import Cell, Heatmap
from mgic.figures.heatmap_drawing import draw_heatmap, two_lines
from mgic.figures.style import Look
from mgic.figures.words import plain, si
from mgic.records import Point, Preview, Value

X, Y = "group_size", "coarsest_size"
GROUP_SIZES = (4, 8, 16, 32, 64)
COARSEST_SIZES = (8, 16, 32, 64, 128)
PENDING = "…"
IMPOSSIBLE = "✖"


def axis(usual: Iterable[int], present: int) -> list[Value]:
    """The usual values and the present one; that comes first, so that it is counted first."""
    return [present, *(one for one in usual if one != present)]


def grid_info(preview: Preview, count: Count, present: tuple[int, int]) -> Heatmap:
    """One cell a pair, ascending; a cell that cannot be built, or is still to be counted, says so.

    Args:
        preview: Of a sweep over `X` and `Y`.
        count: What a cell shows.
        present: Group size and coarsest size of the cell that is outlined and compared with.
    """
    at = {(int(str(point.requested[X])), int(str(point.requested[Y]))): point for point in preview.points}
    xs, ys = sorted({x for x, _ in at}), sorted({y for _, y in at})
    now = at[present].cost
    base: int | None = getattr(now, count) if now else None
    cells = [[_cell(at[x, y], count, base, (x, y) == present) for x in xs] for y in ys]
    return Heatmap([*xs], [*ys], cells, (ys.index(present[1]), xs.index(present[0])))


def draw_grid(info: Heatmap, count: Count, colours: Look) -> go.Figure:
    names = "group size s_g (channels)", "coarsest size s_c (channels)"
    return draw_heatmap(info, f"{TITLES[count]}, over s_g and s_c", names, "", colours)


def reasons(preview: Preview) -> list[str]:
    """Why cells cannot be built, each once."""
    return list(dict.fromkeys(point.problem for point in preview.points if point.problem))


def _cell(point: Point, count: Count, base: int | None, here: bool) -> Cell:
    where = f"{X}={point.requested[X]}, {Y}={point.requested[Y]}"
    if point.problem or point.cost is None:
        why = plain(point.problem) if point.problem else "still counted"
        return Cell(None, missing=IMPOSSIBLE if point.problem else PENDING, hover=f"{where}<br>{why}")
    value: int = getattr(point.cost, count)
    real = ", ".join(map(str, point.group_sizes))
    cost = point.cost
    lines = [where, f"{cost.params:,} parameters", f"{cost.macs:,} MACs, {si(cost.transfer_macs)} of them in R and P"]
    lines += [f"group sizes that came of it: {real}"] if real else ["no grouped level"]
    text = two_lines(si(value), change(value, base, here))
    return Cell(float(value), n=1, text=text, hover="<br>".join(lines))


def change(value: int, base: int | None, here: bool) -> str:
    """`+12 %`, against the present choice."""
    if here or not base:
        return "here" if here else ""
    percent = 100 * (value - base) / base
    return f"{percent:+.0f} %" if abs(percent) >= 0.5 else "±0 %"
