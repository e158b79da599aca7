"""A service on which nothing has run: what its pages say, the shipped results, and parts that do not answer."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from mgic.records import RunStatus, Sweep, SweepRequest
from tests.browser.conftest import LOOKS, SEEN, settle, watched
from tests.browser.places import NOTHING_YET
from tests.conftest import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.thorough]

MAIN = '[data-testid="stMain"]'
FULL_FROM_THE_START = ("overview", "new", "models", "paper", "system", "help")
AWAY = re.compile("Cannot reach the API")
LONG = {"model": ["mgic_resnet20"], "dataset": ["digits"], "epochs": [1000]}


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("look", LOOKS, ids=SEEN)
def test_an_empty_page_says_what_to_do_and_draws_nothing(browser, fresh, look):
    for page in watched(browser, fresh, **look):
        main = page.get_by_test_id("stMain")
        for name, path in NOTHING_YET.items():
            page.goto(path)
            expect(main.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
            settle(page)
            assert page.get_by_test_id("stException").count() == 0, name
            if name not in FULL_FROM_THE_START:
                expect(main.get_by_test_id("stAlert"), name).to_have_count(1, timeout=60_000)
                expect(main.get_by_text("matches"), name).to_have_count(0)
                ways = main.get_by_test_id("stPageLink").or_(main.get_by_test_id("stBaseButton-primary"))
                ways = ways.or_(main.get_by_test_id("stCode"))  # or a command to copy
                expect(ways, name).to_have_count(1)
            if name != "paper":
                assert main.locator(".js-plotly-plot").count() == 0, name


def test_the_shipped_results_come_labelled_and_go(desk, fresh):
    desk.goto("/")
    desk.get_by_role("button", name="Load demo data").click(timeout=60_000)
    remove = desk.get_by_role("button", name="Remove demo data")
    expect(remove).to_be_visible(timeout=60_000)
    expect(desk.locator(".js-plotly-plot").first).to_be_visible(timeout=60_000)
    sweeps = fresh.client.sweeps(tag="demo").items
    labelled = [f"/sweep?sweep={sweep.id}" for sweep in sweeps]
    labelled += [f"/run?run={fresh.client.sweep_runs(sweeps[0].id)[0].id}", "/"]
    for path in labelled:
        desk.goto(path)
        expect(desk.get_by_test_id("stMain").get_by_text("demo", exact=True).first).to_be_visible(timeout=60_000)
    for path in ("/sweeps", "/runs"):  # tables are drawn; what they hold stands in their accessible twin
        desk.goto(path)
        expect(desk.locator("canvas td", has_text=re.compile("^demo$")).first).to_be_attached(timeout=60_000)
    desk.goto("/")
    remove.click(timeout=60_000)
    expect(desk.get_by_role("button", name="Load demo data")).to_be_visible(timeout=60_000)
    assert fresh.client.sweeps().items == ()


def test_where_no_worker_is_online_a_queued_run_says_so(desk, fresh):
    silent = fresh.pids("-m worker", "-Q cpu")
    with frozen(silent):
        wait_for(lambda: not any(one.alive for one in fresh.client.workers() if one.queue == "cpu"), 60, "silence")
        sweep = fresh.client.submit(SweepRequest(experiment="cost", axes={"model": ["resnet20"]}))
        (run,) = fresh.client.sweep_runs(sweep.id)
        for path in (f"/sweep?sweep={sweep.id}", f"/run?run={run.id}", "/runs"):
            desk.goto(path)
            expect(desk.get_by_text(re.compile("no worker online")).first).to_be_visible(timeout=60_000)
    desk.goto(f"/sweep?sweep={sweep.id}")
    expect(desk.get_by_text("1 of 1 runs ended")).to_be_visible(timeout=120_000)
    fresh.client.delete_sweep(sweep.id)


@pytest.fixture
def long(fresh) -> Iterator[Sweep]:
    """A sweep that runs."""
    sweep = fresh.client.submit(SweepRequest(experiment="classification", axes=LONG))
    wait_for(lambda: fresh.client.sweep(sweep.id).counts.get(RunStatus.RUNNING), 60, "a run")
    yield sweep
    fresh.client.cancel_sweep(sweep.id)
    fresh.client.wait(sweep.id, timeout=60)
    fresh.client.delete_sweep(sweep.id)


@pytest.mark.parametrize("path", ["/", "/sweep?sweep={0}", "/runs", "/sweeps"])
def test_an_api_that_is_silent_is_named_what_was_there_stays_and_it_recovers_alone(desk, fresh, long, path):
    desk.goto(path.format(long.id))
    there = {"/": "0 of 1 runs ended", "/sweep?sweep={0}": "0 of 1 runs ended", "/runs": "1 of 1 runs"}.get(path)
    shown = desk.get_by_text(re.compile(there)).first if there else desk.locator(f"{MAIN} canvas").first
    expect(shown).to_be_visible(timeout=60_000)
    settle(desk)
    with frozen(fresh.pids("-m backend", "--port")):
        expect(desk.get_by_text(AWAY).first).to_be_visible(timeout=60_000)
        expect(shown).to_be_visible()
    expect(desk.get_by_text(AWAY)).to_have_count(0, timeout=60_000)
    expect(shown).to_be_visible(timeout=60_000)
