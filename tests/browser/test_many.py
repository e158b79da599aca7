"""The list of runs over a store of 5,000: a page of them at a time, found and sorted by the service."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.bench.lists import fill
from tests.browser.conftest import DESK, settle, watched
from tests.conftest import Service, start_service, stop_service

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

RUNS = 5_000
WORDS = "config.group_size=8, result.top1>=50"


@pytest.fixture(scope="module")
def stocked(tmp_path_factory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("stocked") / "home"
    home.mkdir()
    fill(home, RUNS)
    running = start_service(home)
    yield running
    stop_service(running)


@pytest.fixture
def visited(browser, stocked) -> Iterator[Page]:
    for page in watched(browser, stocked, viewport=DESK):
        page.goto("/runs")
        expect(page.get_by_text("50 of 5,000 runs")).to_be_visible(timeout=60_000)
        settle(page)
        yield page


def test_what_is_typed_waits_for_nobody_and_is_asked_for_once(visited):
    address, box = visited.url, visited.get_by_role("textbox", name="Filter")
    box.press_sequentially(WORDS)
    expect(box).to_have_value(WORDS, timeout=1000)  # the browser's own doing: nothing was sent, or drawn anew
    assert visited.url == address
    box.press("Enter")
    expect(visited).to_have_url(re.compile("where="), timeout=60_000)
    expect(visited.get_by_text(re.compile(r"^50 of (\d{3}|[1-4],\d{3}) runs$"))).to_be_visible(timeout=60_000)


def test_pages_and_orders_are_of_the_whole_store(visited, stocked):
    first = stocked.client.runs(sort="-result.top1").items[0]
    visited.get_by_role("combobox", name="Sort by").fill("Top-1 accuracy")
    visited.get_by_role("option", name=re.compile("^Top-1 accuracy ↓")).first.click()
    cell = visited.locator("canvas td", has_text=str(first.id)[:8]).first
    expect(cell).to_be_attached(timeout=60_000)
    visited.get_by_role("button", name="More").click()
    expect(cell).to_have_count(0, timeout=60_000)
    expect(visited).to_have_url(re.compile("older="))
