"""A browser, whose pages fail for an error on the console or a request to another host, and something to look at."""

import os
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.places import full
from tests.conftest import Service, start_service, stop_service

PROBES = re.compile(r"/_stcore/(health|host-config)$")  # Streamlit looks for itself below the page's address first
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = [{"viewport": size, "color_scheme": scheme} for size in (DESK, PHONE) for scheme in ("light", "dark")]
SEEN = [f"{look['viewport']['width']}-{look['color_scheme']}" for look in LOOKS]  # their names
MARKED = 'document.body.dataset.marked = "here"'  # is gone once a page has been loaded anew


@pytest.fixture(scope="package")  # not of the session: its event loop is in the way of other tests of the process
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        words = "no Chromium here: apt-get install chromium"
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, service) -> Iterator[Page]:
    """At a desk, in light."""
    yield from watched(browser, service, viewport=DESK)


@pytest.fixture(scope="package")
def fresh(tmp_path_factory) -> Iterator[Service]:
    """A service on which nothing has run; a test that leaves something there takes it away."""
    running = start_service(tmp_path_factory.mktemp("fresh") / "home")
    yield running
    stop_service(running)


@pytest.fixture
def desk(browser, fresh) -> Iterator[Page]:
    """Of that service, at a desk, in light."""
    yield from watched(browser, fresh, viewport=DESK)


@pytest.fixture(params=LOOKS, ids=SEEN)
def every_look(browser, service, request) -> Iterator[Page]:
    """At a desk and on a phone, in light and in dark."""
    yield from watched(browser, service, **request.param)


def watched(browser: Browser, service: Service, **settings) -> Iterator[Page]:
    context = browser.new_context(base_url=service.dashboard_url, **settings)
    page = context.new_page()
    wrong: list[str] = []

    def answered(response) -> None:
        if not response.url.startswith((service.dashboard_url, service.url)) and response.url.startswith("http"):
            wrong.append(f"asked another host: {response.url}")
        if response.status >= 400 and not PROBES.search(response.url):
            wrong.append(f"{response.status} {response.url}")

    def told(message) -> None:
        if message.type == "error" and not PROBES.search(message.location.get("url", "")):
            wrong.append(message.text)

    page.on("response", answered)
    page.on("console", told)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def addresses(service) -> dict[str, str]:
    """An address of every page, with something on it."""
    return full(service.client)


def settle(page: Page) -> None:
    """Until Streamlit has drawn what it draws."""
    page.wait_for_load_state("networkidle")
    page.get_by_test_id("stStatusWidget").wait_for(state="detached", timeout=60_000)
