"""A plot as a file for a paper: SVG, PDF or PNG at the width of a column, its text as text, its caption beside it.

A figure is laid out in the pixels of a page and drawn smaller by one factor, so that marks, lines and text keep their
proportions and most of the text has `POINTS` at its final size.
"""

import re
import textwrap
from io import BytesIO
from typing import Any

import plotly.graph_objects as go
from PIL import Image

from mgic.figures.chromium import draw
from mgic.figures.plot import Plot
from mgic.figures.style import LIGHT, TEXT, Look
from mgic.latex import latex_words

FORMATS = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
WIDTHS = (85, 175)  # millimetres: a column, and a page of two
POINTS = 8
PER_MM = 96 / 25.4  # CSS pixels
DPI = 300
ZOOM = POINTS / 72 * 96 / TEXT
# Of the same width letter by letter, the first two; PDF embeds the one that is found, SVG names them all.
FONTS = "Arial, Helvetica, Liberation Sans, DejaVu Sans, sans-serif"
LETTER = 0.56  # of the size of the text: how wide one is in DejaVu Sans, the widest of these, about
AROUND = 150  # pixels of a figure on a page that are not its plotting area
LOW = 240  # pixels of a plotting area, at least
SMALL, UPRIGHT = 10, 16  # pixels of the letters of many long names; letters of a short one
TRIES = 3  # to find its height


def file_of(plot: Plot, kind: str, width_mm: int = WIDTHS[0], look: Look = LIGHT, title: bool = True) -> bytes:
    """The plot as svg, pdf or png.

    Args:
        plot: What is drawn.
        kind: One of `FORMATS`.
        width_mm: Of the figure; its height follows from what it shows.
        look: Light, for paper.
        title: Whether it stands above the figure, or in the caption alone.

    Raises:
        Unavailable: There is no Chrome or Chromium, or it does not answer.
    """
    width = round(width_mm * PER_MM / ZOOM)
    scale = width_mm * PER_MM / width
    made, wanted = printed(plot, width, look.as_wide(width), title)
    for _ in range(TRIES):
        height = int(made.layout.height)
        found = plotting_height(draw(made.to_plotly_json(), "svg", width, height, scale).decode())
        made.update_layout(height=height + round(wanted - found) if found else height)
        if found == 0 or found > wanted / 2:  # else its legend was larger than all of it: measured once more
            break
    height = int(made.layout.height)
    if kind == "svg":
        svg = draw(made.to_plotly_json(), kind, width, height, scale).decode()
        return described(svg, plot, width_mm, height * scale / PER_MM).encode()
    if kind == "png":
        return _with_size(draw(made.to_plotly_json(), kind, width, height, scale * DPI / 96))
    return draw(made.to_plotly_json(), kind, width, height, scale)


def printed(plot: Plot, width: int, look: Look, title: bool = True) -> tuple[go.Figure, int]:
    """The figure for a width in pixels, with a first height, and the height its plotting area is to have."""
    narrow = width < 600
    made = plot.draw(look)
    declared = int(made.layout.height or 440)
    wanted = max(LOW, declared - AROUND)
    heading = _wrapped((made.layout.title.text or "").replace("<br>", " "), width - 16, 15) if title else ""
    lines = heading.count("<br>") + 1 if heading else 0
    made.update_layout(
        title={
            "text": heading,
            "font": {"size": 15},
            "y": 1,
            "yanchor": "top",
            "yref": "container",
            "pad": {"t": 6 if lines < 2 else 17},
        },
        margin={"t": 16 + 19 * lines},
        font={"family": FONTS},
        legend={"maxheight": 100_000},
        width=width,
        height=wanted + AROUND + 20 * len(made.data),
    )
    made.for_each_xaxis(lambda axis: _shorten_axis(axis, width - 80))
    made.for_each_yaxis(lambda axis: _shorten_axis(axis, wanted))
    for trace in made.data:
        if trace.name:
            trace.name = _wrapped(trace.name, width - 70, TEXT)
    made.for_each_xaxis(lambda axis: _fit_names(axis, width - 90))
    if narrow:
        _fit_cells(made, width)
    return made, wanted


def _shorten_axis(axis: Any, pixels: float) -> None:
    if axis.title.text:
        axis.title.update(text=_wrapped(axis.title.text, pixels, TEXT), font={"size": TEXT}, standoff=8)


def _fit_names(axis: Any, pixels: float) -> None:
    """Names at an axis that are wider than their place stand upright, in as many lines as fit beside each other."""
    if axis.type != "category" or not axis.ticktext:
        return
    names = [re.sub(r"[(,](?=\S)", _spaced, str(name).replace("<br>", "")) for name in axis.ticktext]
    place, longest = pixels / len(names), max(map(len, names))
    if LETTER * TEXT * max(len(line) for name in axis.ticktext for line in str(name).split("<br>")) <= place:
        return
    size = TEXT if place >= 4 * TEXT or longest <= UPRIGHT else SMALL
    lines = max(1, int(place / (1.35 * size)))
    letters = next(n for n in range(8, longest + 9) if all(len(textwrap.wrap(name, n)) <= lines for name in names))
    word = max(len(word) for name in names for word in name.split())
    broken = ["<br>".join(textwrap.wrap(name, max(letters, word))) for name in names]
    axis.update(ticktext=broken, tickangle=-90, tickfont={"size": size})


def _spaced(mark: re.Match[str]) -> str:
    return f" {mark[0]}" if mark[0] == "(" else f"{mark[0]} "


def _fit_cells(made: go.Figure, width: int) -> None:
    """The bar of colours goes below a heat map, and what is written in its cells is as small as they are narrow."""
    maps = [trace for trace in made.data if trace.type == "heatmap"]
    if not maps:
        return
    for trace in maps:
        if trace.showscale is not False:
            bar = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "thickness": 10}
            trace.colorbar.update(bar, title={"side": "bottom"})
    columns = max(len(trace.x) if trace.x is not None else len(trace.z[0]) for trace in maps)
    cell = (width - 90) / columns
    for note in made.layout.annotations:
        longest = max((len(re.sub(r"<[^>]*>", "", line)) for line in str(note.text).split("<br>")), default=0)
        fitting = max(8.0, min(note.font.size or TEXT, cell / (LETTER * max(longest, 1))))
        note.font.size = fitting
        note.text = re.sub(r"font-size:\s*\d+px", f"font-size:{min(11.0, max(7.0, 0.8 * fitting)):.1f}px", note.text)


def plotting_height(svg: str) -> float:
    """Of all axes together, in the pixels of the layout; 0 where a figure has none."""
    found = re.findall(
        r'class="axesclip" id="[^"]*y\d*"><rect x="0" y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', svg
    )
    spans = [(float(top), float(top) + float(height)) for top, height in found]
    return max(bottom for _, bottom in spans) - min(top for top, _ in spans) if spans else 0.0


def described(svg: str, plot: Plot, width_mm: float, height_mm: float) -> str:
    """With its size in millimetres, and with what it shows in words for who does not see it."""
    size = rf'\1width="{width_mm:g}mm" height="{height_mm:.2f}mm"'
    sized = re.sub(r'^(<svg [^>]*?)width="[\d.]+" height="[\d.]+"', size, svg, count=1)
    words = f"<title>{_xml(plot.title)}</title><desc>{_xml(f'{plot.alt}. {plot.caption}')}</desc>"
    return re.sub(r"^(<svg [^>]*>)", lambda head: head[1] + words, sized, count=1)


def caption(plot: Plot, provenance: str = "", address: str = "") -> str:
    """A paragraph: what is shown, what marks and bars are, n, where the numbers come from and where they stand."""
    grade = f"Validity of the measurements: {plot.grade}, of A to D." if plot.grade else ""
    title = plot.title if plot.title.endswith((".", "?", "!")) else f"{plot.title}."
    return " ".join(filter(None, [title, plot.caption, grade, provenance, address]))


def latex_figure(plot: Plot, file: str, width_mm: int, provenance: str = "", address: str = "") -> str:
    """What stands in a paper for it: `figure*` where it takes both columns."""
    kind = "figure" if width_mm < 120 else "figure*"
    lines = [
        f"% mgic: figure {address or plot.name}",
        rf"\begin{{{kind}}}",
        r"  \centering",
        rf"  \includegraphics[width={width_mm}mm]{{{file}}}",
        rf"  \caption{{{latex_words(caption(plot, provenance))}}}",
        rf"  \label{{fig:{plot.name}}}",
        rf"\end{{{kind}}}",
    ]
    return "\n".join(lines) + "\n"


def file_name(plot: Plot, kind: str, width_mm: int) -> str:
    return f"{plot.name}-{width_mm}mm.{kind}"


def _wrapped(text: str, pixels: float, size: float) -> str:
    """Broken where a line would be longer; what is broken already stays so."""
    letters = max(12, int(pixels / (LETTER * size)))
    parts = [part if len(part) <= letters else re.sub(r",(?=\S)", ", ", part) for part in text.split("<br>")]
    lines = [line for part in parts for line in textwrap.wrap(part, letters, break_on_hyphens=False)]
    return "<br>".join(lines)


def _with_size(png: bytes) -> bytes:
    """With its resolution, by which it has the width in print that was asked for."""
    text = BytesIO()
    Image.open(BytesIO(png)).save(text, "png", dpi=(DPI, DPI), optimize=True)
    return text.getvalue()


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
