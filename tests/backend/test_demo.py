"""The results that ship with the service are there at once, say where they are from, and count for nothing."""

from importlib.resources import files

import pytest

from backend.demo import ARCHIVE, delete_demo, load_demo
from backend.store import InputGone, RunQuery
from mgic.client import ApiError
from mgic.errors import Conflict
from mgic.records import SweepRequest
from tests.backend.store_points import CPU, add, new_sweep
from tests.backend.test_store_removal import rows


def test_the_archive_is_small():
    assert files("backend").joinpath(ARCHIVE).stat().st_size < 300_000


def test_it_is_loaded_once_and_removed_whole(store):
    sweeps = load_demo(store)
    assert [sweep.experiment for sweep in sweeps] == ["cost", "classification", "latency"]
    assert all(sweep.tags == ("demo",) and sweep.counts == {"succeeded": sweep.total} for sweep in sweeps)
    with pytest.raises(Conflict, match="there already"):
        load_demo(store)
    runs, _ = store.runs(500, None, RunQuery(tag="demo"))
    assert len(runs) == sum(sweep.total for sweep in sweeps)
    assert all(run.imported and "measured on 20" in run.environment["imported"] for run in runs)
    training = store.sweep_runs(sweeps[1].id, 1)[0][0]
    assert {point.name for point in store.curves(training.id)[0]} > {"train/loss"}
    add(store)
    delete_demo(store)
    assert store.runs(500, None, RunQuery(tag="demo"))[0] == []
    assert "leftovers" not in rows(store)
    assert len(store.sweeps(9)[0]) == 1
    delete_demo(store)
    assert len(load_demo(store)) == 3


def test_nothing_is_predicted_reused_or_judged_by_it(store):
    sweeps = load_demo(store)
    run = store.sweep_runs(sweeps[1].id, 1)[0][0]
    with store._read() as connection:
        key = connection.exec_driver_sql("select config_key from runs where experiment = 'classification'").scalar()
    assert store.succeeded({key: ()}) == {}
    assert store.seconds_per_mac("classification") == {}
    assert store.measured_runs("classification", None, ("top1",), 100) == []
    (again,) = add(store, [run.config], experiment="classification", reuse=True)
    assert store.run(again).status == "queued"
    with pytest.raises(InputGone, match="did not run here"):
        store.add_sweep(new_sweep(1, needs=[run.id]))
    assert store.claim(CPU).run_id == again


def test_a_service_without_anything_has_something_to_show(api):
    sweeps = api.client.load_demo()
    with pytest.raises(ApiError, match="there already") as twice:
        api.client.load_demo()
    assert twice.value.status == 409
    best = api.client.runs(sort="-result.top1", tag="demo", limit=3).items
    assert all(run.experiment == "classification" for run in best)
    preview = api.client.preview(SweepRequest(experiment="cost", axes={"model": ["resnet20"]}))
    assert (preview.duplicates, preview.seconds) == (0, None)
    baseline = {"name": "main", "models": [best[0].config["model"]], "runs": [str(best[0].id)]}
    answer = api.http.post("/baselines", json=baseline)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "imported")
    (row, *_) = api.client.results("cost", sweep_id=str(sweeps[0].id))
    assert "measured on 20" in row["env_imported"]
    assert api.client.paper_summary().measured == 0
    api.client.delete_demo()
    assert api.client.runs(tag="demo").items == ()
