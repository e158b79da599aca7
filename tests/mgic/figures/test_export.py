"""Plots as files: sizes, what is kept of the figure, captions; one is drawn by a real browser."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from io import BytesIO

import plotly.graph_objects as go
import pytest
from PIL import Image

from mgic.figures.export import PER_MM, TEXT, ZOOM, caption, described, file_of, latex_figure, plotting_height, printed
from mgic.figures.plot import Plot
from mgic.figures.provenance import provenance, runs_of
from mgic.figures.style import LIGHT, Look, figure
from tests.dashboard.made import run

LONG = "a name of a series that is longer than a column of a paper is wide, group_size=8, coarsest_size=16"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def drawn(look: Look, height: int = 440) -> go.Figure:
    made = figure("A title that takes more than a line in one column of a paper", "cost", "top1 (%)", look, height)
    made.add_scatter(x=[1, 2], y=[3, 4], name="short")
    return made.add_scatter(x=[1, 2], y=[4, 3], name=LONG)


PLOT = Plot("some-plot", "Some plot", drawn, "Bars: 95 % of a_b.", "Two lines", list)


def test_text_has_eight_points_in_a_column_of_85_millimetres():
    width = round(85 * PER_MM / ZOOM)
    made, wanted = printed(PLOT, width, LIGHT)
    scale = 85 * PER_MM / width
    assert made.layout.width * scale / 96 * 25.4 == pytest.approx(85)
    assert TEXT * scale / 96 * 72 == pytest.approx(8, rel=0.01)
    assert wanted < 440
    assert "<br>" in made.layout.title.text
    assert max(map(len, made.data[1].name.split("<br>"))) < 50
    assert made.data[1].name.replace("<br>", " ") == LONG
    assert printed(PLOT, width, LIGHT, title=False)[0].layout.title.text == ""


def test_the_plotting_area_is_read_from_what_was_drawn():
    rect = '<clipPath class="axesclip" id="clip1{}"><rect x="0" y="{}" width="392" height="{}"/></clipPath>'
    assert plotting_height(rect.format("y", 56, 175) + rect.format("y2", 260, 40)) == 244
    assert plotting_height("<svg/>") == 0


def test_an_svg_has_its_size_in_millimetres_and_says_what_it_shows():
    text = described(
        '<svg class="m" width="321.2" height="327.8" style=""><rect width="1" height="2"/>', PLOT, 85, 86.7
    )
    assert 'width="85mm" height="86.70mm"' in text
    assert "<title>Some plot</title><desc>Two lines. Bars: 95 % of a_b.</desc><rect" in text


def test_a_caption_says_what_where_from_and_where():
    assert caption(PLOT, "3 runs.", "http://lab/x") == "Some plot. Bars: 95 % of a_b. 3 runs. http://lab/x"
    text = latex_figure(PLOT, "a.pdf", 85, "3 runs.", "http://lab/x?a=1&b=%20")
    assert text.startswith("% mgic: figure http://lab/x?a=1&b=%20\n\\begin{figure}\n")
    assert r"\includegraphics[width=85mm]{a.pdf}" in text
    assert r"Bars: 95 \% of a\_b. 3 runs." in text
    assert r"\begin{figure*}" in latex_figure(PLOT, "a.pdf", 175)


def test_provenance_is_of_every_run_that_ended_well():
    environment = {"experiment_version": 2, "source": {"commit": "abcdef0123456789", "dirty": True}}
    done = [
        run(at, result={"dataset_hash": "c1187c6754b3"}, dataset="digits").model_copy(
            update={"environment": environment, "finished_at": datetime(2026, 1, 2 + at, tzinfo=UTC)}
        )
        for at in range(2)
    ]
    found = runs_of({"a": (done[0], done), "b": [done[1], "no run"]})
    assert found == done
    assert provenance(found) == (
        "2 runs (classification 2); MGIC Lab at abcdef012345, with uncommitted changes; data digits (c1187c67); "
        "ended 2026-01-02 to 2026-01-03."
    )
    assert provenance([]) == ""
    demo = [one.model_copy(update={"imported": True, "sweep_tags": ("demo",)}) for one in found]
    assert "; demo data, measured elsewhere and imported; " in provenance(demo)
    assert "; measured elsewhere and imported; " in provenance([demo[0].model_copy(update={"sweep_tags": ()})])


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no browser here")
@pytest.mark.parametrize("kind", ["svg", *(pytest.param(kind, marks=pytest.mark.thorough) for kind in ("pdf", "png"))])
def test_a_file_has_text_as_text_and_the_size_that_was_asked_for(kind):
    content = file_of(PLOT, kind, 85)
    if kind == "svg":
        assert ">short</text>" in content.decode()
        assert 'width="85mm"' in content.decode()
        assert plotting_height(content.decode()) == pytest.approx(printed(PLOT, 392, LIGHT)[1], abs=4)
    elif kind == "pdf":
        assert content.startswith(b"%PDF")
        assert b"/FontFile2" in content or b"/ObjStm" in content
        assert b"/MediaBox [0 0 240.9" in content  # points: 85 mm
    else:
        picture = Image.open(BytesIO(content))
        assert picture.width == pytest.approx(85 / 25.4 * 300, abs=1)
        assert picture.info["dpi"][0] == pytest.approx(300, abs=1)


def test_where_there_is_no_browser_a_sentence_names_the_package(monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chromium")
    command = (
        "from mgic.figures.chromium import draw\nfrom mgic.errors import Unavailable\n"
        "try: draw({'data': [], 'layout': {}}, 'svg', 10, 10, 1)\nexcept Unavailable as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=120)
    assert "Debian package `chromium`" in done.stdout
    assert "`plotly_get_chrome` download" in done.stdout
    assert done.stderr == ""


def test_a_look_that_draws_dark_is_dark():
    made, _ = printed(Plot("a", "a", partial(drawn, height=500), "", "", list), 392, LIGHT)
    assert made.layout.template.layout.paper_bgcolor == LIGHT.background
