"""The form of a sweep under a reader's hands: Run in sight, nothing lost, names as they were written."""

import re
import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import expect

from dashboard.words import JOINER
from mgic.records import SweepRequest
from tests.browser.conftest import settle

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

RUN_BUTTON = re.compile(r"Run \d+ cells?")


@pytest.mark.parametrize("width", [1280, 390])
def test_run_is_in_sight_wherever_the_form_is_scrolled_to_and_two_tabs_away(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/new")
    run = page.get_by_role("button", name=RUN_BUTTON)
    expect(run).to_be_in_viewport(timeout=60_000)
    settle(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to main content"
    page.keyboard.press("Tab")
    expect(run).to_be_focused()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    expect(run).to_be_in_viewport(ratio=1)
    run.click(trial=True)  # nothing lies over it


def test_the_form_outlives_reload_back_and_forward_and_a_bad_field_is_led_to(page):
    page.goto("/new")
    size, seed, epochs = (page.get_by_label(re.compile(f"^{name}")) for name in ("Group size", "Seed", "Epochs"))
    for field, text in ((size, "4, 8"), (seed, "0, 1")):
        field.fill(text)
        field.press("Enter")
        settle(page)
    expect(page).to_have_url(re.compile("seed"))
    address = page.url
    page.reload()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    expect(size).to_have_value("4, 8")
    page.get_by_role("link", name="Help").first.click()
    expect(page.get_by_role("heading", name="Help").first).to_be_visible(timeout=60_000)
    settle(page)
    page.go_back()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    assert page.url == address
    page.go_back()
    expect(seed).to_have_value("0", timeout=60_000)
    settle(page)
    page.go_forward()
    expect(seed).to_have_value("0, 1", timeout=60_000)
    epochs.fill("many")
    epochs.press("Enter")
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    page.get_by_role("link", name="1 field to correct").click(timeout=60_000)
    expect(epochs).to_be_in_viewport(ratio=1)
    page.keyboard.press("Tab")  # to its help
    page.keyboard.press("Tab")
    expect(epochs).to_be_focused()


ODD = "<b>x</b> :smile: :+1: :material/add: $y$ [a](b) `c` *d*"
AS_WRITTEN = re.compile(f"{JOINER}?".join(map(re.escape, ODD)))
EMOJI = re.compile("[\N{SMILING FACE WITH OPEN MOUTH AND SMILING EYES}\N{THUMBS UP SIGN}]")


def test_a_name_of_an_old_row_is_shown_as_written_on_every_page(page, service):
    sweep = service.client.submit(SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]}))
    service.client.wait(sweep.id, timeout=120)
    with closing(sqlite3.connect(next(service.home.glob("*.db")))) as database, database:
        database.execute("update sweeps set name = ? where id = ?", (ODD, sweep.id.hex))
    run = service.client.sweep_runs(sweep.id)[0]
    assert service.client.sweep(sweep.id).name == ODD
    for path in ("/", f"/sweep?sweep={sweep.id}"):
        page.goto(path)
        expect(page.get_by_test_id("stMain").get_by_text(AS_WRITTEN).first).to_be_visible(timeout=60_000)
    pages = ("/sweeps", "/runs", f"/run?run={run.id}", f"/new?from_sweep={sweep.id}", "/reconstructions", "/system")
    for path in ("/", f"/sweep?sweep={sweep.id}", *pages):
        page.goto(path)
        expect(page.get_by_role("heading").first).to_be_visible(timeout=60_000)
        settle(page)
        expect(page.get_by_text(EMOJI)).to_have_count(0)
        expect(page.locator(".katex, b:text-is('x')")).to_have_count(0)
