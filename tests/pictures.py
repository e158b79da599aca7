"""Make the pictures of README and docs anew, of the demo data in a service of its own: `python -m tests.pictures`."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.conftest import start_service, stop_service

PICTURE = Path(__file__).parents[1] / "docs" / "sweep.png"
SWEEP = "Group size against coarsest size"
SIZE = {"width": 1440, "height": 900}
DRAWN_MS = 120_000


def take(address: str, path: Path) -> None:
    """A page as it is once its first plots are drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address)
        page.locator(".js-plotly-plot .main-svg").nth(3).wait_for(timeout=DRAWN_MS)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(3000)  # what is drawn moves to its place
        page.screenshot(path=path)
        browser.close()


def main() -> None:
    with TemporaryDirectory() as folder:
        service = start_service(Path(folder) / "home")
        try:
            (sweep,) = [one for one in service.client.load_demo() if one.name == SWEEP]
            take(f"{service.dashboard_url}/sweep?sweep={sweep.id}", PICTURE)
        finally:
            stop_service(service)
    print(PICTURE)


if __name__ == "__main__":
    main()
