"""From the list of comparisons to one of them, to the history of its worst row, and back, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import settle
from tests.cases import thorough
from tests.comparisons import drawn

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("name", thorough("walk/<b>x</b> $y$"))
def test_from_the_list_to_one_and_to_its_history_and_back(page, service, name):
    for number in range(14):
        service.client.add_comparison(drawn("pass", number, base_ms=8 + (number > 6), name=name))
    worse = service.client.add_comparison(drawn("regression", 15, base_ms=9, name=name))
    page.goto("/regressions")
    expect(page.get_by_role("heading", name="Regressions")).to_be_visible(timeout=60_000)
    page.goto(f"/regressions?comparison={worse.id}")
    expect(page.get_by_role("heading", name=name)).to_be_visible(timeout=60_000)
    points = page.locator(".js-plotly-plot .scatterlayer .point")
    expect(points.nth(2 * (24 + 12) - 1)).to_be_attached(
        timeout=60_000
    )  # of two models, head and control; one was confirmed
    page.get_by_role("button", name="History of its worst row").click()
    expect(page.get_by_text("Change points by PELT")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("n = 15 comparisons").first).to_be_visible()
    assert re.search(r"[?&]name=walk", page.url)  # model and metric are those that it begins with
    settle(page)
    page.go_back()
    expect(page.get_by_text("which has not seen the code")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="All comparisons").click()
    expect(page.get_by_role("heading", name="Regressions")).to_be_visible(timeout=60_000)
    settle(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
