"""The whole way, once, in a real browser: form, API, store, worker, plot."""

import os
import re
import shutil
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from dashboard.words import JOINER
from mgic.records import SweepRequest

pytestmark = pytest.mark.browser

PROBES = re.compile(r"/_stcore/(health|host-config)$")  # Streamlit looks for itself below the page's address first
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        words = "no Chromium here: apt-get install chromium"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, service):
    """A page of its own that fails the test for an error on the console or a request to another host."""
    context = browser.new_context(base_url=service.dashboard_url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong = []

    def answered(response):
        if not response.url.startswith((service.dashboard_url, service.url)) and response.url.startswith("http"):
            wrong.append(f"asked another host: {response.url}")
        if response.status >= 400 and not PROBES.search(response.url):
            wrong.append(f"{response.status} {response.url}")

    def told(message):
        if message.type == "error" and not PROBES.search(message.location.get("url", "")):
            wrong.append(message.text)

    page.on("response", answered)
    page.on("console", told)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


def settle(page: Page) -> None:
    """Until Streamlit has drawn what it draws."""
    page.wait_for_load_state("networkidle")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=60_000)


def test_from_the_form_to_the_plot_to_the_run(page):
    page.goto("/new")
    expect(page.get_by_role("heading", name="New sweep")).to_be_visible(timeout=60_000)
    for name in ("group_size", "coarsest_size"):
        field = page.get_by_label(re.compile(f"^{name}"))
        field.fill("8, 16")
        field.press("Enter")
        settle(page)
    expect(page.get_by_role("button", name="Run 4 cells")).to_be_visible(timeout=60_000)
    for name, text in (("max_steps", "3"), ("learning_rate", "0.1")):
        page.get_by_label(re.compile(f"^{name}")).fill(text)
        page.get_by_label(re.compile(f"^{name}")).press("Enter")
        settle(page)
    page.get_by_role("button", name="Run 4 cells").click()
    expect(page.get_by_text("4 of 4 runs ended")).to_be_visible(timeout=180_000)
    assert re.search(r"/sweep\?.*sweep=[0-9a-f-]{36}", page.url)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    expect(page.locator(".js-plotly-plot")).to_have_count(4, timeout=60_000)
    assert page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").count() >= 4


def test_a_wrong_value_is_named_at_its_field_and_nothing_is_lost(page):
    page.goto("/new")
    field = page.get_by_label(re.compile("^group_size"))
    field.fill("4, 99999")
    field.press("Enter")
    expect(page.get_by_text(re.compile("group_size.*less than or equal to 1024")).first).to_be_visible(timeout=60_000)
    expect(field).to_have_value("4, 99999")
    expect(page.get_by_role("link", name="1 field to correct")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()


RUN_BUTTON = re.compile(r"Run \d+ cells?")


@pytest.mark.thorough
@pytest.mark.parametrize("width", [1280, 390])
def test_run_is_in_sight_wherever_the_form_is_scrolled_to_and_two_tabs_away(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/new")
    run = page.get_by_role("button", name=RUN_BUTTON)
    expect(run).to_be_in_viewport(timeout=60_000)
    settle(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to main content"
    page.keyboard.press("Tab")
    expect(run).to_be_focused()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    expect(run).to_be_in_viewport(ratio=1)
    run.click(trial=True)  # nothing lies over it


@pytest.mark.thorough
def test_the_form_outlives_reload_back_and_forward_and_a_bad_field_is_led_to(page):
    page.goto("/new")
    size, seed, epochs = (page.get_by_label(re.compile(f"^{name}")) for name in ("group_size", "seed", "epochs"))
    for field, text in ((size, "4, 8"), (seed, "0, 1")):
        field.fill(text)
        field.press("Enter")
        settle(page)
    expect(page).to_have_url(re.compile("seed"))
    address = page.url
    page.reload()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    expect(size).to_have_value("4, 8")
    page.get_by_role("link", name="Help").first.click()
    expect(page.get_by_role("heading", name="Help").first).to_be_visible(timeout=60_000)
    settle(page)
    page.go_back()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    assert page.url == address
    page.go_back()
    expect(seed).to_have_value("0", timeout=60_000)
    settle(page)
    page.go_forward()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    epochs.fill("many")
    epochs.press("Enter")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    page.get_by_role("link", name="1 field to correct").click(timeout=60_000)
    expect(epochs).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")  # to its help
    page.keyboard.press("Tab")
    expect(epochs).to_be_focused()


ODD = "<b>x</b> :smile: :+1: :material/add: $y$ [a](b) `c` *d*"
AS_WRITTEN = re.compile(f"{JOINER}?".join(map(re.escape, ODD)))
EMOJI = re.compile("[\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}\N{THUMBS UP SIGN}]")


@pytest.mark.thorough
def test_a_name_of_an_old_row_is_shown_as_written_on_every_page(page, service):
    sweep = service.client.submit(SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]}))
    service.client.wait(sweep.id, timeout=120)
    with closing(sqlite3.connect(next(service.home.glob("*.db")))) as database, database:
        database.execute("update sweeps set name = ? where id = ?", (ODD, sweep.id.hex))
    run = service.client.sweep_runs(sweep.id)[0]
    assert service.client.sweep(sweep.id).name == ODD
    for path in ("/", f"/sweep?sweep={sweep.id}"):
        page.goto(path)
        expect(page.get_by_test_id("stMain").get_by_text(AS_WRITTEN).first).to_be_visible(timeout=60_000)
    pages = ("/sweeps", "/runs", f"/run?run={run.id}", f"/new?from_sweep={sweep.id}", "/reconstructions", "/system")
    for path in ("/", f"/sweep?sweep={sweep.id}", *pages):
        page.goto(path)
        expect(page.get_by_role("heading").first).to_be_visible(timeout=60_000)
        settle(page)
        expect(page.get_by_text(EMOJI)).to_have_count(0)
        expect(page.locator(".katex, b:text-is('x')")).to_have_count(0)


@pytest.mark.parametrize("path", ["/sweeps", "/runs", "/reconstructions", "/models", "/paper", "/system", "/help"])
def test_every_other_page_opens(page, path):
    page.goto(path)
    expect(page.get_by_role("heading", name=path.strip("/").capitalize())).to_be_visible(timeout=60_000)
    settle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("path", ["/sweep", "/run", "/sweep?sweep=nonsense", f"/run?run={NOBODY}"])
def test_an_address_that_leads_nowhere_says_so(page, path):
    page.goto(path)
    settle(page)
    expect(page.get_by_test_id("stAlert").first).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_narrow_window_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/", "/sweeps", "/runs", "/reconstructions", "/models", "/paper", "/system", "/help"):
        page.goto(path)
        settle(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, path


def test_the_page_of_the_api_shows_it_and_sends_a_request(page, service):
    page.goto(f"{service.url}/docs")
    health = page.locator("#operations-service-get_health")
    health.get_by_role("button").first.click(timeout=60_000)
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
