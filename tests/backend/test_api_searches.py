"""Searches through the API, without a worker: what is asked for first, and what is refused."""

from mgic.records import SweepRequest
from tests.conftest import wait_for

COST = {"experiment": "cost", "axes": {"model": ["mgic_resnet20"], "group_size": [4, 8, 16], "coarsest_size": [8, 16]}}
SEARCH = {"sampler": "qmc", "trials": 4, "metric": "macs"}


def posted(api, search, path="/sweeps", **values):
    return api.http.post(path, json={**COST, "search": {**SEARCH, **search}, **values})


def first_runs(api, sweep_id, number):
    return wait_for(lambda: len(found := api.client.sweep_runs(sweep_id)) >= number and found, 20, "the first trials")


def test_as_many_trials_are_asked_for_as_may_go_on_at_once(api):
    sweep = api.client.submit(SweepRequest.model_validate({**COST, "search": {**SEARCH, "at_once": 3}}))
    assert (sweep.total, sweep.finished, sweep.search.settings.goal) == (0, False, "min")
    runs = first_runs(api, sweep.id, 3)
    assert [run.number for run in runs] == [0, 1, 2]
    assert len({(run.config["group_size"], run.config["coarsest_size"]) for run in runs}) == 3
    shown = api.client.preview(SweepRequest.model_validate({**COST, "search": SEARCH}))
    assert [point.requested for point in shown.points[:3]] == [run.requested for run in runs]
    assert (shown.total, shown.pending) == (4, 0)
    assert api.client.cancel_sweep(sweep.id).search.state == "cancelled"
    assert api.client.sweep(sweep.id).finished


def test_a_search_of_which_no_cell_may_run_ends_by_itself(api):
    sweep = api.client.submit(SweepRequest.model_validate({**COST, "search": {**SEARCH, "max_macs": 1}}))
    ended = wait_for(lambda: (found := api.client.sweep(sweep.id)).finished and found, 30, "the end of the search")
    assert (ended.total, ended.search.state, ended.search.refused) == (0, "exhausted", 6)
    assert "max_macs is 1" in ended.search.why
    refused = posted(api, {"max_macs": 1}, "/sweeps/preview")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/search")


def test_what_is_wrong_is_told_at_its_place(api):
    before = api.stored()
    told = posted(api, {"trials": 0, "sampler": "tpo", "space": {"width": {"min": 8, "max": 4}}, "extra": 1}).json()
    assert {error["pointer"] for error in told["errors"]} == {
        "#/search/trials",
        "#/search/sampler",
        "#/search/space/width",
        "#/search/extra",
    }
    told = posted(api, {"metric": "top1", "stop": {"rule": "median"}})
    assert told.status_code == 422
    assert {error["pointer"] for error in told.json()["errors"]} == {"#/search/metric", "#/search/stop"}
    assert api.stored() == before


def test_the_same_key_and_search_make_one_sweep(api):
    request = SweepRequest.model_validate({**COST, "search": SEARCH})
    once, again = (api.client.submit(request, "key-of-a-search") for _ in range(2))
    assert once.id == again.id
    other = api.http.post(
        "/sweeps",
        json={**COST, "search": {**SEARCH, "seed": 9}},
        headers={"Idempotency-Key": "key-of-a-search"},
    )
    assert other.status_code == 422
