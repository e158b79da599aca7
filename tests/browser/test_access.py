"""Every page for everybody: axe finds nothing serious, nothing scrolls sideways; light and dark, desk and phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE, settle, watched
from tests.cases import thorough

pytestmark = pytest.mark.browser

PAGES = ("overview", "new", "sweeps", "sweep", "runs", "run", "compare", "tradeoff", "ablation", "latency")
PAGES += ("regressions", "comparison", "reconstructions", "models", "model", "paper", "system", "help")
# Streamlit's own, which no page can change: the rule of axe, and what its elements are known by.
THEIRS = {"list": ("stSidebarNav",), "listitem": ("e1o1t1hb",)}


def serious(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]} {node['target']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
        if not any(mark in str(node["target"]) + node["html"] for mark in THEIRS.get(one["id"], ()))
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
