"""Make the pictures of README and docs anew: `python -m tests.pictures --pages http://127.0.0.1:8501`.

They are of the newest finished sweep of `ablation_quick`, which `make up` submits first; the page is taken as it is.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from mgic.client import Client
from mgic.records import RunStatus

DOCS = Path(__file__).parents[1] / "docs"
RECIPE = "ablation_quick"
SIZE = {"width": 1440, "height": 900}
DRAWN_MS = 120_000


def newest(api: Client) -> str:
    """The id of the sweep, whose runs have all succeeded. Raises `LookupError`."""
    for sweep in api.sweeps(limit=500).items:
        if sweep.recipe == RECIPE and sweep.counts.get(RunStatus.SUCCEEDED) == sweep.total:
            return str(sweep.id)
    raise LookupError(f"{api.url} has no finished sweep of {RECIPE}")


def take(pages: str, sweep: str, path: Path) -> None:
    """The page of a sweep, down to its first plots."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(f"{pages.rstrip('/')}/sweep?sweep={sweep}")
        page.locator(".js-plotly-plot .main-svg").nth(3).wait_for(timeout=DRAWN_MS)
        page.get_by_role("button", name="Numbers and files").nth(1).wait_for(timeout=DRAWN_MS)
        page.wait_for_timeout(3000)  # what is drawn moves to its place
        page.screenshot(path=path)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", default="http://127.0.0.1:8501", help="where the pages are")
    parser.add_argument("--api-url", default="http://127.0.0.1:8000", help="where the API is")
    given = parser.parse_args()
    with Client(given.api_url, timeout=60) as api:
        try:
            sweep = newest(api)
        except LookupError as error:
            sys.exit(str(error))
    path = DOCS / "sweep.png"
    take(given.pages, sweep, path)
    print(path)


if __name__ == "__main__":
    main()
