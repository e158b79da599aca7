"""From nothing to a figure in PDF, as a new user: `python -m tests.bench figure`, some three minutes.

Twice: by the shipped results, and by a first run from the form, each with a browser that has kept nothing.
"""

import re
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.pages import chromium
from tests.conftest import start_service, stop_service

WAIT_MS = 600_000


def measure(folder: Path) -> None:
    """Prints seconds since `mgic up` was typed, in an empty folder, until each step is done."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for words, walk in (("the shipped results", _shipped), ("a first run", _first_run)):
            begin = time.perf_counter()
            running = start_service(folder / words.replace(" ", "-"))
            try:
                steps = {"it is ready": time.perf_counter() - begin}
                steps |= {step: at - begin for step, at in walk(browser, running.dashboard_url).items()}
            finally:
                stop_service(running)
            for step, seconds in steps.items():
                print(f"| {words}: {step} | {seconds:.1f} s |", flush=True)
        browser.close()


def _shipped(browser: Browser, url: str) -> dict[str, float]:
    page = _opened(browser, url)
    page.get_by_role("button", name="Load demo data").click(timeout=WAIT_MS)
    return _saved(page)


def _first_run(browser: Browser, url: str) -> dict[str, float]:
    """The form as it is but for the few steps of a training that is only to be seen."""
    page = _opened(browser, url)
    page.get_by_role("link", name="New sweep").first.click(timeout=WAIT_MS)
    steps = page.get_by_label(re.compile("^Most steps"))
    steps.fill("10", timeout=WAIT_MS)
    steps.press("Enter")
    page.get_by_role("button", name="Run 1 cell").click(timeout=WAIT_MS)
    page.wait_for_url(re.compile("sweep="), timeout=WAIT_MS)
    queued = time.perf_counter()
    page.get_by_text("1 of 1 runs ended").wait_for(timeout=WAIT_MS)
    return {"it is queued": queued, "it has ended": time.perf_counter()} | _saved(page)


def _opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(url)
    return page


def _saved(page: Page) -> dict[str, float]:
    """Its first plot as PDF; that of the first page has its files on the page of its sweep."""
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=WAIT_MS)
    drawn = time.perf_counter()
    if not page.get_by_role("button", name="Numbers and files").count():
        page.get_by_role("link", name="Group size against coarsest size").first.click()
    page.get_by_role("button", name="Numbers and files").first.click(timeout=WAIT_MS)
    with page.expect_download(timeout=WAIT_MS) as waiting:
        page.get_by_role("button", name="PDF 85 mm").click(timeout=WAIT_MS)
    content = Path(waiting.value.path()).read_bytes()
    assert content.startswith(b"%PDF"), content[:20]
    return {"a plot is drawn": drawn, "its PDF is saved": time.perf_counter()}
