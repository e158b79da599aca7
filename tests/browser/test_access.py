"""Every page for everybody: axe finds nothing serious, nothing scrolls sideways; light and dark, desk and phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, settle, watched
from tests.cases import thorough

pytestmark = pytest.mark.browser

PAGES = ("overview", "new", "sweeps", "sweep", "runs", "run", "compare", "tradeoff", "ablation", "latency")
PAGES += ("reconstructions", "models", "model", "paper", "system", "help")
# Streamlit's own, which no page can change: what it is, and the rule of axe.
THEIRS = {
    "scrollable-region-focusable": "the main column scrolls, and is reached by its contents",
}


def serious(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical") and one["id"] not in THEIRS
    ]


@pytest.mark.parametrize("scheme", ["light", *thorough("dark")])
@pytest.mark.parametrize("name", ["sweep", *thorough(*[name for name in PAGES if name != "sweep"])])
def test_axe_finds_nothing_serious(browser, service, addresses, name, scheme):
    for page in watched(browser, service, viewport=DESK, color_scheme=scheme):
        page.goto(addresses[name])
        settle(page)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert serious(page) == []


@pytest.mark.parametrize("name", thorough(*PAGES))
def test_nothing_scrolls_sideways(browser, service, addresses, name):
    for size in (DESK, PHONE):
        for page in watched(browser, service, viewport=size):
            page.goto(addresses[name])
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
