"""The whole way, once, in a real browser: form, API, store, worker, plot."""

import os
import re
import shutil

import pytest
from playwright.sync_api import Page, expect, sync_playwright

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
    for title in ("Group size", "Coarsest size"):
        field = page.get_by_label(re.compile(f"^{title}"))
        field.fill("8, 16")
        field.press("Enter")
        settle(page)
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
    assert page.locator(".js-plotly-plot").first.locator(".scatterlayer .point").count() >= 4


def test_a_wrong_value_is_named_at_its_field_and_nothing_is_lost(page):
    page.goto("/new")
    field = page.get_by_label(re.compile("^Group size"))
    field.fill("4, 99999")
    field.press("Enter")
    expect(page.get_by_text(re.compile("group_size.*less than or equal to 1024")).first).to_be_visible(timeout=60_000)
    expect(field).to_have_value("4, 99999")
    expect(page.get_by_role("link", name="1 field to correct")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_disabled()


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
