"""From grids to the request that is sent, the command and the JSON that say the same."""

import json

import pytest

from dashboard.forms.fields import BadText
from dashboard.new.draft import Extras, body, commands, grids_text, only_possible, parse_grids, request
from mgic.records import Point, Preview, Recipe
from tests.dashboard.made import experiment

UNION = ({"model": ["mgic_resnet20"], "group_size": [4, 8]}, {"model": ["resnet20"]})
RECIPE = Recipe(name="both", title="Both", summary="", scale="quick", experiment="classification", grids=UNION)
INFO = experiment({"seed": {"type": "integer", "default": 0}}, recipes=(RECIPE,))


def test_one_grid_is_sent_as_axes_and_several_as_grids():
    assert request(INFO, [{"seed": [1]}], Extras()).axes == {"seed": [1]}
    assert request(INFO, [{"seed": [1]}, {"seed": [2]}], Extras()).grids == [{"seed": [1]}, {"seed": [2]}]


def test_an_unchanged_recipe_is_sent_by_its_name():
    asked = request(INFO, list(UNION), Extras())
    assert (asked.recipe, asked.axes, asked.grids) == ("both", None, None)
    assert commands(asked) == "mgic submit --recipe both"


def test_a_form_at_its_defaults_still_names_a_field():
    assert request(INFO, [{}], Extras()).axes == {"seed": [0]}


def test_a_bad_name_is_refused_in_words():
    with pytest.raises(BadText, match="The name may have letters"):
        request(INFO, [{"seed": [1]}], Extras(name="<b>x</b>"))


def test_the_command_is_quoted_for_a_shell():
    asked = request(INFO, [{"model": ["a", "b"], "note": ["x y"]}], Extras(name="my sweep", priority=2, reuse=True))
    expected = "mgic submit classification model=a,b note='x y' --name 'my sweep' --priority 2 --reuse"
    assert commands(asked) == expected


def test_the_json_holds_no_more_than_was_said():
    asked = request(INFO, [{"seed": [1]}], Extras())
    assert json.loads(body(asked)) == {
        "experiment": "classification",
        "axes": {"seed": [1]},
        "priority": 5,
        "reuse": False,
    }


def test_grids_survive_the_editor():
    assert parse_grids(grids_text(UNION)) == list(UNION)


@pytest.mark.parametrize("text", ["[{", "[1]", '[{"a": []}]', '{"a": [1]}'])
def test_what_is_no_list_of_grids_is_refused(text):
    with pytest.raises(BadText):
        parse_grids(text)


def test_cells_that_cannot_run_are_left_out():
    points = tuple(
        Point(requested={"seed": seed}, config={"seed": seed}, problem="no" if seed == 1 else None) for seed in range(3)
    )
    asked = request(INFO, [{"seed": [0, 1, 2]}], Extras(name="n"))
    preview = Preview(points=points, total=3, pending=0, problems=1, duplicates=0)
    left = only_possible(asked, preview)
    assert (left.axes, left.grids, left.name) == (None, [{"seed": [0, 2]}], "n")
    assert only_possible(asked, preview.model_copy(update={"problems": 0})) is asked
