"""Everything by keys: what can be clicked is reached by Tab and seen there, Enter submits, Esc closes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settle
from tests.cases import thorough

pytestmark = pytest.mark.browser

NOWHERE = "document.activeElement.blur()"
PAGES = ("overview", "sweeps", "sweep", "runs", "run", "compare", "tradeoff", "ablation")
MOST = 160  # Tabs until all has been passed
# A group of options is one stop, in which arrow keys move; so is a table, and a plot's own bar of buttons is the
# mouse's: what it does can be done by the switches.
CONTROLS = """
() => {
  const kinds = 'a[href], button, input, textarea, [role=button], [role=slider], summary';
  const shown = [...document.querySelectorAll(`[data-testid=stMain] :is(${kinds})`)].filter(one => {
    const box = one.getBoundingClientRect();
    const grouped = one.closest('[role=radiogroup], [data-testid=stDataFrame], .modebar, [aria-hidden=true]');
    return box.width > 1 && box.height > 1 && !one.disabled && one.tabIndex >= 0 && !grouped;
  });
  shown.forEach((one, index) => one.dataset.control = index);
  return shown.map(one => (one.innerText || one.ariaLabel || one.outerHTML).slice(0, 80));
}
"""
LOOKS_OF = """
number => {
  document.getAnimations().filter(one => one instanceof CSSTransition).forEach(one => one.finish());
  const one = number === null ? document.activeElement : document.querySelector(`[data-control='${number}']`);
  if (!one) return {index: null, marks: ''};
  const marks = node => {
    const style = getComputedStyle(node);
    return [style.outlineStyle !== 'none' && style.outlineWidth, style.boxShadow, style.borderColor,
            style.backgroundColor, style.textDecorationLine, style.color].join();
  };
  return {index: one.dataset.control ?? null, marks: [one, one.parentElement, one.parentElement?.parentElement]
    .filter(Boolean).map(marks).join(' ; ')};
}
"""


def tabbed(page: Page) -> dict[int, str]:
    """What Tab leads to, by its number among the controls, with how it looks there."""
    found: dict[int, str] = {}
    page.evaluate(NOWHERE)
    for _ in range(MOST):
        page.keyboard.press("Tab")
        page.wait_for_timeout(20)
        focused = page.evaluate(LOOKS_OF, None)
        if focused["index"] is not None:
            if int(focused["index"]) in found and len(found) > 1 and next(iter(found)) == int(focused["index"]):
                break
            found[int(focused["index"])] = focused["marks"]
    return found


@pytest.mark.parametrize("name", thorough(*PAGES))
def test_every_control_is_reached_by_tab_and_looks_otherwise_while_it_has_the_focus(page, addresses, name):
    page.goto(addresses[name])
    settle(page)
    page.wait_for_timeout(2000)
    controls = page.evaluate(CONTROLS)
    reached = tabbed(page)
    assert [words for number, words in enumerate(controls) if number not in reached] == []
    page.evaluate(NOWHERE)
    page.wait_for_timeout(500)  # what faded has faded
    unseen = [
        controls[number] for number, looks in reached.items() if page.evaluate(LOOKS_OF, number)["marks"] == looks
    ]
    assert unseen == []


@pytest.mark.thorough
def test_enter_submits_and_escape_closes(page, addresses):
    page.goto("/runs")
    box = page.get_by_role("textbox", name="Search")
    expect(box).to_be_visible(timeout=60_000)
    settle(page)
    box.focus()
    page.keyboard.type("mgic")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=mgic"), timeout=60_000)
    settle(page)
    page.get_by_role("button", name="Columns", exact=True).focus()
    page.keyboard.press("Enter")
    choice = page.get_by_role("button", name="As it fits")
    expect(choice).to_be_visible(timeout=60_000)
    page.keyboard.press("Escape")
    expect(choice).to_have_count(0, timeout=60_000)


@pytest.mark.thorough
def test_help_lists_the_keys(page):
    page.goto("/help")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible(timeout=60_000)
    for words in ("Tab", "Enter", "Esc", "arrow keys"):
        expect(page.get_by_text(re.compile(rf"\b{words}\b")).first).to_be_visible()
