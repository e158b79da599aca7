"""A config with a model in it: options flat, defaults explicit, faults located."""

import pytest
from pydantic import Field, ValidationError

from mgic.models.config import ModelConfig


class Training(ModelConfig):
    """A config as experiments have it."""

    epochs: int = Field(3, ge=1, description="Passes over the data")


def faults(**values) -> dict[tuple, str]:
    with pytest.raises(ValidationError) as caught:
        Training(**values)
    return {fault["loc"]: fault["msg"] for fault in caught.value.errors()}


def test_options_of_the_model_are_fields_with_defaults_filled_in():
    expected = {"group_size": 8, "coarsest_size": 16, "coarsening": "paper", "width": 16}
    assert Training().model_dump() == {"model": "mgic_resnet20", "epochs": 3, **expected}
    assert Training(group_size=4).options == {**expected, "group_size": 4}
    assert Training(model="resnet20").options == {"width": 16}


def test_configs_spelt_differently_are_equal_and_dump_alike():
    short, long = Training(), Training(width=16, coarsening="paper", coarsest_size=16, group_size=8)
    assert short == long
    assert list(short.model_dump()) == list(long.model_dump())
    assert Training.model_validate(short.model_dump()) == short
    assert Training.model_validate_json(short.model_dump_json()) == short


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"model": "mgic_resnt20"}, "model", "did you mean 'mgic_resnet20'"),
        ({"model": "{x}"}, "model", "no model called '{x}'"),
        ({"grup_size": 8}, "grup_size", "mgic_resnet20 has no option 'grup_size'; did you mean 'group_size'?"),
        ({"epoch": 8}, "epoch", "did you mean 'epochs'?"),
        ({"group_size": 0}, "group_size", "greater than or equal to 1"),
        ({"group_size": "8"}, "group_size", "valid integer"),
        ({"model": "resnet20", "group_size": 8}, "group_size", "resnet20 has no option 'group_size'"),
        ({"num_classes": 10}, "num_classes", "follows from the data set"),
        ({"epochs": 0}, "epochs", "greater than or equal to 1"),
    ],
)
def test_a_fault_is_located_at_its_field(values, field, words):
    found = faults(**values)
    assert found.keys() == {(field,)}
    assert words in found[(field,)]


def test_several_faults_are_reported_together():
    assert faults(in_channels=3, group_size=True, width=0).keys() == {("in_channels",), ("group_size",), ("width",)}


def test_a_fault_inside_another_record_keeps_its_way():
    class Outer(ModelConfig):
        inner: Training = Field(default_factory=Training, description="Another")

    with pytest.raises(ValidationError) as caught:
        Outer(inner={"group_size": 0})
    assert caught.value.errors()[0]["loc"] == ("inner", "group_size")


def test_the_schema_lets_further_fields_in_and_says_where_names_come_from():
    schema = Training.model_json_schema()
    assert schema["additionalProperties"] is True
    assert schema["properties"]["model"]["choices"] == "models"


def test_a_model_with_an_option_that_is_a_field_already_is_refused():
    class Clash(ModelConfig):
        width: int = Field(1, description="Not the model's")

    with pytest.raises(ValidationError, match="mgic_resnet20 has an option width, which is a field"):
        Clash()
