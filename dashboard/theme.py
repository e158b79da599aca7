"""Which of the two looks the browser shows, and how a figure is put on a page."""

import re
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from dashboard.assets import WIDTH_COOKIE
from mgic.figures.style import DARK, LIGHT, Look


def look(share: float | None = None) -> Look:
    """The one the browser shows just now, for figures of this share of the page's width; None: for those side by
    side."""
    page = _window() - 2 * PADDING
    page -= SIDEBAR if page > BROAD else 0
    wide = page * share if share else page / max(1, page // (CELL + GAP))
    return _colours().as_wide(wide)


def _colours() -> Look:
    return DARK if st.context.theme.type == "dark" else LIGHT


def _window() -> int:
    """Pixels that the window was wide when the page was loaded; as a telephone's, where it did not say."""
    told = str(st.context.cookies.get(WIDTH_COOKIE))
    return int(told) if re.fullmatch(r"[1-9]\d{2,3}", told) else TELEPHONE


# Pages use the width of the window; plots stand beside each other where each has CELL pixels.
CELL = 440
GAP, PADDING, SIDEBAR = 16, 24, 300  # pixels between two plots, at either side of a page, and of the list of pages
BROAD = 768  # pixels from which on that list stands beside the page
TELEPHONE = 390
# Tiles of pictures are as large as the window: of two runs two rows of them fit into its height, of one run one row.
PAIR, ALONE = "27vh", "50vh"
CARD = 250  # of a card with a few words
LAYOUT = f"""
[data-testid="stMainBlockContainer"] {{ padding: 3.2rem 1.5rem 2rem; }}
[data-stale="true"] {{ opacity: 1 !important; transition: none !important; }}
[class*="st-key-plots-"] {{
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min({CELL}px, 100%), 1fr));
    align-items: start;
}}
[class*="st-key-plots-"] > :has(> [class*="st-key-wide-"]) {{ grid-column: 1 / -1; }}
[class*="st-key-tiles-"] {{ display: grid; gap: 0.5rem 1rem; align-items: start; justify-content: start; }}
[class*="st-key-tiles-"] img {{ image-rendering: pixelated; }}
[class*="st-key-tiles-pair-"] {{ grid-template-columns: repeat(4, minmax(0, {PAIR})); }}
[class*="st-key-tiles-one-"] {{ grid-template-columns: repeat(4, minmax(0, {ALONE})); }}
[class*="st-key-tiles-many-"] {{ grid-template-columns: repeat(auto-fit, minmax(min(150px, 45%), 1fr)); }}
[class*="st-key-tiles-many-"] > * {{ max-width: 230px; }}
@media (max-width: 700px) {{
    [class*="st-key-tiles-"] {{ grid-template-columns: repeat(2, minmax(0, 1fr)); }}
}}
[class*="st-key-cards-"] {{
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min({CARD}px, 100%), 1fr));
}}
:has(> .st-key-run-bar) {{ position: sticky; top: 3.75rem; z-index: 10; }}  /* below the header */
.st-key-run-bar {{ padding: 0.5rem 0; min-height: 3.5rem; border-bottom: 1px solid; }}
.sign-in {{ display: inline-block; padding: 0.45rem 1rem; border: 1px solid; border-radius: 0.5rem; color: inherit; }}
.anchor {{ scroll-margin-top: 12rem; }}
.st-key-cells-old {{ opacity: 0.5; }}
"""


def style_page() -> None:
    """The layout of all pages. Streamlit writes white on the primary colour, which is light in the dark theme: there
    it is written dark."""
    on_primary = '[data-testid="stBaseButton-primary"] *, span[data-tag] *'
    contrast = f"{on_primary} {{ color: {LIGHT.text} !important }}" if _colours() is DARK else ""
    bar = f".st-key-run-bar {{ background: {_colours().background}; border-color: {_colours().grid}; }}"
    st.html(f"<style>{LAYOUT}{bar}{contrast}</style>")


def show(made: go.Figure, key: str, alt: str, select: bool = False) -> Any:
    """Draw a figure; nothing of it leaves the host. Its files are those of `mgic.figures.export`, not the browser's.

    Returns:
        With `select`, the points that are marked by a click or a box.
    """
    config: dict[str, Any] = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["toImage"]}
    if select:
        return st.plotly_chart(made, key=key, theme=None, config=config, alt=alt, on_select="rerun")
    st.plotly_chart(made, key=key, theme=None, config=config, alt=alt)
    return None
