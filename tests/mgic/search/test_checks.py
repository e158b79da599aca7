"""What is wrong with a request for a search is told all at once, each fault at its place."""

import pytest

from mgic.describe import check_search
from mgic.errors import BadConfig
from mgic.records import SweepRequest

FINE = {"sampler": "tpe", "trials": 5, "metric": "val_top1"}
AXES = {"model": ["mgic_resnet20"], "dataset": ["digits"], "group_size": [4, 8]}


def checked(search=None, experiment="classification", **values):
    given = {"axes": AXES} if not {"axes", "grids", "recipe"} & values.keys() else {}
    return check_search(
        SweepRequest.model_validate({"experiment": experiment, "search": FINE | (search or {}), **given, **values})
    )


def faults(*args, **values):
    with pytest.raises(BadConfig) as refused:
        checked(*args, **values)
    return {problem.pointer: problem.detail for problem in refused.value.problems}


def test_goal_and_curve_follow_from_the_experiment():
    found = checked({"stop": {"rule": "median"}})
    assert (found.request.search.goal, found.curve) == ("max", "val/top1")
    assert checked({"metric": "test_loss", "stop": {"rule": "halving"}}).curve == "test/loss"
    assert checked({"metric": "test_loss"}).request.search.goal == "min"
    assert checked({"goal": "min"}).request.search.goal == "min"
    assert checked().curve is None


def test_a_recipe_of_one_grid_is_searched_as_its_axes_are():
    found = checked({"metric": "top1"}, experiment="", recipe="pruning_quick").request
    assert (found.recipe, found.experiment) == (None, "prune")
    assert len(found.axes["method"]) == 7
    told = faults({"metric": "top1"}, experiment="", recipe="ablation_quick")
    assert told == {"#/recipe": "a search chooses from one grid, and here are 2"}


def test_a_range_of_a_field_of_real_numbers_is_one_though_its_ends_are_whole():
    space = {"learning_rate": {"min": 1, "max": 3}, "epochs": {"min": 1, "max": 3}}
    found = checked({"space": space}).request.search.space
    assert {name: one.whole for name, one in found.items()} == {"learning_rate": False, "epochs": True}


def test_an_option_of_one_of_several_models_is_a_field():
    found = checked({"metric": "top1"}, axes={"model": ["resnet20", "mgic_resnet20"], "group_size": [4, 8]})
    assert found.request.axes["model"] == ["resnet20", "mgic_resnet20"]


def test_all_faults_are_told_at_once():
    told = faults(
        {
            "metric": "top",
            "stop": {"rule": "median"},
            "sampler": "nsga2",
            "space": {"colour": {"min": 1, "max": 2}, "group_size": {"min": 4, "max": 8}},
        },
        then={"experiment": "evaluate"},
    )
    assert set(told) == {"#/search/metric", "#/search/stop", "#/then", "#/search/space/group_size"}
    assert "did you mean top" in told["#/search/metric"]


@pytest.mark.parametrize(
    ("search", "values", "pointer", "words"),
    [
        ({"metric": "steps"}, {}, "#/search/goal", "say min or max"),
        ({"metric": "macs", "sampler": "nsga2"}, {}, "#/search/metric", "already"),
        ({"metric": "macs", "stop": {"rule": "median"}}, {}, "#/search/stop", "val_top1"),
        ({"metric": "caution"}, {}, "#/search/metric", "no number 'caution'"),
        ({}, {"axes": {"model": ["resnet20"]}}, "#/search/space", "nothing to choose"),
        ({}, {"grids": [AXES, AXES]}, "#/grids", "2"),
        ({"space": {"colour": {"min": 1, "max": 2}}}, {}, "#/search/space/colour/min", "no option 'colour'"),
        ({"space": {"epochs": {"min": 1, "max": 5000}}}, {}, "#/search/space/epochs/max", "1000"),
        ({"space": {"epochs": {"min": 1.5, "max": 3.0}}}, {}, "#/search/space/epochs", "whole numbers"),
        ({}, {"axes": {**AXES, "epochs": [1, 5000]}}, "#/axes/epochs/1", "1000"),
        ({}, {"axes": {**AXES, "epochs": [1, 1]}}, "#/axes/epochs/1", "twice"),
        ({}, {"axes": {**AXES, "trained": ["x", "y"]}}, "#/axes/trained", "names runs"),
    ],
)
def test_a_fault_is_told_at_its_place(search, values, pointer, words):
    told = faults(search, **values)
    assert words in told[pointer]


def test_an_experiment_without_curves_or_costs_has_nothing_to_stop_or_to_bound():
    told = faults(
        {"metric": "mse", "sampler": "tpe", "stop": {"rule": "median"}},
        experiment="reconstruction",
        axes={"coarsest_size": [4, 8]},
    )
    assert any(pointer == "#/search/stop" for pointer in told)
    costly = faults(
        {"metric": "macs", "stop": {"rule": "median"}, "max_macs": 5},
        experiment="channel_scaling",
        axes={"channels": [64, 128]},
    )
    assert costly["#/search/stop"].startswith("channel_scaling reports no curve")


def test_an_experiment_that_is_not_there_is_told_at_its_place():
    assert "classification" in faults(experiment="clasification")["#/experiment"]
