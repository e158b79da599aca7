"""The pages Latency and Trade-off, over a client whose answers are made by hand."""

import json
from uuid import uuid5

import httpx2 as httpx
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.pages import SCRIPTS
from dashboard.plots.chosen import marked
from mgic.client import PREFIX, Client
from mgic.experiment import EXPERIMENTS
from mgic.records import Page, RunStatus, Sweep, Worker
from tests.dashboard.made import MOMENT, SWEEP, run
from tests.dashboard.made import model as made_model
from tests.dashboard.test_pages import APP
from tests.mgic.figures.test_joined import DEFAULTS, DIGITS, row, trained
from tests.mgic.figures.test_latency import SAMPLES, case

SPECS = ("resnet20(width=8)", "mgic_resnet20(group_size=4)")
TIMED = case(
    rows=[row(place, "measured", spec, 4.0 + place, sample_size=[1, 8, 8]) for place, spec in enumerate(SPECS)]
)
TIMED_RUN = TIMED.run.model_copy(update={"experiment": "latency", "id": uuid5(SWEEP, "timed")})
INFOS = [EXPERIMENTS[name].info.model_copy(update={"recipes": ()}) for name in ("classification", "latency")]


def sweep(number: int, experiment: str, runs: list) -> Sweep:
    return Sweep(
        id=uuid5(SWEEP, f"sweep {number}"), name=experiment, experiment=experiment, grids=(), priority=5,
        created_at=MOMENT, counts={"succeeded": len(runs)}, total=len(runs), progress=1.0, finished=True,
    )  # fmt: skip


TRAINED, TIMES = (
    sweep(number, name, runs)
    for number, (name, runs) in enumerate((("classification", trained()), ("latency", [TIMED_RUN])))
)


def client(sweeps=(TIMES, TRAINED)) -> Client:
    runs = {str(TRAINED.id): trained(), str(TIMES.id): [TIMED_RUN]}
    listed = {"/experiments": INFOS, "/sweeps": sweeps, "/datasets": [DIGITS], "/references": []}
    listed |= {f"/sweeps/{one}/runs": of for one, of in runs.items()}
    artifact = {"name": "samples.csv", "media_type": "text/csv", "size": 1, "sha256": "0" * 64}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PREFIX)
        if path in listed:
            return httpx.Response(200, text=Page(items=tuple(listed[path])).model_dump_json())
        if path.startswith("/models/"):
            name = path.removeprefix("/models/")
            options = {option: {"default": value} for option, value in DEFAULTS[name].items()}
            return httpx.Response(200, text=made_model(name, **options).model_dump_json())
        if path.endswith("/artifacts"):
            return httpx.Response(200, text=json.dumps({"items": [artifact], "next_cursor": None}))
        if path.endswith("samples.csv"):
            return httpx.Response(200, text=SAMPLES)
        if path == f"/runs/{TIMED_RUN.id}":
            return httpx.Response(200, text=TIMED_RUN.model_dump_json())
        return httpx.Response(404, json={"title": "Not found", "detail": f"there is no {path}"})

    return Client(http=httpx.Client(base_url="http://made", transport=httpx.MockTransport(answer)))


def opened(page: str, sweeps=(TIMES, TRAINED), **address: str) -> AppTest:
    st.cache_data.clear()
    app = AppTest.from_file(APP, default_timeout=60)
    app.session_state["client"] = client(sweeps)
    for name, text in address.items():
        app.query_params[name] = text
    shown = app.switch_page(SCRIPTS[page]).run()
    assert not shown.exception
    return shown


def titles(page: AppTest) -> list[str]:
    specs = [json.loads(one.proto.spec) for one in page.get("plotly_chart")]
    return [spec["layout"]["title"]["text"].replace("<br>", " ") for spec in specs]


@pytest.mark.parametrize("page", ["latency", "tradeoff"])
def test_without_a_sweep_the_page_says_what_would_be_here(page):
    shown = opened(page, sweeps=())
    assert len(shown.info) == 1
    assert titles(shown) == []


def test_the_newest_sweeps_are_drawn_and_the_address_chooses_the_axis_and_the_budget():
    (title,) = titles(opened("tradeoff"))
    assert title == "Top-1 accuracy against MACs on digits"
    shown = opened("tradeoff", x="wall", max_ms="4.5")
    (title,) = titles(shown)
    assert title.startswith("Top-1 accuracy against wall time on digits, AMD EPYC 7763")
    assert title.endswith("grade C")
    assert "resnet20(width=8), 91.2 ± 0.2 % at 4 ms wall time" in shown.success[0].value.replace("\\", "")
    assert "Wall time has grade C" in shown.warning[0].value
    (network,) = shown.dataframe[0].value["network"]
    assert network.endswith("#resnet20")
    shown = opened("tradeoff", max_ms="fast")
    assert "no amount above 0" in shown.warning[0].value
    assert titles(shown) == ["Top-1 accuracy against MACs on digits"], "the plot stays"


def test_timed_runs_are_drawn_with_their_conditions_under_a_banner():
    shown = opened("latency")
    assert [title.split(",")[0] for title in titles(shown)] == [
        "Realised speed-up",
        "Control: a network against itself",
        "How long passes take",
    ]
    assert all("AMD EPYC 7763" in title for title in titles(shown))
    assert "Wall time has grade C" in shown.warning[0].value
    assert titles(opened("latency", run=str(TIMED_RUN.id))) == titles(shown)
    assert "is not an id" in opened("latency", run="12").error[0].value


@pytest.fixture
def links(monkeypatch) -> list[str]:
    """What is shown of each link; a script by itself has no pages to link to."""
    shown: list[str] = []
    monkeypatch.setattr(st, "page_link", lambda _, label, **__: shown.append(label))
    return shown


SHOW_WAIT = """
import streamlit as st
from dashboard.pages import say_if_no_worker
say_if_no_worker(st.session_state.runs, st.session_state.workers)
"""


def worker(queue: str, held_by: list) -> Worker:
    about = {
        "name": queue,
        "host": "h",
        "device": "cpu",
        "slots": 1,
        "version": "0.1",
        "seen_at": MOMENT,
        "alive": True,
    }
    return Worker(queue=queue, held_by=tuple(held_by), **about)


@pytest.mark.parametrize(
    ("queue", "held_by", "words"),
    [
        ("cpu", [TIMED_RUN.id], "Queued - waits for a timing run"),
        ("timing", [TIMED_RUN.id], "Queued - waits for the runs on its host to end"),
        ("cpu", [], None),
    ],
)
def test_a_queued_run_says_that_a_timing_run_holds_it_up(queue, held_by, words, links):
    queued = run(3, RunStatus.QUEUED).model_copy(update={"queue": queue})
    page = AppTest.from_string(SHOW_WAIT, default_timeout=30)
    page.session_state["runs"], page.session_state["workers"] = [queued], [worker(queue, held_by)]
    assert not page.run().exception
    assert [one.value.startswith(words or "?") for one in page.info] == [True] * bool(words)
    assert not page.warning
    assert links == [f"run {str(run_id)[:8]}" for run_id in held_by]


def test_marked_points_lead_to_their_runs(links):
    points = [{"customdata": ["a", "b"]}, {"customdata": ["b", "c"]}, {"x": 1}]
    assert marked({"selection": {"points": points}}) == ["a", "b", "c"]
    assert marked({"selection": {"points": []}}) == marked(None) == []
    page = AppTest.from_string("from dashboard.plots.chosen import show_marked\nshow_marked(['a', 'b'])").run()
    assert not page.exception
    assert "2 runs are marked" in page.caption[0].value
    assert links == ["These in the list of runs", "run a", "run b"]
    alone = AppTest.from_string("from dashboard.plots.chosen import show_marked\nshow_marked(['c'])").run()
    assert "1 run is marked" in alone.caption[0].value
    assert links[3:] == ["run c"]
