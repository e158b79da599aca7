"""Back, reload and a shared address: a page is found again as it was, whatever was switched on it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, settle, watched
from tests.cases import thorough

pytestmark = pytest.mark.browser

WITH_SWITCHES = ("sweep", "run", "runs", "compare", "tradeoff", "ablation", "latency", "models", "model", "paper")
BOX = '[data-testid="stMain"] [data-testid="stTextInput"] input'
OPTION = '[data-testid="stMain"] [data-testid="stButtonGroup"] button'
CHOSEN = f'{OPTION}[aria-checked="true"]'


def switched(page: Page) -> str:
    """Choose another option of the first switch that has one; returns the address then."""
    before = page.url
    page.locator(f"{OPTION}, {BOX}").first.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)  # the others of its row
    for option in page.locator(OPTION).all():
        if option.get_attribute("aria-checked") == "false" and option.is_visible() and option.is_enabled():
            option.click()
            page.wait_for_function("before => location.href !== before", arg=before, timeout=30_000)
            settle(page)
            page.wait_for_timeout(2000)  # what it takes away has gone
            return page.url
    box = page.locator(BOX).first
    box.fill("mgic")
    box.press("Enter")
    page.wait_for_function("before => location.href !== before", arg=before, timeout=30_000)
    settle(page)
    return page.url


@pytest.mark.parametrize("name", thorough(*WITH_SWITCHES))
def test_a_switch_stands_in_the_address_and_back_finds_it_again(page, browser, addresses, name):
    page.goto(addresses[name])
    settle(page)
    title = page.get_by_role("heading", level=1).first.inner_text()
    address = switched(page)
    chosen = page.locator(CHOSEN).all_inner_texts()
    page.get_by_role("link", name="Help").first.click()
    expect(page.get_by_role("heading", level=1).first).to_have_text("Help", timeout=60_000)
    page.go_back()
    expect(page.get_by_role("heading", level=1).first).to_have_text(title, timeout=60_000)
    settle(page)
    assert page.url == address
    expect(page.locator(CHOSEN)).to_have_text(chosen, timeout=60_000)
    for again in (page.reload, lambda: page.goto(address)):
        again()
        expect(page.get_by_role("heading", level=1).first).to_have_text(title, timeout=60_000)
        settle(page)
        assert page.url == address
        expect(page.locator(CHOSEN)).to_have_text(chosen, timeout=60_000)
    assert not page.get_by_text(re.compile("is chosen")).count()


@pytest.mark.parametrize("name", thorough(*WITH_SWITCHES))
def test_an_address_shows_somebody_else_the_same(page, browser, service, addresses, name):
    page.goto(addresses[name])
    settle(page)
    title = page.get_by_role("heading", level=1).first.inner_text()
    address = switched(page)
    chosen = page.locator(CHOSEN).all_inner_texts()
    plots = page.locator(".js-plotly-plot .gtitle").all_text_contents()
    for other in watched(browser, service, viewport=DESK):
        other.goto(address)
        expect(other.get_by_role("heading", level=1).first).to_have_text(title, timeout=60_000)
        settle(other)
        assert other.url == address
        expect(other.locator(CHOSEN)).to_have_text(chosen, timeout=60_000)
        expect(other.locator(".js-plotly-plot .gtitle")).to_have_text(plots, timeout=60_000)


@pytest.mark.parametrize("parameter", thorough("status=zz", "scale=zz", "table=zz", "view=zz"))
def test_what_an_address_has_wrong_is_said_and_stays(page, addresses, parameter):
    name = {"status": "runs", "table": "paper"}.get(parameter.partition("=")[0], "sweep")
    address = addresses[name]
    page.goto(f"{address}{'&' if '?' in address else '?'}{parameter}")
    settle(page)
    expect(page.get_by_text(re.compile(f"{parameter} in the address")).first).to_be_visible(timeout=60_000)
    assert parameter in page.url
