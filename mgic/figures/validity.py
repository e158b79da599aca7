"""How far what a figure shows can be trusted, where one looks: in its title and in its marks."""

from collections.abc import Callable, Iterable, Sequence

import plotly.graph_objects as go

from mgic.figures.style import Look, set_title
from mgic.figures.words import plain
from mgic.records import Run

WEAK = ("C", "D")
MEANING = {
    "A": "nothing speaks against these times",
    "B": "good for comparing the networks of one run",
    "C": "for large differences only",
    "D": "the numbers say little",
}
PALE = 0.5

Draw = Callable[[Look], go.Figure]


def worst(runs: Iterable[Run], column: str | None) -> str | None:
    """The worst grade that stands in this column of the results; None without one."""
    found = ((run.result or {}).get(column or "") for run in runs)
    return max((grade for grade in found if grade in MEANING), default=None)


def why(runs: Sequence[Run]) -> list[str]:
    """Of results that are graded C or D, the reasons of that, each once."""
    found: dict[str, None] = {}
    for run in runs:
        result = run.result or {}
        for grade, reasons in (("grade", "reasons"), ("cpu_grade", "cpu_reasons")):
            if result.get(grade) in WEAK:
                clock = "wall time" if grade == "grade" else "CPU time"
                weak = [one for one in result.get(reasons) or () if one[:1] in WEAK]
                found |= dict.fromkeys(f"{clock}, {one}" for one in weak)
    return list(found)


def control_of(run: Run) -> str:
    """The first network against itself, `1.02 (0.97 to 1.07) by wall time`; empty without a control."""
    parts = []
    for prefix, clock in (("control", "wall time"), ("control_cpu", "CPU time")):
        ratio, low, high = ((run.result or {}).get(f"{prefix}_{end}") for end in ("ratio", "low", "high"))
        if ratio is not None:
            between = f" ({low:.3g} to {high:.3g})" if low is not None and high is not None else ""
            parts.append(f"{ratio:.3g}{between} by {clock}")
    return ", ".join(parts)


def graded(draw: Draw, grade: str | None) -> Draw:
    """The same with the grade, if any, in its title; at C and D its marks are pale, and its bars hatched."""

    def drawn(colours: Look) -> go.Figure:
        made = draw(colours)
        told = f" · grade {grade}" if grade else ""
        set_title(made, f"{made.layout.title.text or ''}{told}".replace("<br>", " "))
        if grade in WEAK:
            _pale(made, colours)
        return made

    return drawn


def _pale(made: go.Figure, colours: Look) -> None:
    """A bar that is filled with one colour is hatched too."""
    for trace in made.data:
        if "text" in (trace.mode or "" if trace.type == "scatter" else ""):  # names are to be read
            continue
        trace.opacity = PALE * (1.0 if trace.opacity is None else trace.opacity)
        if trace.type == "bar" and not trace.marker.pattern.shape:
            trace.marker.pattern = {"shape": "/", "fillmode": "overlay", "fgcolor": colours.background, "solidity": 0.4}


def titled(title: str, *conditions: str) -> str:
    """A title with what it holds under, as plotly's text."""
    return plain(", ".join(filter(None, [title, *conditions])))
