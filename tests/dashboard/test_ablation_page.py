"""The page of an ablation, over answers made by hand: what it says with runs, without, and of a bad address."""

import json
from uuid import UUID

import httpx2 as httpx
import pytest
from streamlit.testing.v1 import AppTest

from mgic.client import PREFIX, Client
from mgic.figures.scenes import SCENES
from mgic.figures.switches import read
from mgic.records import Page, RunStatus, Sweep
from tests.dashboard.made import MOMENT, SWEEP
from tests.dashboard.test_ablation import INFO, grid
from tests.dashboard.test_pages import opened, said, session

OTHER = UUID(int=2)


def sweep(identifier: UUID, experiment: str = "classification") -> Sweep:
    return Sweep(
        id=identifier,
        name=f"sweep <b>{identifier.int}</b>",
        experiment=experiment,
        grids=({"group_size": [4, 8], "coarsest_size": [8, 16], "seed": [0, 1, 2]},),
        priority=5,
        created_at=MOMENT,
        counts={RunStatus.SUCCEEDED: 18},
        total=18,
        progress=1.0,
        finished=True,
    )


def client(runs: list, experiment: str = "classification") -> Client:
    """A service with two sweeps, of which the first has these runs and the second none."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(PREFIX)
        found = {
            "/sweeps": lambda: Page(items=(sweep(SWEEP), sweep(OTHER, experiment)) if runs else ()),
            f"/sweeps/{SWEEP}": lambda: sweep(SWEEP),
            f"/sweeps/{OTHER}": lambda: sweep(OTHER, experiment),
            f"/sweeps/{SWEEP}/runs": lambda: Page(items=tuple(runs)),
            f"/sweeps/{OTHER}/runs": lambda: Page(items=()),
            "/experiments/classification": lambda: INFO,
        }
        if path not in found:
            return httpx.Response(404, json={"title": "none", "detail": f"no {path}"})
        return httpx.Response(200, text=found[path]().model_dump_json())

    return Client(http=httpx.Client(base_url="http://made", transport=httpx.MockTransport(answer)))


def shown(runs: list, experiment: str = "classification", **address: str) -> AppTest:
    page = session(client(runs, experiment))
    page.run()
    return opened(page, "ablation", **address)


def test_the_first_screen_answers_for_both_fields_and_draws_the_map():
    page = shown(grid(), sweep=str(SWEEP))
    text = " ".join(one.value for one in page.markdown)
    assert "Group size s_g = 8 suffices." in text
    assert "Coarsest size s_c = 16 does not suffice." in text
    assert len(page.get("plotly_chart")) == 4
    assert "sweep \\<b>1\\</b>" in " ".join(one.value for one in page.markdown)
    assert not page.error


def test_what_is_chosen_stands_in_the_address_and_an_address_is_read():
    page = shown(grid(), sweep=str(SWEEP), margin="2.5", cells="difference")
    assert "Coarsest size s_c = 16 suffices." in " ".join(one.value for one in page.markdown)
    page.slider(key="ablation-front/margin").set_value(0.1).run()
    assert not page.exception
    assert page.query_params["margin"] in ("0.1", ["0.1"])
    assert "Group size s_g = 8 does not suffice." in " ".join(one.value for one in page.markdown)


def test_an_open_answer_leads_to_a_form_that_is_filled_with_the_runs():
    page = shown([one for one in grid() if one.config["seed"] == 0], sweep=str(SWEEP))
    links = [one.proto for one in page.get("page_link") if "Submit these" in one.proto.label]
    assert len(links) == 2
    assert "experiment=classification" in links[0].query_string
    assert "seed" in links[0].query_string


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"sweep": "x"}, "is not an id"),
        ({"sweep": str(UUID(int=7))}, "no /sweeps/"),
        ({"sweep": f"{SWEEP},{OTHER}"}, "these are of classification and latency"),
        ({"sweep": str(OTHER)}, "No run has ended with a number"),
        ({"sweep": str(SWEEP), "margin": "-1"}, "margin=-1 in the address"),
        ({"sweep": str(SWEEP), "x": "coarsest_size"}, "the same field"),
    ],
)
def test_a_bad_address_is_answered_in_words(address, words):
    assert words in said(shown(grid(), "latency" if "," in address.get("sweep", "") else "classification", **address))


def test_without_an_address_the_newest_sweep_over_a_field_is_shown():
    page = shown(grid())
    assert "suffices." in " ".join(one.value for one in page.markdown)
    assert "No sweep over a field is here yet" in said(shown([]))


def test_the_command_draws_the_same_as_the_page():
    scene, asked = SCENES["ablation"], {"sweep": f"{SWEEP},{OTHER}", "margin": "2.5"}
    data = scene.load(client(grid()), asked)
    values, faults = read(scene.switches(data), asked)
    assert not faults
    assert [plot.name for plot in scene.plots(data, values)][:2] == ["map", "effect-group-size"]
    assert json.dumps(scene.plots(data, values)[0].rows())
