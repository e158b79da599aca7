"""Pictures of pages, of a service of its own with the shipped results.

`python -m tests.pictures` makes that of README and docs anew; `python -m tests.pictures FOLDER` puts one of every page
there, empty and full, light and dark, at a desk and on a phone: some ten minutes, to be looked at.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import DESK, PHONE, settle
from tests.browser.places import NOTHING_YET, full
from tests.conftest import Service, start_service, stop_service

PICTURE = Path(__file__).parents[1] / "docs" / "sweep.png"
SIZE = {"width": 1440, "height": 900}
DRAWN_MS = 120_000
LONGEST = 6000  # pixels of a page


def of_readme(browser: Browser, service: Service) -> None:
    """A sweep, once its first plots are drawn."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(service.dashboard_url + full(service.client)["sweep"])
    page.locator(".js-plotly-plot .main-svg").nth(3).wait_for(timeout=DRAWN_MS)
    _still(page)
    page.screenshot(path=PICTURE)
    print(PICTURE)


def of_all(browser: Browser, service: Service, folder: Path) -> None:
    of_each(browser, service, NOTHING_YET, folder / "empty")
    of_each(browser, service, full(service.client), folder / "full")


def of_each(browser: Browser, service: Service, addresses: Mapping[str, str], folder: Path) -> None:
    """In its whole height, in both looks and at both widths."""
    folder.mkdir(parents=True, exist_ok=True)
    for size in (DESK, PHONE):
        for scheme in ("light", "dark"):
            for name, address in addresses.items():
                page = browser.new_page(viewport=size, color_scheme=scheme)
                page.goto(service.dashboard_url + address)
                settle(page)
                _still(page)
                height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                page.set_viewport_size({"width": size["width"], "height": min(LONGEST, height)})
                _still(page)
                page.screenshot(path=folder / f"{name}-{size['width']}-{scheme}.png")
                page.close()
    print(folder)


def _still(page: Page) -> None:
    """What is drawn has moved to its place."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(3000)


def main() -> None:
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        service = start_service(Path(home) / "home")
        try:
            if len(sys.argv) > 1:
                of_all(browser, service, Path(sys.argv[1]))
            else:
                of_readme(browser, service)
        finally:
            stop_service(service)
            browser.close()


if __name__ == "__main__":
    main()
