"""The questions the service asks of the core: what a model costs, and at which input."""

import pytest

from mgic import describe
from mgic.errors import BadConfig, UnknownName


def test_a_cost_is_that_of_the_input_the_model_is_made_for():
    assert describe.cost("resnet50", {}).input_size == (3, 224, 224)
    assert describe.cost("resnet20", {}).input_size == (3, 32, 32)
    assert describe.cost("dgcnn", {}).input_size == (3, 1024)
    assert describe.cost("implicit_mlp", {}).input_size == (2,)


def test_channels_alone_keep_the_sides():
    grey, colour = describe.cost("resnet20", {"in_channels": 1}), describe.cost("resnet20", {})
    assert grey.input_size == (1, 32, 32)
    assert colour.macs - grey.macs == 2 * 16 * 9 * 32 * 32  # two channels less into the stem of 16
    assert describe.cost("implicit_mlp", {"in_channels": 3}).input_size == (3,)


def test_a_size_brings_its_channels():
    assert describe.cost("resnet20", {}, (1, 28, 28)).options["in_channels"] == 1
    assert describe.cost("implicit_mlp", {}, (5,)).options["in_channels"] == 5
    assert describe.cost("dgcnn", {}, (3, 64)).macs * 16 < describe.cost("dgcnn", {}, (3, 1024)).macs * 1.01


def test_a_query_is_read_as_text():
    told = describe.cost_of_query("mgic_resnet20", {"group_size": "4", "coarsening": "released"}, (3, 64, 64))
    assert (told.options["group_size"], told.options["coarsening"]) == (4, "released")


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("resnet20", (3, 32), "must be channels,height,width, such as 3,32,32,"),
        ("resnet20", (32,), "such as 3,32,32,"),
        ("resnet20", (), "such as 3,32,32,"),
        ("resnet20", (3, 0, 32), "from 1 to 16384"),
        ("resnet20", (3, 32, 2**14 + 1), "from 1 to 16384"),
        ("dgcnn", (3, 32, 32), "must be channels,points, such as 3,1024,"),
        ("implicit_mlp", (2, 2), "must be the number of inputs, such as 2,"),
    ],
)
def test_an_input_of_another_kind_is_refused_with_what_is_wanted(name, size, said):
    with pytest.raises(BadConfig, match=said) as refused:
        describe.cost(name, {}, size)
    assert [problem.pointer for problem in refused.value.problems] == ["input_size"]


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="resnet20"):
        describe.cost("resnet21", {})


def test_channels_that_are_not_those_of_the_input_are_refused():
    with pytest.raises(BadConfig, match="does not fit"):
        describe.cost("resnet20", {"in_channels": 1}, (3, 32, 32))
