"""A model: one of its blocks, where its cost sits, what its conversion changes, and how its two sizes move the cost."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mgic.client import ApiError, Client
from mgic.errors import BadConfig
from mgic.figures.conversion import draw_conversion
from mgic.figures.conversion import rows as conversion_rows
from mgic.figures.cost_grid import (
    COARSEST_SIZES,
    GROUP_SIZES,
    IMPOSSIBLE,
    PENDING,
    X,
    Y,
    axis,
    draw_grid,
    grid_info,
    reasons,
)
from mgic.figures.cost_share import TITLES, Count, bars, draw_bars, sums
from mgic.figures.levels import Block, blocks_of, draw_hierarchy, kinds
from mgic.figures.plot import Plot
from mgic.figures.switches import Switch
from mgic.records import ConversionReport, ModelCost, ModelInfo, Preview, SweepRequest, Value

PARAMETERS = ("model",)
SIDE, COUNTED, DRAWN = "side", "counted", "drawn"  # words of the address beside the model's options
COUNTS: dict[str, Count] = {"MACs": "macs", "parameters": "params"}
COST = "cost"  # the experiment
PREFIX = "mgic/"
RULE = ("group_size", "coarsest_size", "coarsening")  # options of a conversion
PATIENCE_S = 60.0  # for the cells of the grid
SHOWN_REASONS = 3


@dataclass(frozen=True)
class Data:
    """`converted`: the same network with its blocks in MGIC, where it has none itself."""

    info: ModelInfo
    cost: ModelCost
    converted: ModelCost | None
    grid: Preview | None
    present: tuple[int, int]  # group size and coarsest size in force


def load(api: Client, asked: Mapping[str, str]) -> Data:
    """Of `?model=` and its options. A side, an option or a size that cannot be is said by the service."""
    if not asked.get("model"):
        raise BadConfig("no model is named: the address has ?model= and a name")
    info = api.model(asked["model"])
    known: dict[str, Any] = info.options.get("properties", {})
    options = {name: _value(asked[name]) for name in known if name in asked}
    size = _size(info, asked.get(SIDE, ""), options.get("in_channels"))
    cost = api.model_cost(info.name, size, **options)
    converted = None if cost.levels or info.name.startswith(PREFIX) else _converted(api, info, asked, options, size)
    present = tuple(options.get(name, known.get(name, {}).get("default")) for name in (X, Y))
    if not all(isinstance(one, int) for one in present):
        return Data(info, cost, converted, None, (0, 0))
    found = int(str(present[0])), int(str(present[1]))
    return Data(info, cost, converted, _grid(api, info.name, options, size, found), found)


def switches(data: Data) -> tuple[Switch, ...]:
    """The options as free texts, which the service reads; what is counted, and which block is drawn."""
    names = dict.fromkeys([*data.info.options.get("properties", {}), *(RULE if data.converted else ()), SIDE])
    shown = data.converted or data.cost
    blocks = list(kinds(blocks_of(shown.levels)))
    drawn = [Switch(DRAWN, "Block", {name: name for name in blocks}, blocks[0])] if blocks else []
    counted = Switch(COUNTED, "Cost as", {name: name for name in COUNTS}, next(iter(COUNTS)))
    return (*(Switch(name, name, {}) for name in names), counted, *drawn)


def plots(data: Data, values: Mapping[str, str]) -> list[Plot]:
    count = COUNTS[values[COUNTED]]
    shown = data.converted or data.cost
    found = []
    if shown.conversion is not None:
        found.append(conversion_plot(shown.conversion, count))
    equal = kinds(blocks_of(shown.levels))
    if equal:
        found.append(hierarchy_plot(equal[values[DRAWN]][0]))
    if data.cost.levels:
        found.append(shares_plot(data.cost, count))
    if data.grid is not None:
        found.append(grid_plot(data.grid, data.present, count))
    return found


def hierarchy_plot(block: Block) -> Plot:
    """One block, level by level."""
    alt = f"Levels of {block.widths} channels; " + "; ".join(
        f"level {v.level}: {v.groups} groups of {v.group_size}" for v in block.levels
    )
    note = (
        "R halves the channels on the way down, P brings back what changed on the way up; the coarsest level mixes all "
        "of its channels. A group is drawn as one piece. The norm after P is not in these figures."
    )
    return Plot(
        "block", f"{block.name}: {block.widths} channels", partial(draw_hierarchy, block), note, alt, block.rows
    )


def shares_plot(cost: ModelCost, count: Count) -> Plot:
    """Where the cost of a network sits."""
    drawn = bars(cost, count)
    total: int = getattr(cost, count)
    parts = [f"{part} {value / total:.1%}" for part, value in sums(drawn).items() if total]
    rest = "stem, connectors and head" + (", norms after P" if count == "params" else "")
    note = f"Of the whole network: {', '.join(parts)}. Everything else: {rest}."
    alt = f"{TITLES[count]} of each block, by part"
    draw = partial(draw_bars, drawn, count)
    return Plot(
        "cost-share", "Where the cost sits", draw, note, alt, lambda: [{"block": b.name} | b.parts for b in drawn]
    )


def conversion_plot(report: ConversionReport, count: Count) -> Plot:
    """Both networks, block by block."""
    drawn = conversion_rows(report, count)
    note = "In the order of the network, first on top. Equal blocks in a row are one bar of all of them, with how many."
    return Plot(
        "conversion",
        "Where the cost sat, and where it sits now",
        partial(draw_conversion, drawn, count),
        note,
        f"{TITLES[count]} of each block, before and after",
        lambda: [{"block": row.title, "before": row.before, "after": row.after, "about": row.about} for row in drawn],
    )


def grid_plot(preview: Preview, present: tuple[int, int], count: Count) -> Plot:
    """The cost over group size and coarsest size."""
    drawn = grid_info(preview, count, present)
    why = reasons(preview)
    note = "The present choice is outlined; the small figures are changes against it."
    note += f" {PENDING} still to be counted: {preview.pending} of {preview.total}." if preview.pending else ""
    note += f" {IMPOSSIBLE} cannot be built: {'; '.join(why[:SHOWN_REASONS])}" if why else ""
    note += f"; and {len(why) - SHOWN_REASONS} more reasons, at the cells." if len(why) > SHOWN_REASONS else ""
    title = f"{TITLES[count]}, over s_g and s_c"
    alt = f"{TITLES[count]} over group size and coarsest size"

    def rows() -> list[dict[str, Any]]:
        return [
            {X: x, Y: y, count: cell.mean, "missing": cell.missing}
            for y, line in zip(drawn.ys, drawn.cells, strict=True)
            for x, cell in zip(drawn.xs, line, strict=True)
        ]

    return Plot("cost-grid", title, partial(draw_grid, drawn, count), note, alt, rows)


def grid_request(model: str, options: Mapping[str, Value], side: int | None, present: tuple[int, int]) -> SweepRequest:
    """The sweep whose preview is the grid; options but `X` and `Y` hold for every cell."""
    fixed: dict[str, list[Value]] = {name: [value] for name, value in options.items() if name not in (X, Y)}
    fixed |= {SIDE: [side]} if side is not None else {}
    sizes = {X: axis(GROUP_SIZES, present[0]), Y: axis(COARSEST_SIZES, present[1])}
    return SweepRequest(experiment=COST, axes={"model": [model], **fixed, **sizes})


def _grid(
    api: Client, model: str, options: Mapping[str, Value], size: Sequence[int] | None, present: tuple[int, int]
) -> Preview:
    """Counted to the last cell, or as far as it gets."""
    request = grid_request(model, options, size[1] if size else None, present)
    end = time.monotonic() + PATIENCE_S
    while (found := api.preview(request)).pending and time.monotonic() < end:
        time.sleep(0.5)
    return found


def _converted(
    api: Client, info: ModelInfo, asked: Mapping[str, str], options: dict[str, Value], size: tuple[int, ...] | None
) -> ModelCost | None:
    """None where nothing in it can be converted."""
    rule = {name: _value(asked[name]) for name in RULE if name in asked}
    try:
        return api.model_cost(PREFIX + info.name, size, **(options | rule))
    except ApiError as error:
        if error.status in (404, 422) and not rule:
            return None
        raise


def _size(info: ModelInfo, side: str, channels: Value) -> tuple[int, ...] | None:
    """Of the input, all sides of it alike; None: what the model is made for."""
    if not side:
        return None
    if not side.isdecimal():
        raise BadConfig(f"{SIDE}={side[:60]} in the address: it is a number of pixels")
    return (int(str(channels or info.input_size[0])), *(int(side) for _ in info.input_size[1:]))


def _value(text: str) -> Value:
    """A number, true, false, a list, or the text itself."""
    try:
        found: Value = json.loads(text)
    except ValueError:
        return text
    return found
