"""From a schema to fields, and from what is typed to grids."""

import pytest

from dashboard.forms.fields import (
    BadText,
    config_fields,
    field_of,
    given,
    grids,
    is_rare,
    option_fields,
    parse,
    without,
    written,
)
from mgic.records import Recipe, View
from tests.dashboard.made import experiment, model

PROPERTIES = {
    "model": {"type": "string", "choices": "models", "default": "resnet20", "description": "Network"},
    "dataset": {"type": "string", "choices": "datasets", "default": "digits"},
    "seed": {"type": "integer", "default": 0},
    "max_steps": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "unit": "steps"},
    "rate": {"type": "number", "default": 0.1},
    "schedule": {"enum": ["cosine", "step"], "type": "string", "default": "cosine"},
    "milestones": {"type": "array", "items": {"type": "integer"}, "default": [60, 120]},
    "augment": {"type": "boolean", "default": True},
    "momentum": {"type": "number", "default": 0.9},
}
SIZE = {"type": "integer", "default": 8}
PLAIN = model("resnet20", width={"type": "number", "default": 1.0})
GROUPED = model("mgic_resnet20", width={"type": "number", "default": 1.0}, group_size=SIZE)
OTHER = model("mgic_resnet50", group_size={"type": "integer", "default": 64})


def field(name: str):
    return next(one for one in config_fields(experiment(PROPERTIES)) if one.name == name)


def test_a_field_takes_kind_default_unit_and_choices_from_its_schema():
    assert field("model").choices == "models"
    assert (field("max_steps").kind, field("max_steps").nullable, field("max_steps").unit) == ("integer", True, "steps")
    assert (field("milestones").kind, field("milestones").item) == ("array", "integer")
    assert field("schedule").enum == ("cosine", "step")
    assert field("rate").help == "rate. Default: 0.1."


def test_a_referenced_enum_is_followed():
    properties = {"mode": {"$ref": "#/$defs/Mode", "default": "a"}}
    info = experiment(properties)
    info = info.model_copy(update={"config_schema": info.config_schema | {"$defs": {"Mode": {"enum": ["a", "b"]}}}})
    assert config_fields(info)[0].enum == ("a", "b")


@pytest.mark.parametrize(
    ("name", "text", "axis"),
    [
        ("seed", "0, 1,2", [0, 1, 2]),
        ("seed", "", []),
        ("rate", "1e-3, 1", [0.001, 1.0]),
        ("max_steps", "none, 50", [None, 50]),
        ("milestones", "60, 120; 30", [[60, 120], [30]]),
    ],
)
def test_text_becomes_an_axis(name, text, axis):
    assert parse(field(name), text) == axis
    assert parse(field(name), written(axis)) == [one for one in axis if one is not None]


@pytest.mark.parametrize(("name", "text"), [("seed", "1.5"), ("seed", "x"), ("rate", "nan"), ("rate", "1e999")])
def test_text_that_is_no_number_is_refused_by_name(name, text):
    with pytest.raises(BadText, match=f"{name}: “{text}” is not a"):
        parse(field(name), text)


def test_options_are_offered_once_and_know_their_models():
    info = experiment(PROPERTIES, options=True)
    size, width = sorted(option_fields(info, [PLAIN, GROUPED, OTHER]), key=lambda one: one.name)
    assert (size.models, size.has_default) == (("mgic_resnet20", "mgic_resnet50"), False)
    assert (width.models, width.has_default, width.default) == (("resnet20", "mgic_resnet20"), True, 1.0)
    assert option_fields(experiment(PROPERTIES), [PLAIN]) == []


def made_grids(values, models):
    info = experiment(PROPERTIES, options=True)
    return grids(values, config_fields(info) + option_fields(info, models), models)


def test_one_model_makes_one_grid_without_the_defaults():
    values = {"model": ["mgic_resnet20"], "dataset": ["digits"], "seed": [0], "rate": [0.1], "group_size": [4, 8]}
    assert made_grids(values, [GROUPED]) == [{"model": ["mgic_resnet20"], "dataset": ["digits"], "group_size": [4, 8]}]


def test_an_option_goes_only_to_the_models_that_have_it():
    values = {"model": ["resnet20", "mgic_resnet20"], "seed": [0, 1], "group_size": [4]}
    assert made_grids(values, [PLAIN, GROUPED]) == [
        {"model": ["resnet20"], "seed": [0, 1]},
        {"model": ["mgic_resnet20"], "seed": [0, 1], "group_size": [4]},
    ]


def test_models_that_share_their_options_share_a_grid():
    values = {"model": ["mgic_resnet20", "mgic_resnet50"], "group_size": [4]}
    assert made_grids(values, [GROUPED, OTHER]) == [{"model": ["mgic_resnet20", "mgic_resnet50"], "group_size": [4]}]


def test_where_a_run_is_named_the_model_and_the_data_follow_from_it_unless_they_are_chosen_the_default_ones_too():
    run = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "input": {"of": ["classification"]}}
    info = experiment(PROPERTIES | {"trained": run})
    fields = config_fields(info)
    (trained,) = (one for one in fields if one.of)
    assert not is_rare(trained, info)
    values = {"trained": ["a"], "model": [], "dataset": [], "seed": [3]}
    assert grids(values, fields, []) == [{"trained": ["a"], "seed": [3]}]
    asked = grids(values | {"dataset": ["digits"]}, fields, [])
    assert asked == [{"trained": ["a"], "dataset": ["digits"], "seed": [3]}]


def test_what_fills_a_form_again_is_one_grid_without_the_defaults():
    values = {"model": ["resnet20", "mgic_resnet20"], "dataset": ["digits"], "seed": [0, 1], "rate": [0.1], "width": []}
    info = experiment(PROPERTIES, options=True)
    fields = config_fields(info) + option_fields(info, [PLAIN, GROUPED])
    assert given(values, fields) == {"model": ["resnet20", "mgic_resnet20"], "dataset": ["digits"], "seed": [0, 1]}


def test_cells_that_remain_are_put_into_few_grids():
    cells = [{"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 1}]
    found = without(cells)
    assert len(found) == 2
    points = [{"a": a, "b": b} for grid in found for a in grid["a"] for b in grid["b"]]
    assert sorted(points, key=str) == sorted(cells, key=str)


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("#/axes/epochs/0", (None, "epochs")),
        ("#/grids/1/group_size/0", (1, "group_size")),
        ("#/name", (None, "name")),
        ("", (None, "")),
    ],
)
def test_an_error_names_its_field(pointer, place):
    assert field_of(pointer) == place


def test_rare_is_what_no_plot_and_no_recipe_uses():
    recipe = Recipe(
        name="r", title="R", summary="", scale="quick", experiment="e", grids=({"rate": [1.0, 2.0], "momentum": [0.5]},)
    )
    view = View(title="V", x="schedule", y="top1")
    info = experiment(PROPERTIES, views=(view,), recipes=(recipe,))
    rare = {one.name for one in config_fields(info) if is_rare(one, info)}
    assert rare == {"milestones", "augment", "momentum"}
