"""What every experiment must keep to; a new one is tested here without a line written."""

import pytest

from mgic.errors import BadResult
from mgic.experiment import EXPERIMENTS, Estimate, ExperimentConfig
from mgic.models import MODELS
from mgic.models.config import ModelConfig
from mgic.records import check_keys

NAMES = list(EXPERIMENTS)
NEEDED = {"evaluate": {"weights": "own"}}  # of an experiment that is nothing without it


def columns(name: str, table: str | None) -> set[str]:
    """What a row of the table has, or of a run where there is none."""
    info = EXPERIMENTS[name].info
    found = set(info.config_schema["properties"]) | set(info.result_schema["properties"]) - set(info.tables)
    found |= set(info.tables[table].columns if table else ())
    if info.config_schema.get("additionalProperties") is True:
        found |= {option for model in MODELS.values() for option in model.info.options["properties"]}
    return found


def test_these_experiments_are_there():
    assert {"classification", "cost", "channel_scaling"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_views_name_columns_that_exist(name):
    views = EXPERIMENTS[name].info.views
    assert views
    for view in views:
        assert set(view.columns) <= columns(name, view.table), view.title
        assert view.kind != "images" or view.y.endswith((".png", ".jpg")), view.title
    assert len({view.title for view in views}) == len(views)


@pytest.mark.parametrize("name", NAMES)
def test_a_goal_is_one_of_two_ends(name):
    schema = EXPERIMENTS[name].info.result_schema
    for part in (schema, *schema.get("$defs", {}).values()):
        goals = {field["goal"] for field in part.get("properties", {}).values() if "goal" in field}
        assert goals <= {"min", "max"}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_says_what_it_is_and_has_a_default(name):
    config, result = EXPERIMENTS[name].config, EXPERIMENTS[name].result
    assert issubclass(config, ExperimentConfig)
    config()
    for field, info in (config.model_fields | result.model_fields).items():
        assert info.description, field


@pytest.mark.parametrize("name", NAMES)
def test_config_and_result_share_no_column(name):
    assert not EXPERIMENTS[name].config.model_fields.keys() & EXPERIMENTS[name].result.model_fields.keys()


@pytest.mark.parametrize(("name", "table"), [(n, t) for n in NAMES for t in EXPERIMENTS[n].info.tables.values()])
def test_rows_of_a_table_have_a_key_and_no_two_the_same(name, table):
    schema = EXPERIMENTS[name].info.result_schema
    about = schema["$defs"][schema["properties"][table.name]["items"]["$ref"].rpartition("/")[2]]["properties"]
    assert table.keys
    assert set(table.keys) <= set(about)
    assert all(column.get("type") != "array" for column in (about[key] for key in table.keys)), "a key is one value"
    assert all(column["description"] for column in about.values())
    row = dict.fromkeys(table.columns, 1)
    check_keys([table], {table.name: [row, row | {table.keys[-1]: 2}]})
    with pytest.raises(BadResult, match=table.keys[0]):
        check_keys([table], {table.name: [row, row]})


@pytest.mark.parametrize("name", NAMES)
def test_a_headline_is_a_scalar_and_names_the_ends_of_its_interval(name):
    info = EXPERIMENTS[name].info
    fields = info.result_schema["properties"]
    for about in (field for field in fields.values() if field.get("headline")):
        assert about.get("type") != "array"
        assert len(about.get("ends", ())) in (0, 2)
        assert set(about.get("ends", ())) <= set(fields)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_does(name):
    info = EXPERIMENTS[name].info
    assert info.name == name
    assert info.title
    assert info.summary.endswith(".")
    assert info.version >= 1


@pytest.mark.parametrize("name", NAMES)
def test_a_config_reads_back_as_itself(name):
    config = EXPERIMENTS[name].config()
    assert EXPERIMENTS[name].config.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_field_is_refused(name):
    with pytest.raises(ValueError, match="no_such_field"):
        EXPERIMENTS[name].config(no_such_field=1)


@pytest.mark.parametrize("name", [name for name in NAMES if EXPERIMENTS[name].estimate is not None])
def test_the_default_config_has_an_estimate(name):
    estimate = EXPERIMENTS[name].estimate
    assert estimate is not None
    found = estimate(EXPERIMENTS[name].config(**NEEDED.get(name, {})))
    assert isinstance(found, Estimate)
    assert found.cost.params > 0
    assert found.work_macs >= 0
    assert found.batch_pixels > 0


@pytest.mark.parametrize("name", NAMES)
def test_no_field_is_called_like_an_option_of_a_model(name):
    config = EXPERIMENTS[name].config
    if issubclass(config, ModelConfig):
        options = {option for model in MODELS.values() for option in model.info.options["properties"]}
        assert not config.model_fields.keys() & options


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_two_fields_of_an_experiment_have_one_title(name):
    info = EXPERIMENTS[name].info
    schemas = (info.config_schema, info.result_schema, *info.result_schema.get("$defs", {}).values())
    found = [[about["title"] for about in one.get("properties", {}).values()] for one in schemas]
    assert [titles for titles in found if len(titles) != len(set(titles))] == []
