"""One figure, the same on a page, in a file and in a paper: what a scene is made of."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mgic.figures.style import Look


@dataclass(frozen=True)
class Plot:
    """A figure that is drawn when it is wanted.

    Args:
        name: In addresses and names of files: letters, digits and "-".
        title: Above it.
        draw: In the colours of a look; its size is set by whoever shows it.
        caption: What marks and bars are, n, conditions: plain text, a paragraph.
        alt: What it shows, for who does not see it.
        rows: The numbers behind it.
        grade: The worst validity of what it shows, A to D; None where nothing is graded.
        wide: It takes the whole width of a page.
    """

    name: str
    title: str
    draw: Callable[[Look], go.Figure]
    caption: str
    alt: str
    rows: Callable[[], list[dict[str, Any]]]
    grade: str | None = None
    wide: bool = False


def name_of(title: str) -> str:
    """`Accuracy against MACs (test)` is accuracy-against-macs-test."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "plot"
