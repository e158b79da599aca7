"""The list of runs without a service: what is asked, which columns, rows that stay, the CSV, what changes."""

import csv
import io

import pytest

from dashboard.runs.asked import NEWEST, conditions, sortable
from dashboard.runs.columns import column_titles, frame, order_of, own_columns, possible_columns
from dashboard.runs.download import as_csv
from dashboard.runs.listing import Listing, brought_up, places
from dashboard.tables.actions import changed
from mgic.errors import BadConfig
from mgic.records import RunStatus
from tests.dashboard.made import experiment, run

RESULTS = {"top1": {"title": "Top-1", "unit": "%", "goal": "max"}, "macs": {"goal": "min"}, "params": {"goal": "min"}}
INFOS = {"classification": experiment({"seed": {}}, result_schema={"properties": RESULTS})}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("group_size=8, top1>=90", ["config.group_size=8", "result.top1>=90"]),
        ("config.seed=1; result.seed!=2", ["config.seed=1", "result.seed!=2"]),
        (
            "model=mgic_resnet20(group_size=8,coarsest_size=16)",
            ["config.model=mgic_resnet20(group_size=8,coarsest_size=16)"],
        ),
        ("seconds<10,created_at>=2026-01-01", ["seconds<10", "created_at>=2026-01-01"]),
        (" , ", []),
        ("a == 2", ["config.a==2"]),  # the service says what is wrong with it
    ],
)
def test_conditions_are_read_as_people_write_them(text, wanted):
    assert conditions(text, {"top1", "seed"}, {"seed"}) == wanted


@pytest.mark.parametrize("text", ["top1", "group_size=8, >3", "top1>=", "8=group_size"])
def test_what_is_no_condition_is_named(text):
    with pytest.raises(BadConfig, match="is no condition"):
        conditions(text, set(), set())


def trained(number: int, **more):
    given = {"model": "resnet20", "seed": number, "width": 16 + number, "trained": str(number)} | more
    return run(number, result={"top1": 90.0 + number, "macs": 1000, "other": 1.0}, **given)


def test_without_a_choice_there_is_what_the_experiment_is_about_and_what_differs():
    runs = [trained(0), trained(1)]
    runs = [one.model_copy(update={"made_from": {"trained": one.id}}) for one in runs]
    assert own_columns(runs, INFOS, "classification") == [
        *("status", "config.model", "result.top1", "result.macs", "config.width", "config.seed"),
        *("seconds", "age", "sweep", "tags"),
    ]
    assert own_columns(runs, INFOS, "")[1] == "experiment"


def test_what_a_hierarchy_is_made_of_stands_before_other_fields_and_an_experiment_is_no_difference():
    runs = [
        run(number, RunStatus.SUCCEEDED, {"top1": 90.0}, alpha=number, group_size=8 * number, seed=number)
        for number in (1, 2)
    ]
    fields = [one for one in own_columns(runs, INFOS, "classification") if one.startswith("config.")]
    assert fields == ["config.group_size", "config.alpha", "config.seed"]
    other = run(3, RunStatus.SUCCEEDED, {}, beta=1).model_copy(update={"experiment": "cost"})
    assert "config.beta" not in own_columns([*runs, other], INFOS, "")


def test_titles_have_units_and_the_sorted_one_an_arrow():
    titles = column_titles([trained(0)], ["result.top1", "config.seed"], INFOS, "-result.top1")
    assert titles == {"Top-1 (%) ↓": "result.top1", "Seed": "config.seed"}
    assert frame([trained(0)], ["result.top1"], INFOS, NEWEST)["Top-1 (%)"].tolist() == [90.0]


def test_a_click_on_a_title_asks_for_the_good_end_first_and_then_for_the_other():
    assert order_of("result.top1", NEWEST, INFOS) == "-result.top1"
    assert order_of("result.top1", "-result.top1", INFOS) == "result.top1"
    assert order_of("result.macs", NEWEST, INFOS) == "result.macs"
    assert order_of("age", NEWEST, INFOS) == "created_at"
    assert order_of("tags", NEWEST, INFOS) is None


def test_all_that_can_be_sorted_by_is_offered_both_ways_and_every_column_once():
    orders = sortable(["seed"], ["top1"])
    assert {NEWEST, "created_at", "-result.top1", "result.top1", "config.seed"} <= set(orders)
    options = possible_columns(["seed", "params"], ["top1", "params"])
    assert len(set(options.values())) == len(options)
    assert options["result.params"] == "result.params"


def page(*runs, query="q", **more) -> Listing:
    return Listing(query, runs, None, len(runs), **more)


def test_rows_that_somebody_chose_from_stay_where_they_are_and_are_brought_up():
    old = [run(number, RunStatus.RUNNING) for number in range(2)]
    new = [run(9), old[0].model_copy(update={"status": RunStatus.SUCCEEDED})]

    class Api:
        def run(self, which):
            return next(one for one in old if one.id == which).model_copy(update={"progress": 0.5})

    held = brought_up(page(*old), page(*new), Api(), stay=True)
    assert [one.id for one in held.runs] == [one.id for one in old]
    assert (held.runs[0].status, held.runs[1].progress) == (RunStatus.SUCCEEDED, 0.5)
    assert (held.waiting, held.generation) == (1, 0)
    fresh = brought_up(page(*old), page(*new), Api(), stay=False)
    assert ([one.id for one in fresh.runs], fresh.generation) == ([one.id for one in new], 1)
    other = brought_up(page(*old), page(*new, query="another"), Api(), stay=True)
    assert other.generation == 1
    assert places(other.runs, [new[1].id]) == [1]


def test_the_csv_has_a_line_a_run_and_nothing_that_a_spreadsheet_would_execute():
    rows = list(csv.DictReader(io.StringIO(as_csv([trained(0), trained(1, model="=1+1")]).decode())))
    assert [row["result.top1"] for row in rows] == ["90.0", "91.0"]
    assert rows[1]["config.model"] == "'=1+1"


def test_only_what_changes_is_sent():
    one = trained(0).model_copy(update={"tags": ("a", "b"), "notes": "x"})
    assert changed(one, "", [], "x") == {}
    assert changed(one, "New Tag, b", ["a"], "y") == {"tags": ["b", "new-tag"], "notes": "y"}
