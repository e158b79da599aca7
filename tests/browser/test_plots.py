"""What each plot has: title, axes with units, its numbers, its files; and what a reader is told of a point."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import settle
from tests.browser.legible import crowded
from tests.browser.many import imported, many, of_models
from tests.cases import thorough

pytestmark = pytest.mark.browser

WITH_PLOTS = ("sweep", "run", "compare", "tradeoff", "ablation", "latency", "paper", "model")
WITH_PLOTS += ("regressions", "comparison")
PLOTS = ".js-plotly-plot"
DRAWN_MS = 60_000
ODD = "<b>x</b> $x$ &amp; 1"


@pytest.fixture(scope="session")
def large(service) -> dict[str, str]:
    """Addresses of a sweep of 500 runs and of one of ten networks."""
    return many(service)


def drawn(page: Page, address: str) -> Page:
    page.goto(address)
    page.locator(f"{PLOTS} .main-svg").first.wait_for(timeout=DRAWN_MS)
    settle(page)
    return page


@pytest.mark.parametrize("name", thorough(*WITH_PLOTS))
def test_every_plot_has_title_axes_numbers_and_files_and_nothing_lies_over_its_words(every_look, addresses, name):
    page = drawn(every_look, addresses[name])
    plots = page.locator(PLOTS)
    for plot in plots.all():
        assert plot.locator(".gtitle").first.text_content()
        for axis in ("x", "y"):
            if plot.locator(f".{axis}tick").count():
                assert plot.locator(f"[class*={axis}][class*=title]").count(), plot.locator(
                    ".gtitle"
                ).first.text_content()
    menus = page.get_by_role("button", name="Numbers and files")
    expect(menus.last).to_be_visible(timeout=DRAWN_MS)
    assert menus.count() == plots.count()
    menus.first.click()
    for kind in ("Numbers as CSV", "SVG 85 mm", "PDF 85 mm", "PNG 85 mm"):
        expect(page.get_by_role("button", name=kind)).to_be_visible(timeout=DRAWN_MS)
    page.keyboard.press("Escape")
    assert crowded(page) == []


@pytest.mark.parametrize("name", thorough("500-sweep", "500-ablation", "500-compare", "500-tradeoff"))
def test_plots_of_500_runs_over_three_fields_are_legible(every_look, large, name):
    page = drawn(every_look, large[name])
    assert crowded(page) == []
    expect(page.get_by_test_id("stException")).to_have_count(0)


@pytest.mark.parametrize("name", thorough("10-sweep", "10-compare", "10-tradeoff"))
def test_plots_of_ten_networks_with_five_seeds_are_legible(every_look, large, name):
    page = drawn(every_look, large[name])
    assert crowded(page) == []
    expect(page.get_by_test_id("stException")).to_have_count(0)


def hovered(page: Page, plot: Locator) -> str:
    """What is told of the first mark that tells anything: single runs behind their mean do not."""
    plot.scroll_into_view_if_needed()
    told = plot.locator(".hoverlayer .hovertext").first
    for box in [mark.bounding_box() for mark in plot.locator(".scatterlayer .points path.point").all()]:
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(400)
        if told.count():
            return str(told.text_content())
    pytest.fail("no mark tells anything")


@pytest.mark.thorough
def test_a_point_tells_unit_n_and_spread_and_a_click_leads_to_its_runs(page, addresses):
    plot = drawn(page, addresses["tradeoff"]).locator(PLOTS).first
    told = hovered(page, plot)
    assert re.search(r"%", told)
    assert re.search(r"n = 3|seed", told)
    assert re.search(r"MACs", told)
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_text("3 runs are marked")).to_be_visible(timeout=DRAWN_MS)  # its seeds
    page.get_by_test_id("stMain").get_by_role("link", name=re.compile("^run [0-9a-f]{8}$")).first.click()
    page.wait_for_url(re.compile(r"/run\?run=[0-9a-f-]{36}"), timeout=DRAWN_MS)


@pytest.mark.thorough
def test_a_name_of_an_old_row_stands_as_written_in_a_plot_its_hover_and_its_numbers(page, service):
    (sweep,) = imported(service, of_models([ODD, "resnet20"]))
    plot = drawn(page, f"/tradeoff?sweep={sweep}").locator(PLOTS).first
    assert ODD in hovered(page, plot)
    assert plot.locator(".textpoint text", has_text=ODD).count() == 1
    page.mouse.move(0, 0)
    page.get_by_role("button", name="Numbers and files").first.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Numbers as CSV").click(timeout=DRAWN_MS)
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text())))
    assert any(ODD in row.values() or any(ODD in text for text in row.values()) for row in rows)
