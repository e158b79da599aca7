"""A sweep while it runs: one click is one sweep, what changes changes in place, failures and cancels say so."""

import re

import pytest
from playwright.sync_api import Page, expect

from mgic.records import RunStatus, Sweep, SweepRequest
from tests.browser.conftest import DESK, MARKED, settle
from tests.conftest import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

LONG = {"model": ["mgic_resnet20"], "dataset": ["digits"], "epochs": [1000]}


@pytest.fixture
def long(service):
    """A sweep that runs."""
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=LONG))
    wait_for(lambda: service.client.sweep(sweep.id).counts.get(RunStatus.RUNNING), 120, "a run")
    yield sweep
    if not service.client.sweep(sweep.id).finished:
        service.client.cancel_sweep(sweep.id)
    service.client.wait(sweep.id, timeout=120)


def test_two_quick_clicks_make_one_sweep_whose_id_is_in_the_address(page, service):
    before = service.client.sweeps(500).items
    page.goto("/new?experiment=channel_scaling")
    run = page.get_by_role("button", name=re.compile(r"Run \d+ cell"))
    expect(run).to_be_enabled(timeout=60_000)
    settle(page)
    run.dblclick()
    page.wait_for_url(re.compile(r"/sweep\?.*sweep=[0-9a-f-]{36}"), timeout=60_000)
    expect(page.get_by_text(re.compile("runs ended")).first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(2000)  # a second one would have come by now
    made = [one for one in service.client.sweeps(500).items if one.id not in {sweep.id for sweep in before}]
    assert len(made) == 1
    assert str(made[0].id) in page.url


def test_progress_comes_into_the_page_as_it_stands(page, service, long):
    (run,) = service.client.sweep_runs(long.id)
    page.goto(f"/run?run={run.id}")
    epoch = page.get_by_text(re.compile(r"running.*epoch \d+ of 1000", re.IGNORECASE)).first
    expect(epoch).to_be_visible(timeout=120_000)
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=120_000)
    settle(page)
    page.evaluate(MARKED)
    main = page.get_by_test_id("stMain")
    main.evaluate("main => main.scrollTo(0, 120)")
    words = epoch.inner_text()
    expect(epoch).not_to_have_text(words, timeout=60_000)
    assert page.evaluate("document.body.dataset.marked") == "here"
    assert main.evaluate("main => main.scrollTop") == 120
    expect(page.get_by_text(re.compile(r"about .* left · updated ")).first).to_be_visible(timeout=120_000)
    page.goto(f"/sweep?sweep={long.id}")
    expect(page.get_by_text("0 of 1 runs ended").first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("progressbar").first).to_be_visible()


def test_what_is_typed_stays_while_the_list_goes_on(page, service, long):
    page.goto("/runs")
    box = page.get_by_role("textbox", name="Search")
    expect(box).to_be_visible(timeout=60_000)
    settle(page)
    box.press_sequentially("half a wor")
    page.wait_for_timeout(7000)  # the list is read every 3 s
    expect(box).to_have_value("half a wor")
    expect(box).to_be_focused()


def test_a_cancel_is_asked_once_and_told_until_it_is_done(page, service, long):
    (run,) = service.client.sweep_runs(long.id)
    page.goto(f"/run?run={run.id}")
    page.get_by_role("button", name="Cancel").click(timeout=60_000)
    page.get_by_role("button", name="Yes, cancel this run").click()
    expect(page.get_by_text(re.compile("cancelling|cancelled")).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("cancelled")).first).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="Yes, cancel this run")).to_have_count(0, timeout=60_000)
    assert service.client.run(run.id).status is RunStatus.CANCELLED


@pytest.fixture(scope="module")
def diverged(service) -> Sweep:
    axes = {"learning_rate": [1000], "max_steps": [20]}
    sweep = service.client.submit(SweepRequest(experiment="classification", axes=axes))
    return service.client.wait(sweep.id, timeout=300)


def test_a_failure_says_why_which_field_to_change_and_leads_to_the_form(every_look: Page, diverged, service):
    (run,) = service.client.sweep_runs(diverged.id)
    page = every_look
    page.goto(f"/run?run={run.id}")
    expect(page.get_by_text(re.compile("^diverged: ")).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("choose a lower learning_rate")).first).to_be_visible()
    page.get_by_text("Timeline and log").first.click()
    expect(page.get_by_role("heading", name="Log")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("diverged").first).to_be_visible()
    page.get_by_role("link", name="Change it and run again").click()
    expect(page.get_by_label(re.compile("^Learning rate$"))).to_have_value("1000", timeout=60_000)


def test_two_readers_and_two_tabs_do_not_mix_what_they_chose(browser, service, diverged):
    contexts = [browser.new_context(base_url=service.dashboard_url, viewport=DESK) for _ in range(2)]
    tabs = [contexts[0].new_page(), contexts[0].new_page(), contexts[1].new_page()]
    asked = ("status=failed", "status=succeeded", "experiment=classification")
    for tab, parameter in zip(tabs, asked, strict=True):
        tab.goto(f"/runs?{parameter}")
        expect(tab.get_by_text(re.compile(r"\d+ of [\d,]+ runs|No run matches")).first).to_be_visible(timeout=60_000)
        settle(tab)
    box = tabs[2].get_by_role("textbox", name="Filter")
    box.fill("learning_rate>100")
    box.press("Enter")
    expect(tabs[2]).to_have_url(re.compile("where="), timeout=60_000)
    for tab, parameter in zip(tabs, asked, strict=True):
        assert parameter in tab.url
        expect(tab.get_by_role("textbox", name="Filter")).to_have_value(
            "" if tab is not tabs[2] else "learning_rate>100"
        )
    for context in contexts:
        context.close()
