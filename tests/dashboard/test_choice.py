"""The best point is chosen by held-out samples where there are any; what is no better than a guess is marked."""

from dashboard.tables.frames import note, runs_table
from mgic.figures.choice import choice, choice_note, guesses, guesses_note
from mgic.figures.heatmap import entries, heatmap_info
from mgic.figures.samples import groups, samples
from mgic.figures.tradeoff import tradeoff_info
from mgic.figures.view import view_info
from mgic.records import View
from tests.dashboard.made import experiment, run
from tests.dashboard.test_intervals import SHOW_PLOTS, SHOW_RESULT, drawn

TOP1 = View(title="Accuracy", kind="scatter", x="macs", y="top1", series="model", chosen_by="val_top1")
GRID = View(title="Grid", kind="heatmap", x="s", y="c", z="top1", chosen_by="val_top1")
SCHEMA = {"properties": {"top1": {"unit": "%", "goal": "max"}, "val_top1": {"goal": "max"}, "macs": {"goal": "min"}}}
# The test set prefers s = 8, the samples that were held out s = 4.
HELD_OUT = [(4, 90.0, 80.0), (8, 85.0, 95.0), (16, 70.0, 60.0)]


def runs(held_out: bool = True, *wrong: int) -> list:
    return [
        run(
            number,
            result={
                "top1": test,
                "val_top1": val if held_out else None,
                "macs": s * 1000,
                "no_better_than_guessing": number in wrong,
                "caution": "because" if number in wrong else None,
            },
            model="m",
            s=s,
            c=1,
            seed=0,
        )
        for number, (s, val, test) in enumerate(HELD_OUT)
    ]


def test_held_out_samples_are_chosen_by_where_every_run_has_them():
    every, none = samples(runs()), samples(runs(held_out=False))
    assert choice(TOP1, "top1", every) == "val_top1"
    assert choice(TOP1, "top1", none) == "top1"
    assert choice(TOP1, "top1", [*every, none[0]]) == "top1", "two scores are not compared with each other"
    assert choice(TOP1, "top1", []) == "top1"
    assert choice(TOP1.model_copy(update={"chosen_by": None}), "top1", every) == "top1"


def test_a_heat_map_outlines_the_choice_and_shows_the_test_score():
    chosen = heatmap_info(entries(runs()), "s", "c", "top1", "%", "max", "val_top1")
    assert chosen.best == (0, 0)
    assert [cell.mean for cell in chosen.cells[0]] == [80.0, 95.0, 60.0]
    assert "val_top1 90" in chosen.cells[0][0].hover
    assert heatmap_info(entries(runs()), "s", "c", "top1", "%", "max").best == (0, 1)


def test_a_front_is_chosen_by_one_score_and_drawn_at_the_other():
    info = tradeoff_info(groups(samples(runs())), TOP1, "%", goal="max", by="val_top1")
    assert info.frontier == [(4000.0, 80.0)]
    assert "val_top1 90" in info.series["m"][0].hover
    assert tradeoff_info(groups(samples(runs())), TOP1, "%", goal="max").frontier == [(4000.0, 80.0), (8000.0, 95.0)]


def test_the_page_says_by_what_it_chose():
    assert choice_note(TOP1, "top1", "val_top1").startswith(" Chosen by val_top1")
    assert choice_note(TOP1, "top1", "top1").startswith(" Chosen on the test set")
    assert choice_note(TOP1.model_copy(update={"chosen_by": None}), "top1", "top1") == ""


def made(held_out: bool, *wrong: int) -> list:
    """Two rows of cells, of which the second costs more and is worse."""
    first = runs(held_out, *wrong)
    return [*first, *(run(9 + one.number, result=one.result, **(one.config | {"c": 2})) for one in first)]


def test_the_page_of_a_sweep_says_it_under_the_plots():
    info = experiment({}, views=(TOP1, GRID), result_schema=SCHEMA)
    for held_out, words in ((True, "Chosen by val_top1, of"), (False, "Chosen on the test set")):
        page = drawn(SHOW_PLOTS, runs=made(held_out), info=info)
        assert words in page.caption[-1].value


def test_runs_that_are_no_better_than_guessing_are_counted_under_a_plot_and_named_at_their_mark():
    given = samples(runs(True, 2))
    assert guesses_note(given) == " 1 run is no better than guessing."
    assert guesses_note(samples(runs(True, 0, 2))) == " 2 runs are no better than guessing."
    assert guesses_note(samples(runs())) == ""
    assert [guesses(group) for group in groups(given)] == ["", "", "no better than guessing"]
    line = View(title="Line", x="s", y="top1")
    for marks in (view_info(line, given).series, tradeoff_info(groups(given), TOP1).series):
        (series,) = marks.values()
        assert ["no better than guessing" in mark.hover for mark in series] == [False, False, True]
    cells = heatmap_info(entries(runs(True, 2)), "s", "c", "top1").cells[0]
    assert ["no better than guessing" in cell.hover for cell in cells] == [False, False, True]


def test_of_several_seeds_it_is_said_how_many():
    one, two = (run(seed, result={"top1": 10.0, "no_better_than_guessing": seed == 1}, seed=seed) for seed in (0, 1))
    (group,) = groups(samples([one, two]))
    assert guesses(group) == "no better than guessing: 1 of 2 runs"


def test_a_table_has_it_as_a_note_and_no_column_without_a_value():
    table = runs_table(runs(False, 1), None)
    assert table["note"].tolist() == ["", "no better than guessing", ""]
    assert {"Validation top-1 accuracy", "Caution", "No better than guessing"} & set(table.columns) == set()
    assert "Validation top-1 accuracy" in runs_table(runs(), None).columns
    assert [note(run) for run in runs(True, 0)] == ["no better than guessing", "", ""]


def test_the_page_of_a_run_says_it_first_and_why():
    info = experiment({}, views=(TOP1,), result_schema=SCHEMA)
    page = drawn(SHOW_RESULT, run=runs(True, 1)[1], info=info)
    assert [one.value for one in page.warning] == ["**No better than guessing.** because"]
    assert not drawn(SHOW_RESULT, run=runs()[1], info=info).warning
