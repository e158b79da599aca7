"""The list of models and the page of one: what they show, keep in the address, and say when something is wrong."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard.forms.fields import config_fields, model_fields, written
from dashboard.models.cost import ask_costs, known_costs, levels_table, matching, models_table, times
from dashboard.models.form import fields_of, read
from mgic import describe
from mgic.models import list_models, model_info
from mgic.records import Cost, Point, Uncounted
from tests.cases import thorough
from tests.dashboard.core_client import Core
from tests.dashboard.made import experiment, model
from tests.dashboard.test_pages import APP, opened, said

CONVOLUTION = "resnet20"
MGIC = "mgic_resnet20"


@pytest.fixture
def core(tmp_path) -> Core:
    return Core(tmp_path)


@pytest.fixture
def page(core) -> AppTest:
    """A session that has not opened a page yet."""
    st.cache_data.clear()
    made = AppTest.from_file(APP, default_timeout=120)
    made.session_state["client"] = core.client
    return made


def model_page(page: AppTest, name: str, **address: str) -> AppTest:
    return opened(page, "model", model=name, **address)


def metrics(page: AppTest) -> dict[str, tuple[str, str]]:
    return {one.label: (one.value, one.delta) for one in page.metric}


# The list


def test_the_names_are_there_before_anything_is_counted(page, core):
    before = len(core.previews)
    table = opened(page, "models").dataframe[0].value
    assert list(table["model"]) == [f"model?model={name}" for name in list_models()]
    assert table["MACs"].isna().all()
    assert set(table["source"]) == {"mgic", "timm", "torchvision"}
    assert len(core.previews) == before


def test_costs_come_in_bit_by_bit_and_only_those_missing_are_asked_for(core, monkeypatch):
    monkeypatch.setattr(st, "session_state", {})
    names = [CONVOLUTION, MGIC, "implicit_mlp"]
    infos = [model_info(name) for name in names]
    assert known_costs(infos) == {}
    for asked in range(3):
        ask_costs(core.client, infos)
        assert list(known_costs(infos)) == names[: asked + 1]
    assert [request.axes["model"] for request in core.previews] == [names, names[1:], names[2:]]
    ask_costs(core.client, infos)
    assert len(core.previews) == 3
    assert known_costs(infos)[CONVOLUTION].cost.macs == 40_551_040
    edited = [info.model_copy(update={"fingerprint": "other code"}) for info in infos]
    assert known_costs(edited) == {}


def test_a_table_of_models_has_numbers_where_they_are_known():
    cost = Cost(params=10, macs=10**10)
    known = {"a": Point(requested={}, config={}, cost=cost), "b": Point(requested={}, config={}, problem="no")}
    table = models_table([model("a"), model("b"), model("c")], known)
    assert list(table["MACs"].fillna(0)) == [10**10, 0, 0]
    assert list(table["at"]) == ["3 x 32 x 32"] * 3


def test_models_are_found_by_words_and_task():
    a, b = model("mgic_resnet20"), model("resnet20").model_copy(update={"task": "segmentation", "summary": "Plain."})
    assert matching([a, b], "resnet MGIC", None) == [a]
    assert matching([a, b], "plain resnet", None) == [b]
    assert matching([a, b], "", "segmentation") == [b]
    assert matching([a, b], "x", None) == []


def test_the_filters_stand_in_the_address(page):
    shown = opened(page, "models", find="mgic_", task="point cloud")
    assert list(shown.dataframe[0].value["model"]) == ["model?model=mgic_diffgcn"]


def test_filters_that_nothing_passes_are_answered_in_words(page):
    assert "No model matches" in said(opened(page, "models", find="zzz"))


@pytest.mark.parametrize(("size", "written"), [((3, 32, 32), "3 x 32 x 32"), ((2,), "2 numbers")])
def test_a_size_in_words(size, written):
    assert times(size) == written


# The page of one


def test_a_model_shows_its_totals_its_levels_and_three_drawings(page):
    cost = describe.cost(MGIC, {})
    shown = model_page(page, MGIC)
    found = metrics(shown)
    assert found["Parameters"] == ("104.9 k", "")
    assert found["MACs"] == ("25.67 M", "")
    assert found["FLOPs (2 x MACs)"] == ("51.34 M", "")
    assert found["R, P of the MACs"][0] == f"{cost.transfer_macs / cost.macs:.1%}"
    assert len(shown.get("plotly_chart")) == 3
    assert len(shown.dataframe[0].value) == len(cost.levels) == 18
    assert not shown.error


def test_operators_that_are_not_counted_are_named(page, monkeypatch):
    unknown = [Uncounted(operator="aten::_fft_r2c", module=f"layers.{number}") for number in range(7)]
    found = describe.cost(MGIC, {}).model_copy(update={"uncounted": tuple(unknown)})
    assert not model_page(page, MGIC).warning
    monkeypatch.setattr("dashboard.connection.model_cost", lambda *_: found)
    (warning,) = model_page(page, MGIC).warning
    assert "not all" in warning.value
    assert "in layers.4; and 2 more." in warning.value.replace("\\", "")


def test_an_option_in_the_address_is_in_force_and_compared_with_the_defaults(page):
    now, then = describe.cost(MGIC, {"group_size": 16}), describe.cost(MGIC, {})
    shown = model_page(page, MGIC, group_size="16")
    assert shown.number_input(key=f"model {MGIC}/group_size").value == 16
    assert metrics(shown)["Parameters"][1] == f"{100 * (now.params / then.params - 1):+.1f} %"


def test_what_is_chosen_stands_in_the_address_and_its_default_does_not(page):
    shown = model_page(page, MGIC)
    shown.number_input(key=f"model {MGIC}/group_size").set_value(4).run()
    shown.selectbox(key=f"model {MGIC}/coarsening").set_value("released").run()
    assert dict(shown.query_params) == {"model": MGIC, "group_size": "4", "coarsening": "released"}
    shown.number_input(key=f"model {MGIC}/group_size").set_value(8).run()
    assert "group_size" not in shown.query_params


def test_an_address_that_changed_under_the_page_fills_the_widgets_again(page):
    shown = model_page(page, MGIC, group_size="4", width="8")
    shown.query_params.clear()
    shown.query_params["model"] = MGIC
    shown.query_params["group_size"] = "16"
    shown.run()
    assert shown.number_input(key=f"model {MGIC}/group_size").value == 16
    assert shown.number_input(key=f"model {MGIC}/width").value == 16


def test_another_input_is_counted_and_compared_at_that_input(page):
    shown = model_page(page, MGIC, side="64", in_channels="1")
    cost = describe.cost(MGIC, {}, (1, 64, 64))
    assert f"{cost.macs:,}" in [one.help for one in shown.metric]
    assert metrics(shown)["MACs"][1] == ""


def test_the_switch_shows_parameters(page):
    shown = model_page(page, MGIC, counted="parameters")
    assert any("norms after P" in one.value for one in shown.caption)


def test_the_grid_asks_for_the_present_setting_first_with_the_other_options_fixed(page, core):
    model_page(page, MGIC, group_size="24", width="32", side="16")
    axes = core.previews[-1].axes
    assert axes["group_size"] == [24, 4, 8, 16, 32, 64]
    assert axes["coarsest_size"] == [16, 8, 32, 64, 128]
    assert (axes["width"], axes["side"]) == ([32], [16])


def test_cells_still_to_be_counted_are_said_to_be(page):
    assert any("still to be counted: 24 of 25" in one.value for one in model_page(page, MGIC).caption)


def test_a_model_without_a_hierarchy_that_cannot_be_converted_says_so_and_shows_its_totals(page):
    shown = model_page(page, "implicit_mlp", block="ghost")
    assert "no hierarchy" in said(shown)
    assert set(metrics(shown)) == {"Parameters", "MACs", "FLOPs (2 x MACs)"}
    assert not shown.get("plotly_chart")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"group_sise": "4"}, "did you mean group\\_size?"),
        ({"group_size": "9999"}, "from 1 to 1024"),
        ({"coarsening": "none"}, "paper or paper_min1 or released"),
        *thorough(
            ({"group_size": "4,8"}, "from 1 to 1024"),
            ({"group_size": "<b>x</b>"}, "is not a whole number"),
            ({"counted": "flops"}, "MACs or parameters"),
            ({"side": "0"}, "from 1 to 4096"),
        ),
    ],
)
def test_a_bad_option_in_the_address_is_named(page, address, words):
    shown = model_page(page, MGIC, **address)
    assert words.replace("\\", "") in shown.error[0].value.replace("\\", "")
    assert not shown.metric


def test_from_a_bad_option_there_is_a_way_back(page):
    shown = model_page(page, MGIC, group_size="9999")
    (back,) = [one for one in shown.button if one.label == "This model with its defaults"]
    assert metrics(back.click().run())["MACs"] == ("25.67 M", "")


@pytest.mark.parametrize("name", ["<b>x</b>", *thorough("nope", "$x$")])
def test_an_unknown_model_is_answered_in_words(page, name):
    assert "no model called" in model_page(page, name).error[0].value


def test_without_a_model_the_page_leads_to_the_list(page):
    assert "No model is chosen" in said(opened(page, "model"))


def test_options_that_do_not_go_together_are_answered_by_the_core_and_the_grid_shows_what_would(page):
    shown = model_page(page, MGIC, width="20", coarsest_size="4")
    assert "cannot be halved" in shown.error[0].value
    assert not shown.metric
    assert len(shown.get("plotly_chart")) == 1
    assert any("cannot be built" in one.value for one in shown.caption)


@pytest.mark.parametrize(
    "name", ["mgic_diffgcn", *thorough("mgic_lraspp", "mgic_mobilenet_v3", "dgcnn", "slimmable_resnet50")]
)
def test_a_model_of_another_kind_has_its_page(page, name):
    shown = model_page(page, name)
    assert not shown.error
    assert shown.metric


@pytest.mark.parametrize("name", list_models())
def test_every_option_of_every_model_can_stand_in_an_address(name):
    fields = fields_of(model_info(name))
    defaults, wrong = read(fields, {})
    texts = {one.name: written(defaults[one.name]) for one in fields}
    assert wrong == []
    assert read(fields, texts) == (defaults, [])
    assert model_info(name).options["properties"].keys() <= defaults.keys()


def test_training_starts_from_the_present_options(page):
    grid = json.dumps({"model": [MGIC], "group_size": [4]})
    shown = opened(page, "new", experiment="classification", grid=grid)
    assert shown.multiselect(key="classification:model").value == [MGIC]
    assert shown.text_input(key="classification:group_size").value == "4"
    assert not shown.error


@pytest.mark.parametrize("address", [{"experiment": "cost", "grid": "{"}, *thorough({"experiment": "nope"})])
def test_a_form_that_cannot_be_filled_says_so(page, address):
    assert opened(page, "new", **address).error


# Choices and bounds of fields


def test_an_experiment_offers_the_models_of_its_task(page):
    shown = opened(page, "new", experiment="classification")
    offered = set(shown.multiselect(key="classification:model").options)
    assert offered == {name for name in list_models() if model_info(name).task == "image classification"}
    shown = opened(page, "new", experiment="cost")
    assert set(shown.multiselect(key="cost:model").options) == set(list_models())


def test_a_field_has_its_task_its_bounds_and_its_step():
    (of_model,) = config_fields(experiment({"model": {"choices": "models", "task": "segmentation"}}))
    assert of_model.task == "segmentation"
    bounds = {"type": "number", "minimum": 0.25, "maximum": 1, "multipleOf": 0.25}
    nullable = {"anyOf": [bounds, {"type": "null"}], "default": None}
    for field in model_fields(model("made", width=bounds, other=nullable)):
        assert (field.low, field.high, field.step) == (0.25, 1, 0.25)


def test_the_table_of_levels_has_every_number_of_a_level():
    cost = describe.cost(MGIC, {})
    table = levels_table(cost.levels)
    assert table["R MACs"].sum() + table["P MACs"].sum() == cost.transfer_macs
    assert table["R parameters"].sum() + table["P parameters"].sum() == cost.transfer_params
