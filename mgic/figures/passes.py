"""How the single passes of a latency run spread: each network by all of them, and process by process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from mgic.figures.style import DASHES, Look, figure
from mgic.figures.ticks import set_log, set_names
from mgic.figures.timing import Case, names_of
from mgic.figures.words import number, plain

POINTS = 120  # of a line, whatever the passes
CUT = 0.995  # the axis ends here; what lies beyond is counted


@dataclass(frozen=True)
class Rounds:
    """The passes of one network, in milliseconds, a list for each of its processes."""

    name: str
    control: bool
    rounds: tuple[tuple[float, ...], ...]

    @property
    def every(self) -> list[float]:
        return [one for passes in self.rounds for one in passes]


def rounds_of(case: Case, clock: str) -> list[Rounds]:
    """In the order of the rows; rows whose passes are not known are left out."""
    names, passes = names_of([case]), case.passes.get(clock, {})
    found = []
    for row in case.rows:
        key = (int(row.get("place", 0)), str(row.get("role", "measured")))
        if passes.get(key):
            control = key[1] == "control"
            name = names[str(row["model"])] + (" (control)" if control else "")
            found.append(Rounds(name, control, tuple(tuple(one) for one in passes[key])))
    return found


def beyond(given: Sequence[Rounds]) -> tuple[float, int]:
    """Where the axis ends, and how many passes lie further out."""
    every = [one for rounds in given for one in rounds.every]
    end = float(np.quantile(every, CUT)) if every else 0.0
    return end, sum(one > end for one in every)


def draw_ecdf(given: Sequence[Rounds], title: str, clock: str, colours: Look) -> go.Figure:
    """Bold: all passes of a network. Thin: one process each. The control is dotted, in its network's colour."""
    made = figure(
        title,
        f"{clock[0].upper()}{clock[1:]} of a pass (ms)",
        "Passes that take at most so long (%)",
        colours,
        height=460,
    )
    for index, one in enumerate(given):
        place = 0 if one.control else index
        colour = colours.series[place % len(colours.series)]
        for passes in one.rounds if len(one.rounds) > 1 else ():
            x, y = _steps(passes)
            made.add_scatter(
                x=x, y=y, mode="lines", line={"color": colour, "width": 0.8}, opacity=0.35, hoverinfo="skip",
                legendgroup=one.name, showlegend=False,
            )  # fmt: skip
        x, y = _steps(one.every)
        words = f"{plain(one.name)}<br>%{{y:.0f}} % take at most %{{x:.4g}} ms<extra></extra>"
        dash = "dot" if one.control else DASHES[place % len(DASHES)]
        made.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "width": 2.5, "dash": dash}, name=plain(one.name),
            legendgroup=one.name, hovertemplate=words,
        )  # fmt: skip
    end, _ = beyond(given)
    low = min((min(one.every) for one in given), default=1.0)
    set_log(made, "x", [low, end])
    made.update_yaxes(range=[0, 101])
    return made


def _steps(passes: Sequence[float]) -> tuple[list[float], list[float]]:
    """Quantiles at even shares: the shape of all passes in few points."""
    shares = np.linspace(0, 1, min(POINTS, max(2, len(passes))))
    return [float(one) for one in np.quantile(passes, shares)], [100 * float(one) for one in shares]


def draw_rounds(given: Sequence[Rounds], title: str, clock: str, colours: Look) -> go.Figure:
    """A box a process, from a quarter to three quarters, whiskers from 5 to 95 %."""
    made = figure(title, "", f"{clock[0].upper()}{clock[1:]} of a pass (ms)", colours, height=460)
    most = max((len(one.rounds) for one in given), default=0)
    for number_ in range(most):
        some = [(index, one) for index, one in enumerate(given) if number_ < len(one.rounds)]
        for index, one in some:
            colour = colours.series[(0 if one.control else index) % len(colours.series)]
            low, q1, middle, q3, high = (
                float(v) for v in np.quantile(one.rounds[number_], (0.05, 0.25, 0.5, 0.75, 0.95))
            )
            words = f"{one.name}, round {number_ + 1}: median {number(middle)} ms, n = {len(one.rounds[number_])}"
            made.add_box(
                x=[one.name], q1=[q1], median=[middle], q3=[q3], lowerfence=[low], upperfence=[high],
                offsetgroup=str(number_), name=plain(words), showlegend=False, line={"color": colour, "width": 1.5},
                fillcolor=colours.background if one.control else None, whiskerwidth=0.4, hoverinfo="name",
            )  # fmt: skip
    made.update_layout(boxmode="group", boxgap=0.25)
    set_names(made, [one.name for one in given])
    ends = [float(np.quantile(passes, share)) for one in given for passes in one.rounds for share in (0.05, 0.95)]
    set_log(made, "y", ends)
    return made


def rows(given: Sequence[Rounds]) -> list[dict[str, Any]]:
    """Quantiles of every process."""
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    return [
        {"network": one.name, "round": place, "n": len(passes)}
        | {f"p{round(100 * share)}_ms": float(np.quantile(passes, share)) for share in shares}
        for one in given
        for place, passes in enumerate(one.rounds)
    ]
