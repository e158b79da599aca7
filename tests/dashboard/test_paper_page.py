"""The page of the paper's rows: what is in its table and figure, and what it says when something is missing."""

from pathlib import Path
from types import SimpleNamespace
from typing import get_args
from uuid import UUID

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.pages import SCRIPTS
from dashboard.paper.table import (
    DARK_CELLS,
    LIGHT_CELLS,
    MACS,
    PARAMS,
    VERDICT,
    WITHOUT,
    cell_styles,
    paper_table,
    shared_setting,
)
from dashboard.words import literal
from mgic.client import ApiError, Client, Unreachable
from mgic.figures.paper import draw_paper_plot, paper_plot
from mgic.figures.style import DARK, LIGHT
from mgic.figures.verdicts import measured_words
from mgic.records import Counted, Measured, PaperSummary, PaperTable, Recipe, Standing, Verdict
from tests.conftest import free_port

APP = str(Path(dashboard.__file__).with_name("app.py"))
COLOURED = ("reproduced", "within noise", "contradicts")
NAMES = (*(name for name in get_args(Verdict) if name not in COLOURED), *COLOURED)


def counted(params=0.4, macs=12.0, without=-2.0, transfer=200, rule=False, match="match") -> Counted:
    """Of a row that prints 1,000 parameters and 2,000 MACs, in a table that leaves R and P out."""
    return Counted(
        params=1004,
        macs=2240,
        transfer_macs=transfer,
        params_deviation=params,
        macs_deviation=macs,
        macs_deviation_without_transfer=without,
        transfer_counted=rule,
        params_match="match",
        macs_match=match,
    )


def measured(n=3, mean=94.2, lost=None, searched=1) -> Measured:
    return Measured(
        metric="top1",
        n=n,
        seeds=n + sum((lost or {}).values()),
        lost=lost or {},
        searched=searched,
        smallest_gap=1.23 if n > 1 else None,
        mean=mean,
        low=mean - 0.2,
        high=mean + 0.2,
        interval=(mean - 0.5, mean + 0.5) if n > 2 else None,
        prediction=(mean - 0.7, mean + 0.7) if n > 1 else None,
        runs=tuple(UUID(int=number) for number in range(n)),
        config={},
    )


def standing(number=1, table="13", **more) -> Standing:
    given = {
        "id": f"{table}.{number}",
        "table": table,
        "label": f"Network {number}",
        "setting": "CIFAR-10",
        "figure_of": "ours",
        "params": 1000,
        "macs": 2000,
        "metrics": {"top1": 94.0 + number / 10},
        "metric": "top1",
        "model": "mgic_resnet56",
        "counted": counted(),
        "experiment": "classification",
        "recipe": "table13",
        "quick_recipe": "table13_quick",
        "verdict": "not run",
        "why": "no run at the row's scale has finished",
        "test_set": "same",
        "test_size": 10_000,
        "margin": 0.5,
    }
    return Standing(**({"says": (given | more)["verdict"]} | given | more))


def recipe(name: str, scale: str) -> Recipe:
    return Recipe(name=name, title=f"Title of {name}", summary="Needs 3 days.", scale=scale, experiment="x", grids=())


class Paper:
    """A service that knows two tables, and counts what is submitted."""

    url = "http://made"

    def __init__(self, rows: list[Standing]) -> None:
        self.rows, self.sent, self.refuses, self.gone = rows, [], False, False

    def paper_tables(self):
        tables = dict.fromkeys(row.table for row in self.rows)
        more = {"place": "Here", "notes": ("16 twice $x$",), "transfer_counted": False, "counting": "It is <b>so</b>."}
        return [PaperTable(name=n, title=f"About <b>{n}</b>", **more) for n in tables]

    def health(self):
        raise Unreachable("no answer")

    def paper_summary(self):
        if self.gone:
            raise Unreachable("no answer")
        counts = {name: sum(row.verdict == name for row in self.rows) for name in NAMES}
        runs = sum(row.measured is not None for row in self.rows)
        return PaperSummary(
            rows=len(self.rows),
            runnable=2,
            with_cost=2,
            cost_matches=1,
            cost_rounds=1,
            judgeable=2,
            measured=runs,
            judged=counts,
        )

    def references(self, table=None):
        return [row for row in self.rows if table in (None, row.table)]

    def references_as(self, format, table=None):
        return f"{format} of {table}".encode()

    def recipes(self):
        return [recipe("table13", "paper"), recipe("table13_quick", "quick")]

    def submit(self, asked, key):
        if self.refuses:
            raise ApiError(422, {"detail": "the data set <b>cifar10</b> is not on this server"})
        self.sent.append((asked.recipe, key))
        return SimpleNamespace(id=UUID(int=7))


def opened(api, **address: str) -> AppTest:
    st.cache_data.clear()
    page = AppTest.from_file(APP, default_timeout=60)
    page.session_state["client"] = api
    page.query_params["anything"] = "keeps the start page short"
    page.switch_page(SCRIPTS["paper"])
    page.query_params.clear()
    for key, value in address.items():
        page.query_params[key] = value
    shown = page.run()
    assert not shown.exception
    return shown


def said(page: AppTest) -> str:
    return " ".join(one.value for one in [*page.error, *page.warning, *page.info])


def texts(page: AppTest) -> str:
    return " ".join(one.value for one in [*page.markdown, *page.caption, *page.subheader])


@pytest.fixture
def api() -> Paper:
    judged = standing(2, measured=measured(), quick=measured(1, 80.0), verdict="reproduced", why="it lies inside")
    cannot = standing(1, table="5", cannot_run="because it is not published", verdict="cannot run", why="unpublished")
    cannot = cannot.model_copy(update={"recipe": None, "quick_recipe": None, "counted": None, "macs": None})
    return Paper([standing(1), judged, cannot])


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("cells", [LIGHT_CELLS, DARK_CELLS])
def test_coloured_cells_can_be_read(cells):
    for text, background in cells.values():
        light, dark = sorted((luminance(text), luminance(background)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 7


def test_the_symbol_stands_at_the_count_that_the_tables_rule_judges_and_the_other_has_its_deviation():
    (line,) = paper_table([standing()]).to_dict("records")
    assert line[PARAMS] == "1 k ● +0.4 %"
    assert line[MACS] == "2.24 k +12.0 %"
    assert line[WITHOUT] == "2.04 k ● -2.0 %"
    styles = cell_styles([standing()], paper_table([standing()]), LIGHT).iloc[0]
    assert LIGHT_CELLS["match"][1] in styles[PARAMS]
    assert LIGHT_CELLS["match"][1] in styles[WITHOUT]
    assert (styles[MACS], styles["network"]) == ("", "")
    row = standing(counted=counted(rule=True, match="off"))
    (line,) = paper_table([row]).to_dict("records")
    assert (line[MACS], line[WITHOUT]) == ("2.24 k ✖ +12.0 %", "2.04 k -2.0 %")
    assert LIGHT_CELLS["off"][1] in cell_styles([row], paper_table([row]), LIGHT).iloc[0][MACS]


def test_what_only_rounds_to_the_printed_digits_has_a_symbol_of_its_own():
    assert paper_table([standing(counted=counted(without=-4.3, match="rounds"))])[WITHOUT][0] == "2.04 k ◐ -4.3 %"


def test_a_network_without_r_and_p_has_one_count_of_macs():
    row = standing(counted=counted(macs=5.0, without=5.0, transfer=0).model_copy(update={"macs_match": "near"}))
    table = paper_table([row])
    assert table[MACS][0] == "2.24 k ▲ +5.0 %"
    assert WITHOUT not in table.columns
    assert WITHOUT not in paper_table([standing(counted=counted(transfer=2240))]).columns  # R and P are all of it
    assert DARK_CELLS["near"][1] in cell_styles([row], table, DARK)[MACS][0]


def test_a_verdict_is_a_symbol_a_word_and_a_colour():
    rows = [standing(n, verdict=name) for n, name in enumerate(NAMES)]
    table = paper_table(rows)
    assert len({words[0] for words in table[VERDICT]}) == len(NAMES)
    styles = list(cell_styles(rows, table, LIGHT)[VERDICT])
    assert styles[:-3] == [""] * (len(NAMES) - 3)
    assert len(set(styles[-3:])) == 3


def test_a_verdict_says_what_belongs_to_it():
    row = standing(verdict="another network", says="another network (-43 % parameters)")
    assert paper_table([row])[VERDICT][0] == "≠ another network (-43 % parameters)"


def test_a_mean_is_written_with_its_spread_and_the_number_of_seeds():
    assert measured_words(measured(3)) == "94.2 ± 0.5 (n = 3)"
    assert measured_words(measured(2)) == "94.2, 94 to 94.4 (n = 2)"
    assert measured_words(measured(1)) == "94.2 (n = 1)"
    assert measured_words(measured(3, lost={"diverged": 2})) == "94.2 ± 0.5 (3 of 5 seeds)"
    assert measured_words(measured(1, searched=4)) == "94.2 (n = 1, best of 4 groups)"
    assert measured_words(None) == "-"


def test_printed_marks_are_hollow_and_measured_ones_filled_at_the_cost_the_paper_counts():
    rows = [standing(1), standing(2, measured=measured(), figure_of="quoted")]
    plot = paper_plot(rows)
    assert plot.axis == "MACs without R and P"
    assert [(mark.x, mark.y) for mark in plot.printed] == [(2000, 94.1), (2000, 94.2)]
    assert [(mark.x, mark.y, mark.below) for mark in plot.measured] == [(2040, 94.2, pytest.approx(0.5))]
    figure = draw_paper_plot(plot, "", LIGHT)
    assert [list(trace.text) for trace in figure.data if trace.text] == [["13.1", "13.2"]]
    drawn = {trace.name: trace.marker.symbol for trace in figure.data if trace.name}
    assert all(symbol.endswith("-open") == name.startswith("printed") for name, symbol in drawn.items())
    assert "square" in drawn.values()


def test_a_table_that_counts_r_and_p_is_drawn_with_them():
    rows = [standing(n, measured=measured(), counted=counted(rule=True)) for n in (1, 2)]
    plot = paper_plot(rows)
    assert (plot.axis, plot.measured[0].x) == ("MACs", 2240)


def test_what_is_measured_and_not_judged_is_grey_and_joined_to_nothing():
    apart = {"apart": "another network", "apart_words": "another network (+16 % MACs)"}
    plot = paper_plot([standing(1, measured=measured()), standing(2, measured=measured(), **apart)])
    assert [mark.judged for mark in plot.measured] == [True, False]
    assert [printed.label for printed, _ in plot.pairs] == ["13.1"]
    drawn = {trace.name: trace.marker.color for trace in draw_paper_plot(plot, "", LIGHT).data if trace.name}
    assert drawn["measured, the authors' network, not judged"] == LIGHT.faint
    assert drawn["measured, the authors' network"] == LIGHT.series[0]


def test_a_quick_result_is_in_no_figure():
    assert paper_plot([standing(1), standing(2, quick=measured())]).measured == []


def test_a_table_without_cost_or_result_has_no_figure():
    assert paper_plot([standing(1, metrics={}), standing(2, metrics={})]) is None
    assert paper_plot([standing(1, macs=None, params=None), standing(2, macs=None, params=None)]) is None


def test_the_headline_and_the_table_of_the_address(api):
    page = opened(api, table="13")
    assert [one.value for one in page.metric] == ["3", "2 of 3", "1 of 2", "1 of 2"]
    assert "2 rows are judged: ✔ 1 reproduced" in texts(page)
    assert "1 rows have the printed cost only when rounded" in texts(page)
    assert "MACs are held against ours without R and P.** It is \\<b>so\\</b>." in texts(page)
    table = page.dataframe[0].value
    assert list(table["row"]) == ["13.1", "13.2"]
    assert list(table["quick, not judged"]) == ["-", "80 (n = 1)"]
    assert len(page.get("plotly_chart")) == 1


def test_notes_and_titles_are_shown_as_written(api):
    words = texts(opened(api, table="13"))
    assert "16 twice \\$x\\$" in words
    assert "\\<b>13\\</b>" in words


def test_the_chosen_row_goes_with_its_table(api):
    page = opened(api, table="13", row="13.2")
    page.segmented_control(key="paper/table").set_value("5").run()
    assert page.selectbox(key="paper/row").value is None
    assert not page.error


def test_another_table_is_chosen_by_its_name(api):
    page = opened(api)
    page.segmented_control(key="paper/table").set_value("5").run()
    assert not page.exception
    assert list(page.dataframe[0].value["row"]) == ["5.1"]


def test_a_row_says_why_it_has_its_verdict_and_which_runs_were_made(api):
    words = texts(opened(api, table="13", row="13.2"))
    assert "✔ reproduced" in words
    assert "it lies inside" in words
    assert "prediction interval 93.5 to 94.9; smallest gap seen in 4 of 5 tries 1.2" in words
    assert "Tested on: the samples that ours are tested on (10,000 samples)" in words
    assert "Reproduced means: shown to be within 0.5 points of the printed figure" in words
    assert "Needs 3 days." in words


def test_one_click_submits_the_recipe_and_leads_to_its_sweep(api):
    page = opened(api, table="13", row="13.1")
    page.button(key="Run quick").click().run()
    page.button(key="Run quick").click().run()
    assert not page.exception
    assert [name for name, _ in api.sent] == ["table13_quick"] * 2
    assert len({key for _, key in api.sent}) == 1, "two clicks are one sweep"
    page.button(key="Run at paper scale").click().run()
    assert api.sent[-1][0] == "table13"
    assert sum("Queued" in link.proto.label for link in page.get("page_link")) == 2


def test_what_the_service_refuses_is_said_in_its_words(api):
    api.refuses = True
    page = opened(api, table="13", row="13.1")
    page.button(key="Run at paper scale").click().run()
    assert "the data set \\<b>cifar10\\</b> is not on this server" in said(page)


def test_a_row_that_cannot_run_says_why_and_has_no_live_button(api):
    page = opened(api, table="5", row="5.1")
    assert page.button(key="Run quick").disabled
    assert "because it is not published" in texts(page)


def test_without_runs_the_page_says_what_to_do():
    assert "No run at the scale of one of its rows" in said(opened(Paper([standing(1)])))


def test_without_tables_it_says_so():
    assert "knows no table" in said(opened(Paper([])))


@pytest.mark.parametrize("given", ["99", "<b>x</b>", "13.1"])
def test_an_unknown_table_in_the_address_is_answered_in_words(api, given):
    page = opened(api, table=given)
    assert f"table={literal(given)} in the address" in said(page)
    assert len(page.dataframe) == 1


def test_an_unknown_row_in_the_address_is_answered_in_words(api):
    assert "is no row of Table 13" in said(opened(api, table="13", row="13.99"))


def test_a_row_left_over_from_another_table_is_no_error(api):
    assert "is no row" not in said(opened(api, table="13", row="5.1"))


def test_a_service_that_went_away_is_named_once_over_what_it_said_last(api):
    page = opened(api, table="13", row="13.2")
    api.gone = True
    page.run()
    assert not page.exception
    assert len(page.error) == 1
    assert list(page.dataframe[0].value["row"]) == ["13.1", "13.2"]


def test_a_service_that_is_not_there_is_named():
    nobody = Client(f"http://127.0.0.1:{free_port()}")
    page = opened(nobody)
    nobody.close()
    assert f"Cannot reach the API at `{nobody.url}`" in said(page)


def test_what_all_rows_have_is_said_once_and_has_no_column():
    rows = [standing(setting=f"ImageNet, 224x224, s_g = {size}") for size in (16, 32)]
    assert shared_setting(rows) == ["ImageNet", "224x224"]
    assert list(paper_table(rows)["setting"]) == ["s_g = 16", "s_g = 32"]
