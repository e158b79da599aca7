"""Which share of the energy of the finest maps each level keeps: by R, by P, and at most."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from mgic.figures.style import SYMBOLS, Look, figure
from mgic.figures.words import plain
from mgic.records import Run

KINDS = {"R": "restriction_mse", "P": "prolongation_mse", "at most": "level_pca"}
DASHES = {"R": "solid", "P": "dot", "at most": "dash"}


def kept_rows(run: Run) -> list[dict[str, Any]]:
    """A row a level, finest first, in per cent of the variance; no row where the maps have none."""
    result = run.result or {}
    variance = result.get("variance", 0.0)
    if not variance > 0:
        return []
    return [
        {"level": row["level"], "channels": row["width"]}
        | {f"{kind} (%)": 100 * (1 - row[column] / variance) for kind, column in KINDS.items()}
        for row in result.get("levels", [])
    ]


def draw_kept(rows: Sequence[dict[str, Any]], colours: Look) -> go.Figure:
    """A line a run and kind over the levels; the bound is one line for all runs where it is the same."""
    made = figure("Energy that each level keeps", "level: channels", "share of the variance (%)", colours)
    bounds: list[list[float]] = []
    for index, run in enumerate(dict.fromkeys(row["run"] for row in rows)):
        own = [row for row in rows if row["run"] == run]
        bound = [row["at most (%)"] for row in own]
        for kind, dash in DASHES.items():
            if kind == "at most" and bound in bounds:
                continue
            made.add_scatter(
                x=[f"{row['level']}: {row['channels']}" for row in own],
                y=[row[f"{kind} (%)"] for row in own],
                mode="lines+markers",
                name=plain(f"{kind}, {run}"),
                line={"color": colours.series[index], "dash": dash},
                marker={"symbol": SYMBOLS[list(DASHES).index(kind)], "size": 9},
                hovertemplate="level %{x} channels<br>%{y:.2f} %",
            )
        bounds.append(bound)
    return made
