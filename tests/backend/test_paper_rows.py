"""What the store gives of a row's runs, and what the API says of the paper's rows."""

import csv
import io

import pytest

from backend.store import Store
from mgic.client import ApiError
from mgic.records import Failure, Outcome, Reason, RunStatus
from tests.backend.api_alone import check_get_refused
from tests.backend.store_points import add, slot, succeeded


def finish_all(store: Store, **result) -> None:
    while claim := store.claim(slot()):
        assert store.finish(claim.run_id, claim.fence, succeeded(**result))


def test_the_store_gives_the_newest_runs_of_each_model_oldest_first(store):
    add(store, [{"model": "a", "x": x} for x in range(3)] + [{"model": "b"}], experiment="e")
    finish_all(store, top1=90.5, note="text")
    add(store, [{"model": "c"}], experiment="e")
    add(store, [{"model": "a"}], experiment="other")
    finish_all(store, top1=1)
    add(store, [{"model": "a"}], experiment="e")  # stays queued
    found = store.measured_runs("e", {"a", "b"}, ("top1", "note", "missing"), 2)
    assert [one.config for one in found] == [{"model": "a", "x": 1}, {"model": "a", "x": 2}, {"model": "b"}]
    assert found[0].values == {"top1": 90.5, "note": "text", "missing": None}
    assert len(store.measured_runs("e", None, ("top1",), 100)) == 5
    assert store.measured_runs("e", set(), ("top1",), 100) == []


def test_the_store_gives_failed_runs_with_their_reason_unless_they_were_tried_again(store):
    first, second, _ = add(store, [{"model": "a", "seed": seed} for seed in range(3)], experiment="e")
    for reason in (Reason.DIVERGED, Reason.OOM):
        claim = store.claim(slot())
        failure = Failure(reason=reason, message="it did")
        ended = Outcome(status=RunStatus.FAILED, config={}, failure=failure, environment={}, seconds=1.0)
        assert store.finish(claim.run_id, claim.fence, ended)
    finish_all(store, top1=90.0)
    found = store.measured_runs("e", {"a"}, ("top1",), 10)
    assert [(one.failed, one.values) for one in found] == [
        ("diverged", {"top1": None}), ("oom", {"top1": None}), (None, {"top1": 90.0}),
    ]  # fmt: skip
    store.retry(first)
    store.retry(second)
    assert [one.failed for one in store.measured_runs("e", {"a"}, ("top1",), 10)] == [None]


def test_runs_without_a_model_are_found_where_a_row_names_none(store):
    add(store, [{"size": 3}], experiment="e")
    finish_all(store, mse=0.5)
    assert [one.values for one in store.measured_runs("e", None, ("mse",), 10)] == [{"mse": 0.5}]


def test_the_api_gives_the_rows_of_a_table(api):
    tables = {table.name for table in api.client.paper_tables()}
    assert {"1", "5", "13"} <= tables
    rows = api.client.references("13")
    assert len(rows) == 7
    assert {one.table for one in rows} == {"13"}
    assert {one.table for one in api.client.references()} == tables
    summary = api.client.paper_summary()
    assert summary.rows == len(api.client.references())
    assert sum(summary.judged.values()) == summary.rows


def test_an_unknown_table_and_a_misspelt_filter_are_refused(api):
    problem = check_get_refused(api, 404, "not-found", "/references?table=133")
    assert "13" in problem["detail"]
    check_get_refused(api, 422, "validation", "/references?tabel=13")
    check_get_refused(api, 422, "validation", "/references?format=xls")
    with pytest.raises(ApiError):
        api.client.references("")


def test_the_rows_come_as_csv_markdown_and_latex(api):
    lines = list(csv.DictReader(io.StringIO(api.client.references_as("csv", "13").decode())))
    assert [line["id"] for line in lines] == [f"13.{n}" for n in range(1, 8)]
    assert (lines[0]["printed_params"], lines[0]["printed_top1"]) == ("530000", "94.7")
    assert lines[0]["counted_params"] == str(api.client.references("13")[0].counted.params)
    assert "| " in api.client.references_as("markdown", "13").decode()
    assert "\\begin{tab" in api.client.references_as("latex", "13").decode()
    answer = api.http.get("/references", params={"format": "latex", "table": "13"})
    assert answer.headers["content-disposition"] == 'attachment; filename="paper-table-13.tex"'


def test_a_finished_run_of_a_recipe_shows_up_at_its_row_and_a_quick_one_beside_it(api):
    target = api.client.references("7")[6]  # 7.7, which is judged
    store = Store.open(f"sqlite:///{api.folder / 'mgic.db'}")
    base = {"in_channels": 3, "num_classes": 10, "device": "cpu", "max_steps": None} | target.scale
    configs = [base | {"seed": seed} for seed in range(3)] + [base | {"seed": 0, "dataset": "digits", "epochs": 1}]
    add(store, configs, experiment=target.experiment, version=2)
    finish_all(store, top1=75.8)
    wild = [base | {"seed": 3}]
    add(store, wild, experiment=target.experiment, version=2)
    finish_all(store, top1=0.1, no_better_than_guessing=True)
    add(store, [base | {"seed": 4}], experiment=target.experiment, version=1)
    finish_all(store, top1=75.0)
    store.close()
    rows = api.client.references("7")
    assert (rows[6].measured.n, rows[6].verdict, rows[6].margin) == (3, "within noise", 1.0)
    assert (rows[6].measured.seeds, rows[6].measured.lost) == (4, {"no_better_than_guessing": 1})
    assert rows[6].says == "within noise (3 of 4 seeds)"
    assert (rows[6].quick.n, rows[6].quick.mean) == (1, 75.8)
    others = {one.verdict for one in rows if one.id != "7.7"}
    assert others == {"not run", "another network", "quoted"}
    (line,) = [
        line
        for line in csv.DictReader(io.StringIO(api.client.references_as("csv", "7").decode()))
        if line["id"] == "7.14"
    ]
    assert (line["verdict"], line["says"]) == ("another network", "another network (+16 % MACs)")
    assert api.client.paper_summary().measured == 1
