"""The whole way, once, in a real browser: form, API, store, worker, plot."""

import re
import sqlite3

import pytest
from playwright.sync_api import Page, expect

from dashboard.pages import PLACES
from mgic.records import Sweep, SweepRequest
from tests.browser.conftest import DESK, PHONE, settle
from tests.cases import thorough

pytestmark = pytest.mark.browser

ODD = "<b>x</b> $x$ :smile:"


def test_from_the_form_to_the_plot_to_the_run(page):
    page.goto("/new")
    expect(page.get_by_role("heading", name="New sweep")).to_be_visible(timeout=60_000)
    for title in ("Group size", "Coarsest size"):  # one after the other, before the page has answered
        field = page.get_by_label(re.compile(f"^{title}"))
        field.fill("8, 16")
        field.press("Enter")
    expect(page.get_by_role("button", name="Run 4 cells")).to_be_visible(timeout=60_000)
    for name, text in (("Most steps", "3"), ("Learning rate$", "0.1")):
        page.get_by_label(re.compile(f"^{name}")).fill(text)
        page.get_by_label(re.compile(f"^{name}")).press("Enter")
        settle(page)
    page.get_by_role("button", name="Run 4 cells").click()
    expect(page.get_by_text("4 of 4 runs ended")).to_be_visible(timeout=180_000)
    assert re.search(r"/sweep\?.*sweep=[0-9a-f-]{36}", page.url)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(4, timeout=60_000)
    points = page.locator(".js-plotly-plot").first.locator(".scatterlayer .point")
    expect(points.nth(3)).to_be_attached(timeout=60_000)  # what says that all have ended is drawn before they are


@pytest.mark.thorough
def test_a_wrong_value_is_named_at_its_field_and_nothing_is_lost(page):
    page.goto("/new")
    field = page.get_by_label(re.compile("^Group size"))
    field.fill("4, 99999")
    field.press("Enter")
    expect(page.get_by_text(re.compile("group_size.*less than or equal to 1024")).first).to_be_visible(timeout=60_000)
    expect(field).to_have_value("4, 99999")
    expect(page.get_by_role("link", name="1 field to correct")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()


def test_every_page_opens_and_does_not_scroll_sideways_in_a_narrow_window(page, subtests):
    page.goto("/")
    for place in [place for section in PLACES.values() for place in section if not place.hidden]:
        with subtests.test(place.title):
            page.set_viewport_size(DESK)
            page.get_by_test_id("stSidebarNav").get_by_role("link", name=place.title).click(timeout=60_000)
            title = place.title if place.url else "MGIC Lab"
            expect(page.get_by_role("heading", level=1, name=title)).to_be_visible(timeout=60_000)
            settle(page)
            expect(page.get_by_test_id("stException")).to_have_count(0)
            page.set_viewport_size(PHONE)
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.fixture(scope="module")
def counted(service) -> Sweep:
    """Six runs of a quick experiment, of an old sweep: its name is one that Markdown, HTML and LaTeX would change."""
    axes = {"channels": [16, 32], "side": [8], "seed": [0, 1, 2]}
    sweep = service.client.submit(SweepRequest(experiment="channel_scaling", axes=axes, tags=("walked",)))
    with sqlite3.connect(service.home / "mgic.db") as connection:
        connection.execute("update sweeps set name = ? where id = ?", (ODD, sweep.id.hex))
    return service.client.wait(sweep.id, timeout=180)


def cell(page: Page, row: int, x: int = 16) -> None:
    """Click into a row of the first table, 0 the first; -1 its titles."""
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible(timeout=60_000)
    table.click(position={"x": x, "y": 54 + 35 * row})
    settle(page)


def test_runs_are_filtered_compared_and_found_again_by_the_address(page, counted, browser, service):
    page.goto("/runs?tag=walked")
    expect(page.get_by_text("6 of 6 runs")).to_be_visible(timeout=60_000)
    box = page.get_by_role("textbox", name="Filter")
    box.fill("chanels=16")
    box.press("Enter")
    expect(page.get_by_text("did you mean 'config.channels'?")).to_be_visible(timeout=60_000)
    box.fill("channels=16, macs>0")
    box.press("Enter")
    expect(page.get_by_text("3 of 3 runs")).to_be_visible(timeout=60_000)
    filtered = page.url
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible(timeout=60_000)
    page.go_back()
    expect(page.get_by_text("3 of 3 runs")).to_be_visible(timeout=60_000)
    assert page.url == filtered
    expect(box).to_have_value("channels=16, macs>0")
    settle(page)
    cell(page, 0)
    expect(page.get_by_text("1 chosen")).to_be_visible(timeout=60_000)
    cell(page, 1)
    page.get_by_role("link", name="Compare 2").click()  # the third click
    expect(page.get_by_role("heading", name="Results")).to_be_visible(timeout=60_000)
    page.get_by_text("all", exact=True).first.click()
    expect(page.get_by_role("heading", name="Config", exact=True)).to_be_visible(timeout=60_000)
    assert "fields=all" in page.url
    other = browser.new_context(base_url=service.dashboard_url, viewport={"width": 390, "height": 844})
    shared = other.new_page()
    shared.goto(page.url)
    expect(shared.get_by_role("heading", name="Config", exact=True)).to_be_visible(timeout=60_000)
    expect(shared.locator(".js-plotly-plot")).to_have_count(2, timeout=60_000)
    settle(shared)
    assert shared.evaluate("document.documentElement.scrollWidth") <= 390
    other.close()


@pytest.mark.thorough
def test_what_is_chosen_stays_over_pages_and_orders_and_is_tagged_and_deleted(page, counted, service):
    page.goto("/runs?tag=walked&sort=config.seed")
    expect(page.get_by_text("6 of 6 runs")).to_be_visible(timeout=60_000)
    settle(page)
    cell(page, 5)
    cell(page, -1, x=80)  # the ids: the service does not sort by them
    assert "sort=config.seed" in page.url
    page.get_by_role("combobox", name="Sort by").click()
    page.get_by_role("option", name="oldest first").click()
    expect(page.get_by_text("1 chosen")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Tag, note").click()
    page.get_by_role("textbox", name="Add tags").fill("Odd one")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1 run changed.")).to_be_visible(timeout=60_000)
    (tagged,) = service.client.runs(tag="odd-one").items
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Yes, delete 1 run").click()
    expect(page.get_by_text("1 run deleted.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("5 of 5 runs")).to_be_visible(timeout=60_000)
    assert tagged.id not in {one.id for one in service.client.sweep_runs(counted.id)}


@pytest.mark.thorough
@pytest.mark.parametrize(
    "path", ["/runs?tag=walked&columns=sweep", "/sweeps?tag=walked", "/sweep?sweep={id}", "/compare?sweep={id}"]
)
def test_a_name_of_an_old_row_is_shown_as_it_is(page, counted, path):
    page.goto(path.format(id=counted.id))
    expect(page.get_by_role("heading").first).to_be_visible(timeout=60_000)
    settle(page)
    assert page.locator("main b, .katex, [data-testid=stException]").count() == 0
    if path.startswith("/sweep?"):
        assert page.get_by_role("heading", level=1).inner_text().replace("\u2060", "") == f"{ODD} walked"  # its tag
    if "s?tag" in path:  # tables are drawn; what they hold stands in their accessible twin
        expect(page.locator("canvas td", has_text=ODD).first).to_be_attached(timeout=60_000)


NOBODY = "00000000-0000-4000-8000-000000000000"


SEVERAL = ("/compare?run={0}", "/tradeoff?sweep={0}", "/ablation?sweep={0}", "/latency?sweep={0}", "/model?model={0}")
SEVERAL += ("/reconstructions?run={0}", "/picture?run={0}&file=x.png", "/runs?with={0}", "/new?run={0}")


@pytest.mark.parametrize(
    "path",
    [
        f"/run?run={NOBODY}",
        *thorough("/sweep", "/run", "/sweep?sweep=nonsense"),
        *thorough(*(path.format(word) for path in SEVERAL for word in ("nonsense", NOBODY))),
    ],
)
def test_an_address_that_leads_nowhere_says_so(page, path):
    page.goto(path)
    settle(page)
    expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_page_of_the_api_shows_it_and_sends_a_request(page, service):
    page.goto(f"{service.url}/docs")
    health = page.locator("#operations-service-get_health")
    health.get_by_role("button").first.click(timeout=60_000)
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
