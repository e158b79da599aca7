"""Four things that people come for, in how many clicks: every press of the mouse on a page is counted, of the boxes
that are typed into too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settle

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

COUNTED = "addEventListener('pointerdown', () => sessionStorage.clicks = 1 + Number(sessionStorage.clicks ?? 0), true)"
LONGEST_MS = 60_000


@pytest.fixture
def reader(desk, fresh) -> Iterator[Page]:
    """Who has just come to a lab with the shipped results."""
    fresh.client.load_demo()
    desk.add_init_script(COUNTED)
    desk.goto("/")
    expect(desk.locator(".js-plotly-plot").first).to_be_visible(timeout=LONGEST_MS)
    settle(desk)
    yield desk
    fresh.client.delete_demo()


def clicks(page: Page) -> int:
    return int(page.evaluate("sessionStorage.clicks ?? 0"))


def test_two_runs_are_compared_in_three_clicks_from_the_list(reader):
    reader.goto("/runs?experiment=classification")
    table = reader.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible(timeout=LONGEST_MS)
    settle(reader)
    for row in (0, 1):
        table.click(position={"x": 16, "y": 54 + 35 * row})
        settle(reader)
    reader.get_by_role("link", name="Compare 2").click()
    expect(reader.get_by_role("heading", name="Results")).to_be_visible(timeout=LONGEST_MS)
    expect(reader.get_by_role("heading", name="Config: what differs")).to_be_visible(timeout=LONGEST_MS)
    assert clicks(reader) == 3


def test_the_best_network_under_two_budgets_is_named_in_three_clicks_and_two_numbers(reader):
    reader.get_by_role("link", name="Trade-off").click()
    for label, amount in (("At most MACs", "20M"), ("At most ms", "50")):
        box = reader.get_by_role("textbox", name=label)
        box.click(timeout=LONGEST_MS)
        box.fill(amount)
        box.press("Enter")
        settle(reader)
    expect(reader.get_by_text(re.compile(r"resnet20.*\d+(\.\d+)? %")).first).to_be_visible(timeout=LONGEST_MS)
    assert clicks(reader) == 3


def test_whether_a_coarsest_size_of_16_suffices_is_answered_with_a_number_in_one_click(reader):
    reader.get_by_role("link", name="Ablation").click()
    expect(reader.get_by_role("heading", name="Ablation", level=1)).to_be_visible(timeout=LONGEST_MS)
    settle(reader)  # what stood on the first page has gone
    answer = reader.get_by_text(re.compile("coarsest size.*16", re.IGNORECASE)).first
    expect(answer).to_be_visible(timeout=LONGEST_MS)
    assert re.search(r"[+-]?\.?\d+.*\[.*\d.*\].*n = \d", answer.inner_text())
    assert clicks(reader) == 1


@pytest.mark.parametrize(("kind", "begins"), [("PDF", b"%PDF"), ("SVG", b"<svg"), ("PNG", b"\x89PNG")])
def test_a_figure_is_saved_in_two_clicks(reader, fresh, kind, begins):
    (trained,) = [one for one in fresh.client.sweeps(tag="demo").items if one.experiment == "classification"]
    reader.goto(f"/sweep?sweep={trained.id}")
    expect(reader.locator(".js-plotly-plot").first).to_be_visible(timeout=LONGEST_MS)
    settle(reader)
    reader.get_by_role("button", name="Numbers and files").first.click()
    with reader.expect_download(timeout=2 * LONGEST_MS) as waiting:
        reader.get_by_role("button", name=f"{kind} 85 mm").click(timeout=LONGEST_MS)
    assert Path(waiting.value.path()).read_bytes().startswith(begins)
    assert clicks(reader) == 2
