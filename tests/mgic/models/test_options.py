"""Options: declared by a signature, checked before anything is built, refused by name."""

import math
from typing import Annotated

import pytest
from pydantic import Field
from torch import nn

from mgic.errors import BadConfig, UnknownName
from mgic.models import (
    MODELS,
    InChannels,
    NumClasses,
    add_model,
    create,
    list_models,
    model_info,
    register_model,
    resolve_options,
)


def test_models_are_listed_by_their_numbers():
    names = list_models()
    assert names.index("mgic_resnet20") < names.index("mgic_resnet110")
    assert names.index("resnet56") < names.index("resnet110")


def test_defaults_are_filled_in():
    assert resolve_options("mgic_resnet20", {"group_size": 4}) == {
        "group_size": 4,
        "coarsest_size": 16,
        "coarsening": "paper",
        "width": 16,
        "num_classes": 10,
        "in_channels": 3,
    }


def test_an_unknown_option_is_refused_with_model_and_nearest():
    with pytest.raises(BadConfig) as caught:
        create("mgic_resnet20", grup_size=4)
    assert str(caught.value) == "mgic_resnet20 has no option 'grup_size'; did you mean 'group_size'?"
    assert [(p.pointer, p.code) for p in caught.value.problems] == [("grup_size", "unknown_option")]


@pytest.mark.parametrize(
    ("option", "value", "limit"),
    [
        ("group_size", 0, "1"),
        ("group_size", 1025, "1024"),
        ("group_size", "8", "integer"),
        ("group_size", True, "integer"),
        ("group_size", 8.0, "integer"),
        ("group_size", math.nan, "integer"),
        ("group_size", None, "integer"),
        pytest.param("group_size", 10**5000, "1024", id="a number too long to print"),
        ("width", 513, "512"),
        ("in_channels", 0, "1"),
        ("in_channels", 1025, "1024"),
        ("num_classes", 100_001, "100000"),
        ("coarsening", "papre", "'paper_min1'"),
    ],
)
def test_a_value_that_does_not_do_is_refused_with_option_and_limit(option, value, limit):
    with pytest.raises(BadConfig) as caught:
        resolve_options("mgic_resnet20", {option: value})
    (problem,) = caught.value.problems
    assert problem.pointer == option
    assert problem.detail.startswith(f"mgic_resnet20: {option} should ")
    assert limit in problem.detail
    assert str(caught.value) == problem.detail


def test_all_faults_are_named_at_once():
    with pytest.raises(BadConfig) as caught:
        resolve_options("mgic_resnet20", {"depth": 20, "group_size": 0, "width": 0, "coarsest_size": 16})
    assert {problem.pointer for problem in caught.value.problems} == {"depth", "group_size", "width"}


def test_an_unknown_model_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match=r"'mgic_resnet02'; did you mean 'mgic_resnet\d+'"):
        resolve_options("mgic_resnet02", {})


def test_info_describes_the_options_to_a_form():
    info = model_info("mgic_resnet20")
    assert info.summary.startswith("ResNet for small images whose basic blocks")
    size = info.options["properties"]["group_size"]
    assert (size["type"], size["minimum"], size["maximum"], size["default"]) == ("integer", 1, 1024, 8)
    assert info.options["properties"]["coarsening"]["enum"] == ["paper", "paper_min1", "released"]
    assert "depth" not in info.options["properties"]


def test_a_function_becomes_a_model_under_its_own_name():
    @register_model(input_size=(1, 2, 2), smallest=(2, 2))
    def flatten_and_guess(
        *,
        bias: Annotated[bool, Field(description="Add a constant")] = True,
        num_classes: NumClasses = 2,
        in_channels: InChannels = 1,
    ) -> nn.Module:
        """A linear layer.

        Not shown in a list.
        """
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * 4, num_classes, bias=bias))

    try:
        assert create("flatten_and_guess", bias=False)[1].bias is None
        assert model_info("flatten_and_guess").summary == "A linear layer."
        with pytest.raises(BadConfig, match="bias should be a valid boolean"):
            create("flatten_and_guess", bias=1)
        with pytest.raises(ValueError, match="two models are called 'flatten_and_guess'"):
            register_model(input_size=(1, 2, 2))(flatten_and_guess)
    finally:
        del MODELS._items["flatten_and_guess"]


def test_a_model_must_declare_its_options_fully():
    def no_default(size: int, *, num_classes: NumClasses = 2, in_channels: InChannels = 1) -> nn.Module:
        return nn.Identity()

    def no_words(size: int = 3, *, num_classes: NumClasses = 2, in_channels: InChannels = 1) -> nn.Module:
        return nn.Identity()

    def no_classes(*, in_channels: InChannels = 1) -> nn.Module:
        return nn.Identity()

    def full(*, num_classes: NumClasses = 2, in_channels: InChannels = 1) -> nn.Module:
        return nn.Identity()

    with pytest.raises(TypeError, match="'size' of model 'a' has no default"):
        add_model("a", no_default, input_size=(1, 2, 2))
    with pytest.raises(TypeError, match=r"without description \['size'\]"):
        add_model("b", no_words, input_size=(1, 2, 2))
    with pytest.raises(TypeError, match="num_classes"):
        add_model("c", no_classes, input_size=(1, 2, 2))
    with pytest.raises(TypeError, match="first number of input_size"):
        add_model("d", full, input_size=(3, 2, 2))
    add_model("e", no_classes, input_size=(1,), task="function")
    assert not {"a", "b", "c", "d"} & set(list_models())
    del MODELS._items["e"]
