"""Tables of means: the rows, which one is bold, how they are written, and that a printed one is held to the store."""

import re
from dataclasses import replace

import pytest

from mgic.errors import BadConfig
from mgic.latex import latex, unlatex
from mgic.tables.check import check_file
from mgic.tables.results import Asked, result_table
from mgic.tables.written import as_csv, as_latex, as_markdown
from tests.dashboard.made import experiment, run

NASTY = r"a_b%$x$"
SCHEMA = {
    "properties": {
        "top1": {"unit": "%", "goal": "max"},
        "macs": {"goal": "min"},
        "loss": {"goal": "min"},
    }
}
INFO = experiment({}, result_schema=SCHEMA)
ASKED = Asked(("1" * 32,), at="http://lab/sweep?sweep=1", columns={"top1": None, "macs": None})


def runs_of(values: dict[str, list[float | None]], macs: int = 1_500_000, seeds: bool = True) -> list:
    """A run a value, under seeds 0, 1, 2, ...; the models in the order given."""
    cells = [(model, seed, top1) for model, found in values.items() for seed, top1 in enumerate(found)]
    return [
        run(at, result={"top1": top1, "macs": macs}, model=model, **({"seed": seed} if seeds else {}))
        for at, (model, seed, top1) in enumerate(cells)
    ]


def made(values: dict[str, list[float | None]], **more):
    return result_table(runs_of(values, **more), INFO, ASKED)


def test_a_row_has_the_mean_half_of_the_interval_and_the_number_of_seeds():
    table = made({"a": [90.0, 91.0, 92.0], "b": [80.0]})
    first, second = table.rows
    assert (first.keys, first.n, first.cells[0].mean) == (("a",), 3, 91.0)
    assert first.cells[0].half == pytest.approx(4.302653 / 3**0.5, rel=1e-5)  # t of 2 degrees, sd 1
    assert (second.n, second.cells[0].half) == (1, None)
    assert [column.title for column in table.columns] == ["Top-1 accuracy (%)", "MACs (M)"]


def test_the_best_is_marked_only_where_it_is_better_than_every_other():
    far = made({"a": [90.0, 91.0, 92.0], "b": [80.0, 81.1, 82.0], "c": [70.0, 71.0, 72.1]})
    assert [row.cells[0].best for row in far.rows] == [True, False, False]
    near = made({"a": [90.0, 91.0, 92.0], "b": [90.9, 90.0, 91.9], "c": [70.0, 71.0, 72.1]})
    assert not any(row.cells[0].best for row in near.rows)
    tied = made({"a": [90.0, 91.0, 92.0], "b": [90.0, 91.0, 92.0]})
    assert not any(row.cells[0].best for row in tied.rows)
    few = made({"a": [90.0, 91.0], "b": [80.0, 81.0]})
    assert not any(row.cells[0].best for row in few.rows), "two seeds a side may agree by chance"


def test_shared_seeds_are_compared_in_pairs_and_others_are_not():
    """Each seed of b is a little above that of a, and seeds differ by far more: only pairs show it."""
    base = [80.0, 84.0, 88.0, 92.0]
    values = {"a": base, "b": [one + 0.5 + 0.01 * (at % 2) for at, one in enumerate(base)]}
    assert [row.cells[0].best for row in made(values).rows] == [False, True]
    loose = [
        one.model_copy(update={"config": one.config | {"seed": 10 * at}}) for at, one in enumerate(runs_of(values))
    ]
    assert not any(row.cells[0].best for row in result_table(loose, INFO, ASKED).rows)


def test_a_row_that_would_mix_configs_names_what_differs():
    runs = [run(at, result={"top1": 1.0}, model="a", width=width) for at, width in enumerate((8, 16))]
    with pytest.raises(BadConfig, match=r"differ in width"):
        result_table(runs, INFO, replace(ASKED, by=("model",), columns={"top1": None}))
    with pytest.raises(BadConfig, match="did you mean width"):
        result_table(runs, INFO, replace(ASKED, by=("widht",), columns={"top1": None}))
    with pytest.raises(BadConfig, match="did you mean top1"):
        result_table(runs, INFO, replace(ASKED, columns={"top": None}))


def test_latex_escapes_names_has_rules_of_booktabs_and_a_dash_for_what_is_missing():
    text = as_latex(made({NASTY: [90.0, 91.0, 92.0], "b": [None, None, None]}))
    assert r"a\_b\%\$x\$ & 3 & $91.0 \pm 2.5$ & $1.500$ \\ % mgic: row" in text
    assert re.search(r"b & 3 & -- & ", text)
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"Top-1 accuracy (\%)"))
    assert text.startswith('% mgic: table {"of": ["' + "1" * 32)
    assert "FLOPs are twice that" in text
    assert unlatex(latex(NASTY)) == NASTY


def test_markdown_and_csv_say_the_same():
    table = made({NASTY: [90.0, 91.0, 92.0], "b": [None, 80.0, 81.0]})
    text = as_markdown(table)
    assert r"| a\_b%\$x\$ | 3 | 91.0 ± 2.5 | 1.500 |" in text
    assert "top1 of b: 2 of 3 seeds" in text.replace("\\", "")
    rows = as_csv(table).splitlines()
    assert rows[0].startswith("model,n,top1,top1_low,top1_high,top1_n,top1_best,macs,")
    assert rows[2].startswith("b,3,80.5,,,2,False,1500000.0,")


VALUES = {NASTY: [90.0, 91.0, 92.0], "b": [80.0, 81.1, 82.0], "c": [None]}


def checked(text: str, values: dict = VALUES):
    return check_file(text, lambda asked: result_table(runs_of(values), INFO, asked))


@pytest.mark.parametrize("write", [as_latex, as_markdown])
def test_a_printed_table_that_holds_has_no_fault(write):
    tables, numbers, faults = checked("Before.\n" + write(made(VALUES)) + "after\n")
    assert (tables, numbers, faults) == (1, 9, [])


@pytest.mark.parametrize(("write", "line"), [(as_latex, 10), (as_markdown, 5)])
def test_a_number_edited_by_hand_is_found_with_its_line_and_cell(write, line):
    text = write(made(VALUES)).replace("91.0", "91.2")
    (fault,) = checked(text)[2]
    assert (fault.line, fault.cell) == (line, f"Top-1 accuracy (%) of {NASTY}")
    assert (fault.printed, fault.stored) == ("91.2 ± 2.5", "91 ± 2.48414")


def test_a_store_that_went_on_is_found_to_the_printed_precision():
    text = as_latex(made(VALUES))
    assert checked(text, VALUES | {NASTY: [90.0, 91.0, 92.001]})[2] == [], "91.0003 prints as 91.0 ± 2.5"
    assert len(checked(text, VALUES | {NASTY: [90.0, 91.0, 93.0]})[2]) == 1
    more = checked(text, VALUES | {NASTY: [90.0, 91.0, 92.0, 91.0]})[2]
    assert [fault.cell for fault in more] == [f"n of {NASTY}", f"Top-1 accuracy (%) of {NASTY}"]
    assert checked(text.replace("--", "70.1"))[2][0].stored == "no number"


def test_a_row_renamed_in_latex_is_still_found_and_a_deleted_run_is_missing():
    text = as_latex(made(VALUES)).replace(latex(NASTY), "Ours")
    assert checked(text)[2] == []
    (fault,) = checked(text, {name: one for name, one in VALUES.items() if name != NASTY})[2]
    assert str(fault) == "Ours: printed a row, stored missing: no run of it is in the store"
    gone = check_file(text, lambda _: "there is no sweep 1")[2]
    assert len(gone) == 3
    assert "missing: there is no sweep 1" in str(gone[0])


def test_a_bold_number_that_is_not_shown_to_be_the_best_is_found():
    near = {"a": [90.0, 91.0, 92.0], "b": [90.9, 90.0, 91.9]}
    text = as_latex(made(near)).replace(r"$91.0 \pm 2.5$", r"$\mathbf{91.0 \pm 2.5}$")
    (fault,) = checked(text, near)[2]
    assert "not shown to be the best" in fault.stored


def test_a_mark_that_is_damaged_or_has_no_table_is_told_with_its_line():
    text = as_latex(made(VALUES))
    with pytest.raises(BadConfig, match="line 1: the mark"):
        checked(text.replace('"of"', '"off"'))
    with pytest.raises(BadConfig, match="line 1: no row"):
        checked(text.splitlines()[0] + "\nnothing\n")
    assert checked("no table here") == (0, 0, [])
