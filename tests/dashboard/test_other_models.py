"""Models of packages on the pages: found by words, opened, chosen for a sweep, and refused in words."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mgic.figures.conversion import rows
from mgic.records import ConversionReport, LeftAlone
from tests.dashboard.core_client import Core
from tests.dashboard.test_pages import APP, opened

NAME = "timm/test_resnet"


@pytest.fixture
def page(tmp_path) -> AppTest:
    st.cache_data.clear()
    made = AppTest.from_file(APP, default_timeout=120)
    made.session_state["client"] = Core(tmp_path).client
    return made


def test_what_a_package_has_is_listed_and_found_by_words(page):
    shown = opened(page, "models", source="timm", find="test_resnet")
    assert list(shown.dataframe[0].value["model"]) == [f"model?model={NAME}"]
    assert shown.caption[0].value.startswith("1 of 13")


def test_a_model_of_a_package_is_opened_and_another_one_chosen(page):
    shown = opened(page, "model", model=NAME)
    assert not shown.exception
    assert [one.value for one in shown.metric if one.label == "Parameters"] == ["469.7 k", "469.7 k → 460.9 k"]
    chooser = shown.selectbox(key=f"model chosen/{NAME}")
    assert chooser.value == NAME
    assert {"resnet20", "timm/convnext_atto", "torchvision/resnet18"} <= set(chooser.options)
    chooser.select("torchvision/resnet18").run()
    assert shown.title[0].value == "torchvision/resnet18"
    assert len(shown.get("plotly_chart")) == 2  # of the network as it is converted: its blocks, and the levels of one
    next(one for one in shown.button if one.label == "Open mgic/torchvision/resnet18").click().run()
    assert shown.title[0].value == "mgic/torchvision/resnet18"
    assert len(shown.get("plotly_chart")) == 4


def test_a_network_stands_beside_what_it_is_converted_to_and_the_sizes_can_be_changed(page):
    shown = opened(page, "model", model="resnet20", coarsest_size="32")
    converted, left = (table.value for table in shown.dataframe)
    assert list(converted["channels of the levels"]) == ["16", "32", "64 → 32"]
    assert left["why"].iloc[-1] == "gives the network's answer"
    shown.number_input(key="model resnet20/coarsest_size").set_value(16).run()
    assert list(shown.dataframe[0].value["channels of the levels"]) == ["16", "32 → 16", "64 → 32 → 16"]
    assert {one.label: one.value for one in shown.metric if "→" in one.value}["MACs"] == "40.55 M → 28.98 M"
    assert dict(shown.query_params) == {"model": "resnet20"}


@pytest.mark.parametrize("name", ["timm/test_vit", "mgic/timm/test_vit"])
def test_where_nothing_can_be_converted_the_page_gives_the_reasons(page, name):
    shown = opened(page, "model", model=name)
    assert not shown.error
    assert "as attention does" in shown.info[0].value


def test_many_blocks_that_differ_are_summed_up_by_stage():
    part = {"kind": "Conv2d", "params": 1}
    left = [LeftAlone(name=f"stages.{n // 10}.{n % 10}", reason=f"{n}", macs=n, place=n, **part) for n in range(40)]
    report = ConversionReport(group_size=8, coarsest_size=16, coarsening="paper", converted=(), left=left, weights="")
    drawn = rows(report, "macs")
    assert [(row.title, row.after) for row in drawn] == [
        ("stages.0.0 to 9  (10)", 45),
        ("stages.1.0 to 9  (10)", 145),
        ("stages.2.0 to 9  (10)", 245),
        ("stages.3.0 to 9  (10)", 345),
    ]


@pytest.mark.thorough
def test_a_short_name_is_the_model_whichever_way_it_is_asked_for(page):
    assert opened(page, "model", model="timm/ghostnet_050").title[0].value == "ghostnet_050"


def test_the_form_of_a_sweep_takes_any_name_with_its_options(page):
    grid = json.dumps({"model": [NAME, "timm/test_vit"], "img_size": [96]})
    shown = opened(page, "new", experiment="cost", grid=grid)
    assert not shown.error
    assert shown.button(key="run").label == "Run 2 cells"
    assert shown.text_input(key="cost:img_size").value == "96"
    grid = json.dumps({"model": [NAME, "timm/test_resnt"]})
    shown = opened(page, "new", experiment="cost", grid=grid)
    assert "did you mean 'timm/test_resnet'?" in shown.error[0].value.replace("\\", "")
