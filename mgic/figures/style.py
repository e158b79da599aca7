"""One look for all figures, light and dark: colours, symbols and the plotly template.

Colours are Okabe and Ito's, darkened on white and lightened on black until each mark has
a contrast of at least 3 against its background. A colour never stands alone: the symbol and
the dash of a series change with it.
"""

import textwrap
from dataclasses import dataclass, replace
from functools import cache

import plotly.graph_objects as go

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down", "star", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")
TEXT = 13  # pixels of most of the text
LINE, FIRST = 19, 26  # pixels of the margin above for each line of a title
ABOVE = 16  # pixels above the title
BESIDE = 70  # pixels of a figure's width that are not its plotting area, about
NARROW, STEP = 300.0, 60.0  # pixels of a plotting area at least, and between two widths that differ
LETTERS = 46  # of a title in a line, as on a telephone


@dataclass(frozen=True)
class Look:
    """The colours of one of the two themes, and the width that figures are made for."""

    text: str
    faint: str  # of text that is less important, still 4.5 against the background
    grid: str
    background: str
    missing: str  # a cell without a number
    series: tuple[str, ...]
    across: float = NARROW  # pixels of a plotting area, in which labels find their places; as on a telephone

    def as_wide(self, pixels: float) -> "Look":
        """The same for figures of so many pixels, in steps: each look has a template."""
        return replace(self, across=max(NARROW, (pixels - BESIDE) // STEP * STEP))


LIGHT = Look(
    text="#0B0D12",
    faint="#5A5F69",
    grid="#DDE1E8",
    background="#FFFFFF",
    missing="#D5D9E0",
    series=("#0072B2", "#D55E00", "#00845F", "#B4699A", "#A87400", "#3A8FCB", "#7A6FB0", "#3C4048"),
)
DARK = Look(
    text="#F5F6F8",
    faint="#A9AFBA",
    grid="#333843",
    background="#0E1117",
    missing="#3A404C",
    series=("#56B4E9", "#E8743B", "#2BB88F", "#CC79A7", "#E69F00", "#F0E442", "#A79BE0", "#D5D9E0"),
)


def mark_of(index: int, colours: Look) -> tuple[str, str]:
    """Colour and symbol of a series; the two come together again after 64 of them."""
    symbol = SYMBOLS[(index + index // len(SYMBOLS)) % len(SYMBOLS)]
    return colours.series[index % len(colours.series)], symbol


def set_title(made: go.Figure, title: str) -> None:
    """In as many lines as it takes; a title is plotly's text already."""
    whole = title.replace(" = ", "\u00a0=\u00a0")  # `n = 5` stays in one line
    lines = textwrap.wrap(whole, LETTERS, break_long_words=False) or [""]
    made.update_layout(title_text="<br>".join(lines), title_font_size=15 if len(lines) > 1 else 16)
    height = made.layout.height or 450
    made.update_layout(
        margin_t=FIRST + LINE * len(lines), title_yref="container", title_y=1 - ABOVE / height, title_yanchor="top"
    )


@cache
def template(colours: Look) -> go.layout.Template:
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.faint,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "tickcolor": colours.faint,
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"color": colours.text, "size": TEXT, "family": "Source Sans, sans-serif"},
            "title": {"x": 0, "xanchor": "left", "font": {"size": 16}},
            "paper_bgcolor": colours.background,
            "plot_bgcolor": colours.background,
            "colorway": colours.series,
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "yref": "container", "yanchor": "bottom", "y": 0, "x": 0},
            "margin": {"l": 8, "r": 12, "t": 56, "b": 8},
            "hoverlabel": {"align": "left", "bgcolor": colours.background, "font": {"color": colours.text}},
        }
    )


def figure(title: str, x: str, y: str, colours: Look, height: int = 440) -> go.Figure:
    """An empty figure with its title and the titles of its axes."""
    # One dict: properties that are set one by one are checked one by one, four times as long.
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    made = go.Figure(layout={"template": template(colours), "title": {"text": title}, "height": height, **axes})
    if len(title) > LETTERS:
        set_title(made, title.replace("<br>", " "))
    return made
