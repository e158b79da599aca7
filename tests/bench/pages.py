"""How long until a page has drawn its first plot or table: `python -m tests.bench pages`, some six minutes."""

import shutil
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from tests.bench import lists
from tests.conftest import Service, start_service, stop_service

STORES = (50, 5_000)  # runs
TIMES = 7  # each in a browser context of its own, so that nothing is kept from the one before
WAIT_MS = 60_000
PLOT, TABLE = ".js-plotly-plot .main-svg", '[data-testid="stDataFrame"]'


def measure(folder: Path) -> None:
    """Prints milliseconds from the request to the first plot or table, median and range."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for count in STORES:
            home = folder / str(count)
            home.mkdir()
            lists.fill(home, count)
            running = start_service(home)
            try:
                _pages(browser, running, count)
            finally:
                stop_service(running)
        browser.close()


def chromium() -> str:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("no Chromium here: apt-get install chromium")
    return path


def _pages(browser: Browser, running: Service, count: int) -> None:
    (demo,) = [one for one in running.client.load_demo() if one.experiment == "classification"]
    for name, path, wanted in (
        ("sweep of the shipped results", f"/sweep?sweep={demo.id}", PLOT),
        ("trade-off of them", f"/tradeoff?sweep={demo.id}", PLOT),
        ("runs", "/runs", TABLE),
        ("overview", "/", PLOT),
    ):
        took = [_first(browser, f"{running.dashboard_url}{path}", wanted) for _ in range(TIMES)]
        numbers = f"{median(took):.0f} | {min(took):.0f} to {max(took):.0f} | {TIMES}"
        print(f"| {name}, {count:,} runs in the store | {numbers} |", flush=True)


def _first(browser: Browser, url: str, wanted: str) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(url)
    page.locator(wanted).first.wait_for(state="visible", timeout=WAIT_MS)
    took = 1000 * (time.perf_counter() - begin)
    context.close()
    return took
