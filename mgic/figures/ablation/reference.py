"""What the cells of a map are compared with, and their differences to it."""

from collections.abc import Mapping
from dataclasses import replace

from mgic.figures.ablation.fields import unfit
from mgic.figures.ablation.part import Part
from mgic.figures.heatmap import At, Cell, Heatmap, entries
from mgic.figures.samples import SEED, is_number
from mgic.figures.words import plain, value
from mgic.records import Run
from mgic.statistics import Difference, paired, summary


def networks(part: Part) -> dict[str, dict[str, float]]:
    """The networks that lack one of the two fields, as a full one lacks the group size: the result of each by seed.

    All else is as in the part, but for the model.
    """
    rest = [run for run in part.data.runs if not (part.x in run.config and part.y in run.config)]
    held = {name: word for name, word in part.held.items() if name != "model"}
    alike = [run for run in rest if all(value(run.config[n]) == w for n, w in held.items() if n in run.config)]
    found: dict[str, dict[str, float]] = {}
    for one in entries(alike, leave_out=unfit):
        number_ = one.sample.values.get(part.metric) if one.sample else None
        if number_ is not None and is_number(number_) and "model" in one.config:
            seeds = found.setdefault(value(one.config["model"]), {})
            seeds[_seed_word(one.run)] = float(number_)
    return found


def _seed_word(run: Run) -> str:
    return value(run.config.get(SEED)) if SEED in run.config else "null"


def references(part: Part) -> dict[str, dict[str, float]]:
    """What may be the reference, by its word in an address; the one that is meant if nobody says comes first."""
    info = part.map
    found = {f"{value(info.xs[x])}/{value(info.ys[y])}": part.grid[y, x] for y, x in part.grid}
    last = max(part.grid, key=lambda at: (at[0] + at[1], at)) if part.grid else None
    first = [f"{value(info.xs[last[1]])}/{value(info.ys[last[0]])}"] if last is not None else []
    order = [*networks(part), *first, *found]
    every = {**networks(part), **found}
    return {word: dict(every[word]) for word in dict.fromkeys(order)}


def against(part: Part, reference: str) -> Heatmap:
    """The map of differences to the reference, each from runs with the same seed, with its interval."""
    base, info, unit = references(part)[reference], part.map, part.unit
    chosen = next((at for at in part.grid if _word(info, at) == reference), None)
    cells = [
        [_difference(cell, base, (y, x) == chosen, reference, unit) for x, cell in enumerate(row)]
        for y, row in enumerate(info.cells)
    ]
    return Heatmap(info.xs, info.ys, cells, chosen, info.goal, diverging=True)


def _word(info: Heatmap, at: At) -> str:
    return f"{value(info.xs[at[1]])}/{value(info.ys[at[0]])}"


def _difference(cell: Cell, base: Mapping[str, float], here: bool, reference: str, unit: str) -> Cell:
    if cell.mean is None:
        return cell
    if here:
        return replace(cell, mean=0.0, text="reference", half=None, choice=None)
    if not cell.values.keys() & base.keys():
        gap = cell.mean - summary(base.values()).mean
        words = f"{signed(gap)}{unit} to {reference}, of other seeds: no interval"
        return replace(cell, mean=gap, half=None, text=f"{signed(gap)}<br>other seeds", hover=plain(words), choice=None)
    found = paired(base, cell.values)
    half = _half(found)
    small = f"± {signed(half)[1:]}" if half is not None else ""
    sure = found.p is not None and found.p < 0.05
    large = f"<b>{signed(found.mean)}</b>" if sure else signed(found.mean)
    pairs = f"{found.n} pair{'s' if found.n > 1 else ''}"
    text = f"{large}<br><span style='font-size:11px'>{'<br>'.join(filter(None, [small, pairs]))}</span>"
    between = (
        f", 95 % t-interval {signed(found.mean - half)} to {signed(found.mean + half)}" if half is not None else ""
    )
    hover = f"{cell.hover}<br>{signed(found.mean)}{unit} to {plain(reference)}{between}, {pairs} of the same seed"
    return replace(cell, mean=found.mean, half=half, n=found.n, text=text, hover=hover, choice=None)


def _half(found: Difference) -> float | None:
    return None if found.interval is None else found.interval[1] - found.mean


def signed(one: float) -> str:
    """`+0.31`, `-1.20`, and what two decimals do not show in three digits."""
    return f"{one:+.2f}" if 0.005 <= abs(one) < 1000 or one == 0 else f"{one:+.3g}"
