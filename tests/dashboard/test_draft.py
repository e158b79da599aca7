"""From grids to the request that is sent, the command and the JSON that say the same."""

import json
import shlex
from uuid import UUID

import pytest

from dashboard.forms.fields import BadText
from dashboard.new.draft import (
    Extras,
    Total,
    body,
    commands,
    following,
    grids_text,
    only,
    parse_grids,
    request,
    runnable,
    total,
)
from mgic.cli.search_options import search_of
from mgic.records import Point, Preview, Recipe, Search, ThenRequest
from tests.dashboard.made import experiment

RUN = UUID(int=7)
UNION = ({"model": ["mgic_resnet20"], "group_size": [4, 8]}, {"model": ["resnet20"]})
RECIPE = Recipe(name="both", title="Both", summary="", scale="quick", experiment="classification", grids=UNION)
INFO = experiment({"seed": {"type": "integer", "default": 0}}, recipes=(RECIPE,))


def test_one_grid_is_sent_as_axes_and_several_as_grids():
    assert request(INFO, [{"seed": [1]}], Extras()).axes == {"seed": [1]}
    assert request(INFO, [{"seed": [1]}, {"seed": [2]}], Extras()).grids == [{"seed": [1]}, {"seed": [2]}]


def test_an_unchanged_recipe_is_sent_by_its_name():
    asked = request(INFO, list(UNION), Extras(recipe="both"))
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


def test_what_follows_stands_in_the_json_and_last_in_the_command():
    then = ThenRequest(experiment="evaluate", axes={"severity": [1, 3]})
    asked = request(INFO, [{"seed": [1]}], Extras(then=then, reuse=True))
    assert json.loads(body(asked))["then"] == {"experiment": "evaluate", "axes": {"severity": [1, 3]}}
    assert commands(asked) == "mgic submit classification seed=1 --reuse --then evaluate severity=1,3"


SEARCH = Search.model_validate(
    {
        "sampler": "tpe",
        "trials": 20,
        "metric": "top1",
        "goal": "max",
        "seed": 3,
        "stop": {"rule": "median", "startup": 3},
        "at_once": 2,
        "max_macs": 2000000,
        "space": {"rate": {"min": 0.001, "max": 1, "log": True}, "width": {"min": 4, "max": 16, "step": 4}},
    }
)


def test_a_search_is_sent_as_it_is_and_its_options_are_those_of_the_command():
    asked = request(INFO, [{"seed": [1, 2]}], Extras(search=SEARCH))
    assert asked.search == SEARCH
    assert json.loads(body(asked))["search"] == SEARCH.model_dump(mode="json", exclude_unset=True)
    words = shlex.split(commands(asked).removeprefix("mgic submit classification seed=1,2 "))
    given = dict(zip(words[::2], words[1::2], strict=True))
    assert words[-4:] == ["--range", "rate=0.001:1:log", "--range", "width=4:16:4"]
    same = search_of(
        given["--search"],
        [value for option, value in zip(words[::2], words[1::2], strict=True) if option == "--range"],
        given["--stop"],
        trials=int(given["--trials"]),
        metric=given["--metric"],
        goal=given["--goal"],
        seed=int(given["--search-seed"]),
        max_macs=int(given["--max-macs"]),
        at_once=int(given["--at-once"]),
    )
    assert same == SEARCH


def test_of_a_search_no_cell_is_left_out_and_no_field_has_a_value_beside_its_range():
    asked = request(INFO, [{"seed": [1, 2]}], Extras(search=SEARCH))
    assert only(asked, made_preview(2, bad=1).model_copy(update={"total": 20})) is asked
    ranges = Search.model_validate({"sampler": "qmc", "trials": 2, "metric": "m", "space": {"a": {"min": 1, "max": 2}}})
    two = experiment({"a": {"type": "integer", "default": 0}, "b": {"type": "integer", "default": 5}})
    assert request(two, [{}], Extras(search=ranges)).axes == {"b": [5]}


def made_preview(seeds: int, bad: int | None = None, **more) -> Preview:
    problems = {bad: "no"}
    points = tuple(
        Point(requested={"seed": seed}, config={"seed": seed}, problem=problems.get(seed), **more)
        for seed in range(seeds)
    )
    return Preview(points=points, total=seeds, pending=0, problems=int(bad is not None), duplicates=0)


def test_cells_that_cannot_run_are_left_out():
    asked = request(INFO, [{"seed": [0, 1, 2]}], Extras(name="n"))
    left = only(asked, made_preview(3, bad=1))
    assert (left.axes, left.grids, left.name) == (None, [{"seed": [0, 2]}], "n")
    assert only(asked, made_preview(3)) is asked


def test_picked_cells_are_all_that_is_asked_for():
    asked = request(INFO, [{"seed": [0, 1, 2, 3]}], Extras())
    preview = made_preview(4, bad=1)
    assert runnable(preview, [1, 3]) == [3]
    assert only(asked, preview, [0, 1, 3]).grids == [{"seed": [0, 3]}]


def test_picked_cells_in_more_grids_than_a_sweep_may_have_are_refused():
    cells = [{"a": number, "b": number} for number in range(51)]
    points = tuple(Point(requested=cell, config=cell) for cell in [*cells, {"a": 0, "b": 1}])
    preview = Preview(points=points, total=52, pending=0, problems=0, duplicates=0)
    asked = request(INFO, [{"a": list(range(51))}], Extras())
    with pytest.raises(BadText, match="do not fit into one sweep"):
        only(asked, preview, range(51))


def test_the_cost_of_all_cells_is_a_sum_or_not_known():
    new = Point(requested={}, config={}, work_macs=2e9, seconds=3.0)
    there = new.model_copy(update={"duplicate_of": RUN})
    assert total([new, there]) == Total(2, 1, 4e9, 6.0)
    assert total([new, there], reuse=True) == Total(2, 1, 2e9, 3.0)
    assert total([new, new.model_copy(update={"seconds": None})]) == Total(2, 0, 4e9, None)


def test_what_follows_the_picked_cells_is_told_by_the_run_it_names():
    points = [{"trained": f"#{number}", "severity": severity} for number in (0, 1, 10) for severity in (1, 3)]
    then = Preview(
        points=tuple(Point(requested=one, config=one) for one in points), total=6, pending=0, problems=0, duplicates=0
    )
    assert [one.config for one in following(then, [1])] == points[2:4]
