"""The pages over a real service: from the form to the plot, and what is said when something is wrong."""

from pathlib import Path
from uuid import UUID

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.pages import SCRIPTS
from dashboard.settings import Settings
from dashboard.words import literal
from mgic.client import Client
from mgic.records import RunStatus, Sweep, SweepRequest
from tests.cases import thorough
from tests.conftest import free_port

APP = str(Path(dashboard.__file__).with_name("app.py"))
WIDTHS = {"channels": [64, 128]}


def session(client: Client) -> AppTest:
    """One that has not opened a page yet."""
    st.cache_data.clear()
    app = AppTest.from_file(APP, default_timeout=60)
    app.session_state["client"] = client
    return app


@pytest.fixture
def app(service) -> AppTest:
    return session(service.client)


@pytest.fixture
def page(app) -> AppTest:
    """The form of a sweep."""
    return opened(app.run(), "new")


@pytest.fixture(scope="module")
def swept(service) -> Sweep:
    """A finished sweep of a quick experiment."""
    made = service.client.submit(SweepRequest(experiment="channel_scaling", axes=WIDTHS, name="two widths"))
    return service.client.wait(made.id, timeout=120)


def opened(page: AppTest, name: str, /, **address: str) -> AppTest:
    page.query_params.clear()
    for key, value in address.items():
        page.query_params[key] = value
    shown = page.switch_page(SCRIPTS[name]).run()
    assert not shown.exception
    return shown


def choose(page: AppTest, service, experiment: str) -> AppTest:
    return page.selectbox(key="experiment").set_value(service.client.experiment(experiment).title).run()


def said(page: AppTest) -> str:
    return " ".join(one.value for one in [*page.error, *page.warning, *page.info])


def test_from_the_form_to_the_plot(page, service):
    choose(page, service, "channel_scaling")
    page.text_input(key="channel_scaling:channels").set_value("64, 128").run()
    assert page.button(key="run").label == "Run 2 cells"
    page.button(key="run").click().run()
    assert not page.exception
    sweep_id = page.query_params["sweep"]
    service.client.wait(sweep_id, timeout=120)
    opened(page, "sweep", sweep=sweep_id)
    assert len(page.get("plotly_chart")) >= 1
    assert list(page.dataframe[-1].value["status"]) == ["✔ succeeded"] * 2


def test_the_preview_names_the_cost_of_each_cell_before_anything_is_queued(page, service):
    before = len(service.client.sweeps().items)
    choose(page, service, "classification")
    page.multiselect(key="classification:model").set_value(["resnet20", "mgic_resnet20"]).run()
    page.text_input(key="classification:group_size").set_value("4, 8").run()
    assert page.button(key="run").label == "Run 3 cells"
    assert {"Model", "Group size s_g", "MACs"} <= set(page.dataframe[0].value.columns)
    assert len(service.client.sweeps().items) == before


def test_two_clicks_make_one_sweep(page, service):
    choose(page, service, "channel_scaling")
    page.button(key="run").click().run()
    first = page.query_params["sweep"]
    ((content, (key, _)),) = page.session_state["submit keys"].items()
    asked = SweepRequest.model_validate_json(content)
    assert str(service.client.submit(asked, key).id) == first


def test_all_bad_fields_are_said_at_once_each_at_its_place_and_run_stays_in_sight(page, service):
    choose(page, service, "classification")
    page.text_input(key="classification:seed").set_value("1, 2").run()
    page.text_input(key="classification:epochs").set_value("many")
    page.text_input(key="classification:batch_size").set_value("0")
    page.text_input(key="classification:momentum").set_value("7").run()
    assert not page.exception
    assert page.error[0].value == "epochs: “many” is not a whole number"
    assert {one.value.partition(":")[0] for one in page.error} == {"epochs", "batch_size", "momentum"}
    assert page.button(key="run").disabled
    assert any("[**3 fields to correct**](#field-epochs)" in one.value for one in page.markdown)
    assert page.session_state["classification/more"] is True  # momentum is one of the rare fields
    assert len(page.dataframe[0].value) == 2  # the cells of the last valid form
    for name, text in {"epochs": "1", "batch_size": "8", "momentum": "0.5"}.items():
        page.text_input(key=f"classification:{name}").set_value(text)
    page.run()
    assert (page.button(key="run").label, page.button(key="run").disabled) == ("Run 2 cells", False)
    assert not page.error


def test_a_field_that_is_changed_before_the_browser_knows_the_new_address_is_kept(page, service):
    """A rerun tells the address the browser has: while it has not heard of that of the run before, the one before."""
    choose(page, service, "channel_scaling")
    before = dict(page.query_params)
    for name, text in (("channels", "64, 128"), ("seed", "0, 1"), ("side", "8, 16")):
        page.query_params.clear()
        page.query_params.update(before)
        page.text_input(key=f"channel_scaling:{name}").set_value(text).run()
    assert page.query_params["grid"] == '{"channels":[64,128],"seed":[0,1],"side":[8,16]}'
    page.run()  # the browser knows it now
    assert page.button(key="run").label == "Run 8 cells"
    page.query_params.clear()
    page.query_params.update(before)
    assert page.run().text_input(key="channel_scaling:channels").value != "64, 128"  # Back


def test_the_form_stands_in_the_address_and_is_filled_from_it_again(page, service):
    choose(page, service, "channel_scaling")
    page.text_input(key="channel_scaling:channels").set_value("64, 128").run()
    page.text_input(key="sweep name").set_value("wide").run()
    address = dict(page.query_params)
    assert address == {"experiment": "channel_scaling", "grid": '{"channels":[64,128]}', "name": "wide"}
    again = opened(session(service.client).run(), "new", **address)
    assert again.text_input(key="channel_scaling:channels").value == "64, 128"
    assert again.text_input(key="sweep name").value == "wide"
    assert opened(again, "new").selectbox(key="experiment").value == "Image classification"
    again.button(key="last").click().run()
    assert again.text_input(key="channel_scaling:channels").value == "64, 128"


def test_a_bad_address_is_said_as_long_as_it_stands(app):
    shown = opened(app, "new", experiment="nonsense")
    assert "No experiment called 'nonsense'" in said(shown.run())
    assert shown.button(key="run").label == "Run 1 cell"


def test_beside_a_named_run_what_is_chosen_is_asked_for_and_what_was_left_alone_is_not(app):
    shown = opened(app, "new", experiment="evaluate")
    model, data = (shown.multiselect(key=f"evaluate:{name}") for name in ("model", "dataset"))
    default = data.value
    assert model.value == ["mgic_resnet20"]
    shown.multiselect(key="evaluate:trained").set_value([str(UUID(int=1))]).run()
    assert [shown.multiselect(key=f"evaluate:{name}").value for name in ("model", "dataset")] == [[], []]
    shown.multiselect(key="evaluate:dataset").set_value(default).run()
    assert shown.multiselect(key="evaluate:dataset").value == default
    shown.multiselect(key="evaluate:trained").set_value([]).run()
    assert shown.multiselect(key="evaluate:model").value == model.value


def test_what_follows_each_run_is_part_of_the_form(page, service):
    choose(page, service, "classification")
    page.selectbox(key="sweep then").set_value(service.client.experiment("evaluate").title).run()
    page.text_input(key="sweep then_grid").set_value('{"seed": [1, 2]}').run()
    assert not page.error
    assert any("then **2 cells**" in one.value for one in page.markdown)
    assert "--then evaluate" in page.code[0].value
    page.text_input(key="sweep then_grid").set_value('{"seed": [').run()
    assert page.button(key="run").disabled


def test_a_search_is_asked_for_in_the_form_and_its_page_tells_it_in_words(page, service):
    choose(page, service, "channel_scaling")
    page.selectbox(key="search search").set_value("random").run()
    assert page.button(key="run").disabled
    page.selectbox(key="search metric").set_value("macs")
    page.text_input(key="search range").set_value("channels=64:256:64")
    page.number_input(key="search at_once").set_value(1)
    page.number_input(key="search trials").set_value(2).run()
    assert not page.error
    assert page.button(key="run").label == "Run a search of 2 trials"
    assert "--search random --trials 2 --metric macs --at-once 1 --range channels=64:256:64" in page.code[0].value
    again = opened(session(service.client).run(), "new", **dict(page.query_params))
    again.button(key="run").click().run()
    sweep_id = again.query_params["sweep"]
    service.client.wait(sweep_id, timeout=120)
    opened(again, "sweep", sweep=sweep_id)
    assert any(one.value.startswith("A search by random; best macs") for one in again.caption)
    changed = opened(again, "new", from_sweep=sweep_id)
    assert changed.button(key="run").label == "Run a search of 2 trials"
    assert changed.number_input(key="search at_once").value == 1


def test_the_numbers_of_a_rule_that_ends_trainings_early_come_back(page, service):
    address = {"experiment": "classification", "search": "random", "metric": "top1", "range": "learning_rate=0.01:1"}
    shown = opened(page, "new", **address, stop="halving", stop_first="2", stop_factor="4")
    assert not shown.error
    assert "--stop halving:first=2,factor=4" in shown.code[0].value
    assert {one.key for one in shown.number_input} >= {"search stop_first", "search stop_factor"}


def test_what_is_wrong_with_a_search_is_said_with_it(page, service):
    address = {"experiment": "channel_scaling", "search": "random", "metric": "macs"}
    assert "nothing to choose" in opened(page, "new", **address).error[0].value
    page.text_input(key="search range").set_value("channels=64").run()
    assert "is wanted, not 'channels=64'" in page.error[0].value
    page.text_input(key="search range").set_value("channels=64:8").run()
    assert "min must be below max" in page.error[0].value
    assert page.button(key="run").disabled
    assert "trials=0 is no whole number" in opened(page, "new", trials="0").error[0].value


def test_a_preset_fills_the_form(app, service):
    recipe = service.client.recipes()[0]
    shown = opened(app, "new", recipe=recipe.name)
    assert recipe.title in shown.selectbox(key=f"{recipe.experiment}/recipe box").value
    assert not shown.error


def test_every_recipe_of_the_experiment_is_in_one_box_and_fills_the_form(page, service):
    choose(page, service, "latency")
    known = service.client.experiment("latency").recipes
    box = page.selectbox(key="latency/recipe box")
    assert sorted(one.partition(": ")[2] for one in box.options) == sorted(recipe.title for recipe in known)
    quick = next(recipe for recipe in known if recipe.name == "table10_quick")
    box.set_value(f"Quick: {quick.title}").run()
    assert not page.exception
    assert page.multiselect(key="latency:models").value == ["mobilenet_v2", "ghostnet_100", "mgic_mobilenet_v3"]
    assert page.text_input(key="latency:rounds").value == "3"
    assert page.query_params["recipe"] == "table10_quick"
    next(one for one in page.button if one.label == "Empty the form").click().run()
    assert page.text_input(key="latency:rounds").value == "5"
    assert page.selectbox(key="latency/recipe box").value is None


def test_the_data_sets_of_the_form_are_those_of_the_task(page, service):
    known = service.client.datasets()
    fields = {info.name: info.config_schema["properties"].get("dataset", {}) for info in service.client.experiments()}
    asked = {name: field["task"] for name, field in fields.items() if field.get("choices") == "datasets"}
    assert {"image classification", "point cloud"} <= set(asked.values())
    for name, task in asked.items():
        choose(page, service, name)
        assert page.multiselect(key=f"{name}:dataset").options == [one.name for one in known if one.task == task]


def test_a_recipe_without_its_data_says_how_to_get_them(app, service):
    absent = next(one for one in service.client.datasets() if one.name == "imagenet")
    assert not absent.present
    recipes = service.client.experiment("classification").recipes
    recipe = next(one for one in recipes if "imagenet" in str(one.grids))
    shown = opened(app, "new", recipe=recipe.name)
    told = " ".join(one.value for one in shown.caption)
    assert literal(f"imagenet is not on this server: {absent.how_to_get}") in told


def test_a_run_has_its_settings_its_result_and_its_timeline(app, swept, service):
    run = service.client.sweep_runs(swept.id)[0]
    shown = opened(app, "run", run=str(run.id))
    assert run.status is RunStatus.SUCCEEDED
    assert "succeeded" in " ".join(one.value for one in shown.markdown)
    assert any("MACs" in one.label for one in shown.metric)
    config = opened(app, "run", run=str(run.id), part="config")
    assert any("resolved" in table.value.columns for table in config.dataframe)
    log = opened(app, "run", run=str(run.id), part="log")
    assert "succeeded" in " ".join(str(table.value.to_dict()) for table in log.dataframe)


def test_change_and_run_again_brings_the_settings_back(app, swept, service):
    run = service.client.sweep_runs(swept.id)[1]
    shown = opened(app, "new", run=str(run.id))
    assert shown.text_input(key="channel_scaling:channels").value == "128"


def test_runs_are_filtered_by_the_address(app, swept):
    shown = opened(app, "runs", of=str(swept.id))
    assert len(shown.dataframe[0].value) == 2


def test_sweeps_are_listed_by_name(app, swept):
    assert "two widths" in list(opened(app, "sweeps").dataframe[0].value["name"])


@pytest.mark.parametrize("name", ["system", "help"])
def test_the_other_pages_open(app, name):
    assert opened(app, name).title[0].value


@pytest.mark.parametrize("name", ["sweep", "run"])
@pytest.mark.parametrize("given", ["00000000-0000-0000-0000-000000000000", *thorough("zzz")])
def test_a_bad_id_in_the_address_is_answered_in_words(app, name, given):
    assert opened(app, name, **{name: given}).error


@pytest.mark.parametrize("name", ["sweep", "run"])
def test_without_an_id_the_page_leads_to_the_list(app, name):
    assert "is chosen" in said(opened(app, name))


@pytest.mark.parametrize("name", ["new", "runs", *thorough("sweeps", "system")])
def test_a_service_that_is_not_there_is_named(name):
    nobody = Client(f"http://127.0.0.1:{free_port()}")
    shown = opened(session(nobody), name)
    nobody.close()
    assert f"Cannot reach the API at `{nobody.url}`" in said(shown)


def test_an_address_that_is_none_is_said_on_the_page(monkeypatch):
    monkeypatch.setenv("MGIC_API_URL", "localhost:8000")
    page = AppTest.from_file(APP, default_timeout=60).run()
    assert not page.exception
    assert literal("MGIC_API_URL is written http://127.0.0.1:8000, not 'localhost:8000'") in said(page)


def test_the_service_is_found_by_its_address_in_the_environment(monkeypatch):
    monkeypatch.setenv("MGIC_API_URL", "http://api:8000")
    monkeypatch.setenv("MGIC_API_KEY", "mgic_1.2")
    settings = Settings()
    assert settings.api_url == "http://api:8000"
    assert "mgic_1.2" not in repr(settings)
