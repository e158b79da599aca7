"""Models of packages on the pages: found by words, opened, chosen for a sweep, and refused in words."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

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
    assert {one.label: one.value for one in shown.metric}["Parameters"] == "469.7 k"
    chooser = shown.selectbox(key=f"model chosen/{NAME}")
    assert chooser.value == NAME
    assert {"resnet20", "timm/convnext_atto", "torchvision/resnet18"} <= set(chooser.options)
    chooser.select("torchvision/resnet18").run()
    assert shown.title[0].value == "torchvision/resnet18"
    next(one for one in shown.button if one.label == "Spread its blocks over one").click().run()
    assert shown.title[0].value == "mgic/torchvision/resnet18"
    assert len(shown.get("plotly_chart")) == 3


def test_a_short_name_is_the_model_whichever_way_it_is_asked_for(page):
    assert opened(page, "model", model="timm/ghostnet_050").title[0].value == "ghostnet_050"


def test_the_form_of_a_sweep_takes_any_name_with_its_options(page):
    grid = json.dumps({"model": [NAME, "timm/test_vit"], "img_size": [96]})
    shown = opened(page, "new_sweep", experiment="cost", grid=grid)
    assert not shown.error
    assert shown.button(key="run").label == "Run 2 cells"
    assert shown.text_input(key="cost:img_size").value == "96"
    grid = json.dumps({"model": [NAME, "timm/test_resnt"]})
    shown = opened(page, "new_sweep", experiment="cost", grid=grid)
    assert "did you mean 'timm/test_resnet'?" in shown.error[0].value.replace("\\", "")
