"""The printed rows are those of the paper, and what is said of ours beside them is so."""

from math import ceil

import pytest
from pydantic import ValidationError

from mgic.errors import UnknownName
from mgic.records import Reference
from mgic.reference import list_references, list_tables
from mgic.reference.paper import (
    Countable,
    Printed,
    PrintedTable,
    Row,
    as_printed,
    compare,
    countables,
    locked,
    match,
    set_apart,
)

ROWS = list_references()

# Added up apart from the code: rows, parameters in units, MACs in 100,000, and the sums of the metrics.
SUMS = {
    "1": (4, 6_400, 0, {"mse": 0.065}),
    "2": (9, 41_500_000, 12_530, {"top1": 647.6}),
    "3": (3, 840_000, 2_027, {"top1": 277.0}),
    "5": (6, 2_420_000, 4_650, {"top1": 556.3}),
    "7": (14, 138_900_000, 267_000, {"top1": 961.0, "top5": 1009.9}),
    "7-text": (1, 25_000_000, 42_000, {"top1": 77.8}),
    "8": (28, 98_800_000, 47_850, {"top1": 1964.2, "top5": 1689.4}),
    "10": (4, 0, 0, {"top1": 293.8, "mobile_ms": 2180, "cpu_ms": 612}),
    "11": (5, 5_450_000, 338_600, {"miou": 353.25}),
    "13": (7, 3_520_000, 5_220, {"top1": 660.1}),
}


def row(identifier: str) -> Reference:
    return next(found for found in ROWS if found.id == identifier)


def test_every_table_with_results_is_there_in_the_papers_order():
    assert [table.name for table in list_tables()] == list(SUMS)
    assert len(ROWS) == 81
    assert all(table.place and table.title for table in list_tables())


@pytest.mark.parametrize("table", SUMS)
def test_the_printed_figures_add_up(table):
    count, params, macs, metrics = SUMS[table]
    rows = list_references(table)
    assert len(rows) == count
    assert [found.id for found in rows] == [f"{table}.{place}" for place in range(1, count + 1)]
    assert sum(found.params or 0 for found in rows) == params
    assert sum(found.macs or 0 for found in rows) == macs * 100_000
    names = {name for found in rows for name in found.metrics}
    assert {name: sum(found.metrics.get(name, 0) for found in rows) for name in names} == pytest.approx(metrics)


def test_whose_method_a_row_is():
    by_figure = {whose: sum(found.figure_of == whose for found in ROWS) for whose in ("ours", "quoted", "own run")}
    assert by_figure == {"ours": 29, "quoted": 47, "own run": 5}


@pytest.mark.parametrize(
    ("identifier", "params", "macs", "top1"),
    [
        ("5.6", 410_000, 60_000_000, 94.2),
        ("7.7", 9_400_000, 1_600_000_000, 75.8),
        ("8.16", 5_200_000, 145_000_000, 74.8),
        ("13.3", 470_000, 65_000_000, 94.3),
        ("13.5", 530_000, 85_000_000, 94.7),
    ],
)
def test_single_rows(identifier, params, macs, top1):
    found = row(identifier)
    assert (found.params, found.macs, found.metrics["top1"]) == (params, macs, top1)


def test_table_2_is_a_part_of_table_8():
    figures = {(found.params, found.macs, found.metrics["top1"]) for found in list_references("8")}
    assert {(found.params, found.macs, found.metrics["top1"]) for found in list_references("2")} < figures


def test_the_papers_contradictions_are_rows_with_a_note():
    first, second = row("13.3"), row("13.5")
    assert first.options == second.options
    assert (first.params, first.macs, first.metrics) != (second.params, second.macs, second.metrics)
    assert "13.5" in first.note
    assert "13.3" in second.note
    notes = {table.name: " ".join(table.notes) for table in list_tables()}
    assert "printed twice" in notes["13"]
    assert "cannot have R and P" in next(table.counting for table in list_tables() if table.name == "7")
    assert "compound scaling" in notes["8"]
    assert "linear scaling" in notes["8"]


def test_a_network_without_h_swish_is_linked_to_one_without():
    told = {found.id for found in ROWS if "no h-swish" in found.setting}
    assert told == {found.id for found in ROWS if found.options.get("activation") == "relu"} == {"8.8", "8.17", "8.28"}


@pytest.mark.parametrize("found", ROWS, ids=[found.id for found in ROWS])
def test_a_row_can_run_or_says_why_not(found):
    assert (found.experiment is None) == (found.cannot_run is not None)
    assert found.cannot_run is None or found.cannot_run.startswith("because ")
    assert found.metric in found.metrics
    if found.experiment is None:
        assert not found.scale
    else:
        assert found.scale.items() >= found.options.items()
        assert found.scale.get("model") == found.model
    if "dataset" in found.scale:
        sizes = {"cifar10": 10_000, "imagenet": 50_000, "modelnet10": 908, "cityscapes": 500}
        assert found.test_size == sizes[str(found.scale["dataset"])]
    if found.experiment == "prune":
        assert found.counted is None  # what is left is known after the run
    elif found.model is not None:
        assert found.counted is not None
        assert found.convention
        assert found.input_size


def test_the_scale_is_that_of_the_appendix():
    small = {"dataset": "cifar10", "epochs": 100, "batch_size": 128, "learning_rate": 0.001}
    large = {"dataset": "imagenet", "epochs": 100, "batch_size": 256, "learning_rate": 0.1}
    shared = {"lr_step_epochs": 30, "momentum": 0.9, "weight_decay": 1e-4, "augment": True}
    assert row("13.1").scale.items() > (small | shared | {"model": "mgic_resnet56", "group_size": 16}).items()
    assert row("8.27").scale.items() > (large | shared | {"model": "mgic_mobilenet_v3", "width_mult": 1.2}).items()
    assert row("5.3").scale["macs_ratio"] == round(91 / 125, 3)
    assert row("7.5").scale["macs_ratio"] == round(2.8 / 4.1, 3)
    assert row("7.10").scale["macs_ratio"] == round(1.3 / 4.1, 3)
    assert {row(name).scale["macs_ratio"] for name in ("5.2", "5.4")} == {round(63 / 125, 3)}
    assert [row(name).scale["macs_ratio"] for name in ("7.2", "7.3", "7.12")] == [
        round(printed / 4.1, 3) for printed in (2.6, 2.3, 1.0)
    ]


@pytest.mark.parametrize("found", ROWS, ids=[found.id for found in ROWS])
def test_what_is_claimed_of_a_deviation_is_so_and_not_more_than_so(found):
    """Per cent, rounded up; a claim stands wherever there is a printed figure and a count."""
    count = found.counted
    params = count.params_deviation if count else None
    macs = count.judged_macs_deviation if count else None
    assert found.params_within == (None if params is None else ceil(abs(params)))
    assert found.macs_within == (None if macs is None else ceil(abs(macs)))


def counted(identifier: str):
    count = row(identifier).counted
    assert count is not None
    return count


def test_table_1_is_met_to_the_digit():
    rows = list_references("1")
    assert [counted(found.id).params for found in rows] == [3328, 1792, 896, 448]
    assert [counted(found.id).params_match for found in rows] == ["match", "match", "match", "rounds"]
    # By hand: R and P of 64-32-16-8 in groups of 4 are 2 * (64 + 32 + 16) * 4 / 2.
    assert counted("1.4").params == 2 * (64 + 32 + 16) * 4 // 2


@pytest.mark.parametrize(
    ("identifier", "params", "macs", "without"),
    [
        ("7.14", 0.5, 56.1, 15.5),
        ("7.7", -1.7, 49.9, -0.8),
        ("7.8", 1.0, 63.0, -2.0),
        ("13.1", 0.8, 22, None),
        ("13.2", -0.3, 43, None),
        ("13.5", -0.9, 32, None),
        ("5.5", 1.9, 3.7, None),
        ("11.1", 0, -3.1, None),
        ("11.2", -0.2, -5.7, None),
    ],
)
def test_deviations_found_apart_from_this_code(identifier, params, macs, without):
    found = counted(identifier)
    assert found.params_deviation == pytest.approx(params, abs=0.1)
    assert found.macs_deviation == pytest.approx(macs, abs=0.5)
    if without is not None:
        assert found.macs_deviation_without_transfer == pytest.approx(without, abs=0.1)


@pytest.mark.parametrize("identifier", ["2.6", "8.16", "11.5"])
def test_both_figures_of_mgic_are_within_two_per_cent(identifier):
    found = counted(identifier)
    assert abs(found.params_deviation) < 2
    assert abs(found.macs_deviation) < 2


WITHIN_3 = [
    "5.1", "7.1", "7-text.1", "8.2", "8.3", "8.6", "8.9", "8.11", "8.12", "8.14", "8.15", "8.18", "8.19", "8.23",
    "8.25", "8.26",
]  # fmt: skip


@pytest.mark.parametrize("identifier", WITHIN_3)
def test_baselines_of_the_packages_are_within_three_per_cent(identifier):
    found = counted(identifier)
    assert abs(found.params_deviation) <= 3
    assert abs(found.macs_deviation) <= 3
    assert (found.params_match, found.macs_match) == ("match", "match")


def test_what_is_not_reproduced_is_said_to_be_off():
    assert counted("8.5").params_match == "off"
    assert (counted("11.3").params_match, counted("11.3").macs_match) == ("off", "off")
    assert {counted(f"3.{place}").macs_match for place in (1, 2, 3)} == {"off"}


@pytest.mark.parametrize(
    ("text", "value", "last_digit"),
    [("0.53M", 530_000, 10_000), ("25.0M", 25_000_000, 100_000), ("13.7M", 13_700_000, 100_000),
     ("0.4K", 400, 100), ("9.74B", 9_740_000_000, 10_000_000), ("145M", 145_000_000, 1_000_000)],
)  # fmt: skip
def test_a_printed_figure_keeps_its_digits(text, value, last_digit):
    assert Printed.read(text) == (value, last_digit)


@pytest.mark.parametrize("text", ["", "12", "0.5G"])
def test_a_figure_without_its_unit_is_none(text):
    with pytest.raises(ValueError, match="should end with"):
        Printed.read(text)


def test_how_near_is_a_match():
    hundred = Printed(100_000, 1_000)
    assert [match(ours, hundred) for ours in (97_000, 103_000, 103_001, 90_000, 110_001)] == [
        "match", "match", "near", "near", "off",
    ]  # fmt: skip
    assert match(448, Printed.read("0.4K")) == "rounds"  # 0.448 rounds to 0.4, and is 12 % more
    assert match(1_052, Printed(1_100, 100)) == "rounds"  # 4.4 % less
    assert match(1_049, Printed(1_100, 100)) == "near"
    assert match(451, Printed.read("0.4K")) == "off"


def test_macs_are_judged_by_the_rule_of_the_table_and_not_by_the_nearer_counting():
    count = {"params": 1, "macs": 160, "transfer_macs": 60}
    found = compare(count, None, Printed(100, 1), transfer=True)
    assert (found.params_deviation, found.params_match) == (None, None)
    assert found.macs_deviation == found.judged_macs_deviation == pytest.approx(60)
    assert found.macs_deviation_without_transfer == pytest.approx(0)
    assert found.macs_match == "off"
    without = compare(count, None, Printed(100, 1), transfer=False)
    assert (without.macs_match, without.judged_macs_deviation) == ("match", pytest.approx(0))


def test_only_table_7_leaves_r_and_p_out():
    assert [table.name for table in list_tables() if not table.transfer_counted] == ["7"]
    told = [table.name for table in list_tables() if "cannot have R and P" in " ".join((table.counting, *table.notes))]
    assert told == ["7"]


@pytest.mark.parametrize(
    ("table", "model", "given", "without"),
    [("8", "mgic_mobilenet_v3", "1.8 to 3.7", "0.7 to 5.5"), ("13", "mgic_resnet56", "6 to 73", "2 to 65")],
)
def test_the_evidence_for_a_rule_is_what_is_counted(table, model, given, without):
    counts = [found.counted for found in list_references(table) if found.model == model]
    digits = 1 if "." in given else 0
    for told, deviations in (
        (given, [abs(count.macs_deviation) for count in counts]),
        (without, [abs(count.macs_deviation_without_transfer) for count in counts]),
    ):
        assert told == f"{min(deviations):.{digits}f} to {max(deviations):.{digits}f}"
        assert told in next(found.counting for found in list_tables() if found.name == table)


def test_how_many_figures_match_by_one_rule_a_table():
    """43 of 64 MACs and 44 of 69 parameters matched while the nearer counting was picked and rounding was a match."""
    macs = [found.counted.macs_match for found in ROWS if found.counted and found.counted.macs_match]
    params = [found.counted.params_match for found in ROWS if found.counted and found.counted.params_match]
    assert (macs.count("match"), macs.count("rounds"), len(macs)) == (37, 1, 64)
    assert (params.count("match"), params.count("rounds"), len(params)) == (43, 1, 69)


def test_what_only_rounds_is_named():
    only = [
        found.id
        for found in ROWS
        if found.counted and "rounds" in (found.counted.params_match, found.counted.macs_match)
    ]
    assert only == ["1.4", "7.11"]


def test_what_is_another_network_or_quoted_is_set_apart_with_words():
    assert row("13.7").apart_words == "another network (-43 % parameters, -13 % MACs)"
    assert row("7.14").apart_words == "another network (+16 % MACs)"  # without R and P
    assert row("5.1").apart_words == "quoted: trained otherwise there"
    assert row("5.1").quoted_from == "He et al. 2016 [13]"
    assert row("7.13").apart == "another network"  # it is quoted too
    assert row("7.7").apart is None
    runnable = [found for found in ROWS if found.experiment]
    assert sum(found.figure_of == "quoted" for found in runnable) == 47
    assert {found.id for found in runnable if found.apart is None} == {
        "2.6", "2.9", "7.7", "7.8", "8.16", "8.17", "8.27", "8.28", "11.5",
    }  # fmt: skip


def test_a_quoted_row_is_judged_by_a_training_of_its_own_paper():
    given = {
        "label": "x",
        "figure_of": "quoted",
        "quoted_from": "They 2020",
        "metrics": {"top1": 90.0},
        "metric": "top1",
    }
    theirs = Row(**given, test_set="same", training_of="quoted")
    ours = Row(**given, test_set="same")
    assert set_apart(theirs, None) == (None, None)
    assert set_apart(ours, None) == ("quoted", "quoted: trained otherwise there")
    off = compare({"params": 150, "macs": 1, "transfer_macs": 0}, Printed(100, 1), None, transfer=True)
    assert set_apart(theirs, off) == ("another network", "another network (+50 % parameters)")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"quoted_from": None}, "quoted_from"),
        ({"figure_of": "ours"}, "quoted_from"),
        ({"test_set": None}, "test_set"),
        ({"margin": 0}, "margin"),
    ],
)
def test_a_row_without_its_facts_is_refused(change, named):
    given = {
        "label": "x",
        "figure_of": "quoted",
        "quoted_from": "They 2020",
        "metrics": {"top1": 90.0},
        "metric": "top1",
    }
    with pytest.raises(ValidationError, match=named):
        Row(**(given | {"test_set": "same"} | change))


def test_margins_are_a_point_three_per_cent_or_what_the_row_names():
    assert (row("7.7").margin, row("11.5").margin, row("1.1").margin) == (1.0, 1.0, pytest.approx(0.00033))
    assert {found.margin for found in list_references("13")} == {0.5} == {row("5.6").margin}


def test_where_the_printed_figure_was_tested_is_a_fact_of_the_row():
    known = {
        found.test_set for found in ROWS if found.experiment and found.scale.get("dataset") in ("cifar10", "imagenet")
    }
    assert known == {"same"}
    assert {found.test_set for found in list_references("1")} == {"other"}


def test_the_digits_as_printed_can_be_had():
    assert as_printed(row("7-text.1")).params == "25.0M"
    assert as_printed(row("13.2")).params == "0.5M"


def test_a_figure_without_decimals_is_a_whole_number_here_and_in_json():
    found = row("10.1")
    told = [type(Reference.model_validate_json(found.model_dump_json()).metrics[name]) for name in found.metrics]
    assert dict(zip(found.metrics, told, strict=True)) == {"top1": float, "mobile_ms": int, "cpu_ms": int}


def test_the_counts_are_of_the_rows_and_of_nothing_else():
    assert locked().keys() == countables().keys()


def test_a_key_does_not_depend_on_the_order_of_options():
    one = Countable("model", "net", {"a": 1, "b": "x"}, (3, 8, 8))
    assert one.key == one._replace(options={"b": "x", "a": 1}).key == 'net a=1 b="x" at 3x8x8'
    assert one._replace(options={}).key == "net at 3x8x8"


@pytest.mark.parametrize(("asked", "told"), [("7text", "did you mean '7-text'"), ("figure", "known: 1, 2, 3, 5, 7,")])
def test_an_unknown_table_is_answered_with_what_there_is(asked, told):
    with pytest.raises(UnknownName, match=told):
        list_references(asked)


def test_a_misspelt_field_of_a_table_is_refused():
    table = {"name": "0", "title": "none", "place": "nowhere", "transfer_counted": True, "counting": "all"}
    fine = {"label": "x", "figure_of": "ours", "metrics": {"top1": 1.0}, "metric": "top1", "cannot_run": "because"}
    PrintedTable.model_validate({"table": table, "row": [fine]})
    with pytest.raises(ValidationError, match="lable"):
        PrintedTable.model_validate({"table": table, "row": [fine | {"lable": "x"}]})
