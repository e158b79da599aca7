"""Pictures of pages, of a service of its own with the shipped results.

`python -m tests.pictures` makes that of README and docs anew; `python -m tests.pictures FOLDER` puts one of every page
there, empty and full, light and dark, at a desk and on a phone, and of the pages of a sweep of 500 runs and of one of
ten networks: some twenty minutes, to be looked at. With names of pages behind it, only of these.
"""

import argparse
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, sync_playwright

from mgic.records import SweepRequest
from tests.browser.conftest import LOOKS, SEEN, settle
from tests.browser.many import many
from tests.browser.places import NOTHING_YET, full
from tests.conftest import Service, start_service, stop_service

PICTURE = Path(__file__).parents[1] / "docs" / "sweep.png"
SIZE = {"width": 1440, "height": 900}
DRAWN_MS = 120_000
LONGEST = 6000  # pixels of a page
STILL_MS = 2000


def of_readme(browser: Browser, service: Service) -> None:
    """A sweep, once its first plots are drawn."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    page.goto(service.dashboard_url + full(service.client)["sweep"])
    page.locator(".js-plotly-plot .main-svg").nth(3).wait_for(timeout=DRAWN_MS)
    _still(page)
    page.screenshot(path=PICTURE)
    print(PICTURE)


def of_all(browser: Browser, service: Service, folder: Path, names: Collection[str]) -> None:
    of_each(browser, service, _only(names, NOTHING_YET), folder / "empty")
    pictured = service.client.submit(SweepRequest(recipe="table1_quick"))
    addresses = full(service.client) | many(service)
    service.client.wait(pictured.id)
    of_each(browser, service, _only(names, addresses), folder / "full")


def of_each(browser: Browser, service: Service, addresses: Mapping[str, str], folder: Path) -> None:
    """In its whole height, in both looks and at both widths."""
    folder.mkdir(parents=True, exist_ok=True)
    for look, words in zip(LOOKS, SEEN, strict=True):
        context = browser.new_context(base_url=service.dashboard_url, **look)
        for name, address in addresses.items():
            page = context.new_page()
            page.goto(address)
            page.get_by_test_id("stMain").get_by_role("heading", level=1).first.wait_for(timeout=DRAWN_MS)
            settle(page)
            _still(page)
            height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
            page.set_viewport_size({"width": look["viewport"]["width"], "height": min(LONGEST, height)})
            _still(page)
            page.screenshot(path=folder / f"{name}-{words}.png", timeout=DRAWN_MS)
            page.close()
            print(folder / f"{name}-{words}.png", flush=True)
        context.close()


def _only(names: Collection[str], addresses: Mapping[str, str]) -> dict[str, str]:
    return {name: address for name, address in addresses.items() if not names or name in names}


def _still(page: Page) -> None:
    """What is drawn has moved to its place."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(STILL_MS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where they go; none: that of README and docs is made")
    parser.add_argument("names", nargs="*", help="pages; none: all")
    args = parser.parse_args()
    with TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        service = start_service(Path(home) / "home")
        try:
            if args.folder:
                of_all(browser, service, args.folder, args.names)
            else:
                of_readme(browser, service)
        finally:
            stop_service(service)
            browser.close()


if __name__ == "__main__":
    main()
