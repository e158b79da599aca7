"""Rows of the tables, as a reader sees them."""

from dashboard.tables.frames import preview_table, runs_table
from mgic.records import Cost, NetworkCost, Point, Preview, Reason
from tests.dashboard.made import experiment, failed, run


def test_a_run_shows_what_sets_it_apart_and_its_result_with_unit():
    runs = [
        run(1, result={"top1": 91.5, "macs": 5}, model="a", epochs=3, seed=0),
        failed(2, Reason.OOM, model="b", epochs=3),
    ]
    table = runs_table(runs, experiment({}))
    assert list(table["Model"]) == ["a", "b"]
    assert "epochs" not in table.columns
    assert table["Top-1 accuracy (%)"][0] == 91.5
    assert table["note"][1] == "oom: too much"
    assert list(table["status"]) == ["✔ succeeded", "✖ failed"]
    assert table["open"][0] == f"run?run={runs[0].id}"


def test_a_cell_shows_its_cost_once_it_is_counted():
    def point(size: int, **more) -> Point:
        config = {"model": "mgic_resnet20", "group_size": size}
        return Point(requested=config, config=config | {"epochs": 3}, **more)

    counted = point(8, cost=Cost(params=52_768, macs=7_915_200, transfer_macs=949_824), group_sizes=(8, 4), seconds=8.0)
    counted = counted.model_copy(update={"work_macs": 4.5e9})
    points = (counted, point(16, pending=True), point(7, problem="7 does not divide 16"))
    rows = preview_table(Preview(points=points, total=3, pending=1, problems=1, duplicates=0)).to_dict("records")
    assert rows[0] == {
        "Model": "mgic_resnet20",
        "Group size s_g": "8",
        "parameters": "52.8 k",
        "MACs": "7.92 M",
        "of them R and P": "12.0%",
        "MACs of the run": "4.5 G",
        "group size: asked → real": "8 → 8, 4",
        "predicted time": "8.0 s",
        "state": "new",
    }
    assert rows[1]["MACs"] == "…"
    assert rows[2]["Group size s_g"] == "7\u0336"
    assert rows[2]["state"] == "✖ 7 does not divide 16"


def test_a_cell_of_several_networks_shows_the_cost_of_each():
    networks = tuple(
        NetworkCost(model=name, params=params, macs=macs, transfer_macs=transfer)
        for name, params, macs, transfer in (("a", 270_000, 40_551_040, 0), ("b", 104_890, 25_670_272, 2_567_027))
    )
    point = Point(
        requested={}, config={"models": ["a", "b"]}, cost=Cost(params=270_000, macs=40_551_040), networks=networks
    )
    (row,) = preview_table(Preview(points=(point,), total=1, pending=0, problems=0, duplicates=0)).to_dict("records")
    assert row["parameters"] == "270 k + 105 k"
    assert row["MACs"] == "40.6 M + 25.7 M"
    assert row["of them R and P"] == "0.0%, 10.0%"
