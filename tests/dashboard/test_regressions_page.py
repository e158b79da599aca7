"""The page Regressions over a real service: empty, its list with filters, one comparison, a metric's history."""

import json

import httpx2 as httpx
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from mgic.client import Client
from mgic.records import Comparison
from tests.cases import thorough
from tests.comparisons import drawn
from tests.dashboard.test_pages import opened, session

NAME = "page/<b>x</b> $y$"
NOBODY = "00000000-0000-4000-8000-000000000000"


def said(page: AppTest) -> str:
    """Every sentence of the page, boxes included."""
    kinds = (page.error, page.warning, page.info, page.success, page.caption, page.markdown)
    return " ".join(one.value for kind in kinds for one in kind)


@pytest.fixture(scope="module")
def kept(service) -> dict[str, Comparison]:
    """One of each verdict, the regression first."""
    given = {
        "regression": drawn("regression", 1, name=NAME),
        "inconclusive": drawn("inconclusive", 2, name=NAME, pull_request="javascript:alert(1)"),
        "gone": drawn("gone", 3, name=NAME),
        "baseline changed": drawn(
            "baseline changed", 4, name=NAME, head_side=drawn().head_side.model_copy(update={"branch": "next"})
        ),
    }
    return {case: service.client.add_comparison(one) for case, one in given.items()}


def test_an_empty_page_says_how_a_comparison_gets_there():
    empty = httpx.MockTransport(lambda _: httpx.Response(200, text='{"items": [], "next_cursor": null}'))
    shown = opened(session(Client(http=httpx.Client(base_url="http://made", transport=empty))).run(), "regressions")
    assert "mgic gate --base origin/main --send" in shown.code[0].value
    assert not shown.get("plotly_chart")


def test_the_list_is_newest_first_and_its_filters_stand_in_the_address(service, kept):
    shown = opened(session(service.client).run(), "regressions", name=NAME)
    table = shown.dataframe[0].value
    assert list(table["verdict"]) == ["✔ pass", "○ not measured", "◐ inconclusive", "✖ regression"]
    assert table["open"][3] == f"regressions?comparison={kept['regression'].id}"
    assert table["worst"][3].startswith("CPU time of resnet20: +")
    assert pd.isna(table["pull request"][2]), "no link to a script"
    assert table["pull request"][3] == kept["regression"].pull_request
    assert len(shown.get("plotly_chart")) == 2
    shown.selectbox(key="regressions/verdict").set_value("regression").run()
    assert (not shown.exception, len(shown.dataframe[0].value)) == (True, 1)
    assert dict(shown.query_params)["verdict"] in ("regression", ["regression"])
    shown = opened(shown, "regressions", name=NAME, branch="next")
    assert list(shown.dataframe[0].value["branch"]) == ["next"]


def test_the_history_is_of_the_model_and_the_metric_of_the_address(service, kept):
    asked = {"name": NAME, "model": "mgic_resnet20(group_size=8)", "metric": "peak_memory"}
    shown = opened(session(service.client).run(), "regressions", **{**asked, "model": "resnet20"})
    titles = [json.loads(one.proto.spec)["layout"]["title"]["text"] for one in shown.get("plotly_chart")]
    assert titles[0].replace("<br>", " ").startswith("Peak memory of resnet20, page/&lt;b&gt;x")
    assert "from 12 comparisons on; these are 4" in said(shown)
    shown.selectbox(key="regressions-history/model").set_value(asked["model"]).run()
    assert not shown.exception
    (first, _) = (json.loads(one.proto.spec) for one in shown.get("plotly_chart"))
    assert sum(len(trace["x"]) for trace in first["data"] if trace["name"] == "✔ pass") == 3
    wrong = opened(shown, "regressions", name=NAME, metric="speed")
    assert "metric=speed in the address" in said(wrong)


@pytest.mark.parametrize("case", ["regression", *thorough("inconclusive", "gone", "baseline changed")])
def test_one_comparison_has_its_verdict_rows_blocks_and_sides(service, kept, case):
    found = kept[case]
    shown = opened(session(service.client).run(), "regressions", comparison=str(found.id))
    words = {
        "regression": shown.error,
        "inconclusive": shown.warning,
        "not measured": shown.info,
        "pass": shown.success,
    }
    assert words[found.verdict][0].value.startswith(f"**{found.verdict}**: ")
    assert "which has not seen the code" in said(shown)
    rows, sides = (one.value for one in shown.dataframe)
    assert len(rows) == len(found.rows)
    assert list(sides["what"]) == ["commit", "branch"]
    (plot,) = shown.get("plotly_chart")
    assert json.loads(plot.proto.spec)["layout"]["title"]["text"] == "CPU time, block by block"
    for note in found.notes:
        assert note in said(shown)
    shown = opened(shown, "regressions", comparison=str(found.id), metric="wall_time")
    assert "Wall time" in json.loads(shown.get("plotly_chart")[0].proto.spec)["layout"]["title"]["text"]


@pytest.mark.parametrize("given", ["zzz", NOBODY])
def test_a_bad_id_in_the_address_is_answered_in_words(service, given):
    shown = opened(session(service.client).run(), "regressions", comparison=given)
    assert ("is not an id" in said(shown)) is (given == "zzz")
    assert shown.error
