"""The first page: what the service does just now, what it found last, and how to begin."""

from uuid import UUID

import httpx2 as httpx

from dashboard.overview.sections import NEWEST
from dashboard.overview.standing import left, standing
from dashboard.words import literal
from mgic.client import PREFIX, Client
from mgic.records import DEMO_TAG, Health, Page, RunStatus, Sweep, SweepRequest, System, Worker
from tests.dashboard.made import MOMENT, run
from tests.dashboard.test_pages import session

ODD = "<b>x</b> :smile: :+1: $y$"


def sweep(number: int, counts: dict[RunStatus, int], total: int = 4, **more) -> Sweep:
    ended = sum(counts.get(status, 0) for status in RunStatus if status.terminal)
    given = {"name": f"sweep {number}", "experiment": "classification", "grids": (), "priority": 5}
    given |= {"created_at": MOMENT, "counts": counts, "total": total, "progress": ended / total}
    return Sweep(id=UUID(int=number), finished=ended == total, **(given | more))


def worker(queue: str, alive: bool = True, slots: int = 2) -> Worker:
    name = f"{queue} worker"
    return Worker(
        name=name, host="here", queue=queue, device="cpu", slots=slots, version="1", seen_at=MOMENT, alive=alive
    )


RUNNING = sweep(1, {RunStatus.SUCCEEDED: 1, RunStatus.RUNNING: 3}, name=ODD, eta_seconds=120.0)
ENDED = sweep(2, {RunStatus.SUCCEEDED: 3, RunStatus.FAILED: 1})
LOST = sweep(3, {RunStatus.FAILED: 4})


def test_each_queue_has_its_workers_and_what_they_do():
    system = System(version="1", limits={}, queued={"cpu": 3, "gpu": 1}, running={"cpu": 1})
    workers = [worker("cpu"), worker("cpu", slots=1), worker("timing"), worker("timing", alive=False)]
    found = standing(workers, system, [run(status=RunStatus.RUNNING)], [])
    assert [(one.queue, one.workers, one.slots, one.running, one.waiting, len(one.runs)) for one in found.lanes] == [
        ("cpu", 2, 3, 1, 3, 1),
        ("gpu", 0, 0, 0, 1, 0),
        ("timing", 1, 2, 0, 0, 0),
    ]


def test_sweeps_run_or_have_a_result_or_neither():
    found = standing([], System(version="1", limits={}, queued={}, running={}), [], [RUNNING, ENDED, LOST])
    assert (found.unfinished, found.ended) == ((RUNNING,), (ENDED,))


def test_how_far_a_sweep_is_says_how_long_it_takes_where_that_is_known():
    assert left(RUNNING) == "1 of 4 runs ended · about 2 min left"
    assert left(ENDED) == "4 of 4 runs ended"


def serving(*sweeps: Sweep, asked: list[str] | None = None) -> Client:
    """A service with these and nothing else, which notes what it is asked for."""
    records = {
        "/ready": Health(status="degraded", version="1", notes=("no worker",)),
        "/system": System(version="1", limits={}, queued={}, running={}),
        "/sweeps": Page(items=sweeps),
    }

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PREFIX)
        if asked is not None:
            asked.append(f"{request.method} {path}")
        found = records.get(path, Page(items=()))
        if tag := request.url.params.get("tag"):
            found = Page(items=tuple(one for one in sweeps if tag in one.tags))
        return httpx.Response(200, text=found.model_dump_json())

    return Client(http=httpx.Client(base_url="http://alone", transport=httpx.MockTransport(answer)))


def test_where_nothing_has_run_there_are_three_steps_and_demo_data_to_load():
    page = session(serving()).run()
    assert not page.exception
    told = " ".join(one.value for one in page.markdown)
    assert "The service is degraded" in told
    assert [words in told for words in ("1. Choose", "2. See what it costs", "3. Compare")] == [True] * 3
    assert page.button(key="load demo").label == "Load demo data"


def test_a_sweep_that_runs_is_named_as_it_was_written_with_its_progress():
    page = session(serving(RUNNING)).run()
    (shown,) = page.get("progress")
    (link,) = page.get("page_link")[:1]
    assert (link.proto.label, link.proto.query_string) == (literal(ODD), f"sweep={RUNNING.id}")
    assert "1 of 4 runs ended" in shown.proto.text
    assert not [one for one in page.button if one.key == "load demo"]


def test_demo_data_is_labelled_and_goes_with_one_click():
    asked: list[str] = []
    demo = sweep(4, {RunStatus.SUCCEEDED: 3, RunStatus.RUNNING: 1}, tags=(DEMO_TAG,))
    page = session(serving(demo, asked=asked)).run()
    assert not page.exception
    assert ":gray-badge[demo]" in " ".join(one.value for one in page.markdown)
    page.button(key="remove demo").click().run()
    assert "DELETE /demo" in asked


def test_the_newest_results_are_drawn(service):
    made = service.client.submit(SweepRequest(experiment="channel_scaling", axes={"channels": [64, 128]}))
    service.client.wait(made.id, timeout=120)
    page = session(service.client).run()
    assert not page.exception
    assert 1 <= len(page.get("plotly_chart")) <= NEWEST
    assert any(f"sweep={made.id}" in one.proto.query_string for one in page.get("page_link"))
