"""Results as rows: what is a table, what tells its rows apart, and what is refused."""

import csv
import io
import json

import pytest
from pydantic import BaseModel, Field

from mgic import execution
from mgic.errors import BadResult
from mgic.experiment import EXPERIMENTS, Context, ExperimentConfig, experiment
from mgic.records import (
    Reason,
    RunStatus,
    Table,
    View,
    check_keys,
    csv_cell,
    main_table,
    tables_of,
    telling_keys,
    unfold,
)
from tests.silent import SilentContext


class Config(ExperimentConfig):
    steps: int = Field(1, description="How many")


class Noise(BaseModel):
    sigma: float = Field(description="Of the noise", json_schema_extra={"key": True})
    top1: float = Field(description="Under it", json_schema_extra={"unit": "%"})


class Robust(BaseModel):
    noise: list[Noise] = Field(description="A row a level of noise")
    mean: float = Field(description="Over the levels")
    remarks: list[str] = Field(description="In words")
    sizes: list[int] = Field(description="Of the levels")


NOISE = Table("noise", ("sigma", "top1"), ("sigma",))


def rows(*sigmas: float) -> list[dict]:
    return [{"sigma": sigma, "top1": 90.0 - sigma} for sigma in sigmas]


def test_a_table_is_a_list_of_records_and_knows_its_columns_and_keys():
    assert tables_of(Robust.model_json_schema()) == {"noise": NOISE}


def test_unfolding_sets_config_scalars_and_columns_side_by_side():
    result = {"noise": rows(0, 0.1, 0.3), "mean": 1.0, "remarks": ["a", "b"]}
    assert unfold({"steps": 2}, result, "noise") == [
        {"steps": 2, "mean": 1.0, "remarks": ["a", "b"], "sigma": sigma, "top1": 90.0 - sigma}
        for sigma in (0, 0.1, 0.3)
    ]
    assert unfold({"steps": 2}, result, None) == [{"steps": 2, "mean": 1.0, "remarks": ["a", "b"]}]
    assert unfold({}, {"mean": 1.0}, "noise") == []


def test_a_result_that_is_all_one_table_is_unfolded_unasked():
    assert main_table({"rows": rows(1)}) == "rows"
    assert main_table({"noise": rows(1)}) is None
    assert main_table(None) is None


def test_equal_keys_are_refused_whatever_their_type():
    check_keys([NOISE], {"noise": rows(0, 0.1)})
    with pytest.raises(BadResult, match=r"two rows of the table noise have the key sigma=0\.1"):
        check_keys([NOISE], {"noise": rows(0.1, 0, 0.1)})
    with pytest.raises(BadResult, match="level=1, model='a'"):
        check_keys([Table("rows", ("level", "model"), ("level", "model"))], {"rows": [{"level": 1, "model": "a"}] * 2})


def test_a_key_that_is_no_finite_number_is_refused_and_true_is_not_one():
    with pytest.raises(BadResult, match="key sigma=nan, which is no finite number"):
        check_keys([NOISE], {"noise": rows(float("nan"))})
    check_keys([NOISE], {"noise": [{"sigma": key} for key in (None, True, 1, "1")]})


def test_a_table_without_rows_is_no_field_and_gives_no_row():
    assert unfold({"steps": 1}, {"noise": [], "mean": 2.0}, None) == [{"steps": 1, "mean": 2.0}]
    assert unfold({"steps": 1}, {"noise": [], "mean": 2.0}, "noise") == []
    assert main_table({"rows": []}) == "rows"


def test_a_key_is_left_out_only_where_it_follows_from_the_others_in_all_results():
    """Rank 0 is conv1 in one result and conv2 in the other: a mean over both would be of unlike rows."""
    table = Table("ranks", ("rank", "layer", "share"), ("rank", "layer"))
    one, other = ([{"rank": n, "layer": layer} for n, layer in enumerate(layers)] for layers in ("ab", "ba"))
    assert telling_keys(table, [{"ranks": one}]) == ("layer",)
    assert telling_keys(table, [{"ranks": one}, {"ranks": other}]) == ("rank", "layer")


def test_a_list_is_json_in_a_cell_and_a_formula_is_text():
    text = io.StringIO()
    csv.writer(text).writerow([csv_cell(one) for one in (["a", "b, c"], [3, 32, 32], "=1+1", -1.5, None)])
    (read,) = csv.reader(io.StringIO(text.getvalue()))
    assert [json.loads(read[0]), json.loads(read[1])] == [["a", "b, c"], [3, 32, 32]]
    assert read[2:] == ["'=1+1", "-1.5", ""]


@pytest.fixture
def declare():
    """Registers an experiment of this name and takes it out again."""
    name = "declared_here"

    def register(result: type[BaseModel], *views: View, config: type[BaseModel] = Config, answer=None):
        def run(config, context):
            """Give the answer."""
            return answer

        run.__name__ = name
        run.__annotations__ = {"config": config, "context": Context, "return": result}
        experiment(title="T", views=views)(run)
        return name

    yield register
    EXPERIMENTS._items.pop(name, None)


def test_a_run_with_two_equal_keys_fails_and_says_which(declare, tmp_path):
    answer = Robust(noise=[Noise(sigma=0.1, top1=1), Noise(sigma=0.1, top1=2)], mean=0, remarks=[], sizes=[])
    outcome = execution.run(declare(Robust, answer=answer), {}, SilentContext(tmp_path))
    assert (outcome.status, outcome.result) == (RunStatus.FAILED, None)
    assert outcome.failure.reason is Reason.INTERNAL
    assert outcome.failure.message == "two rows of the table noise have the key sigma=0.1"


class Perhaps(BaseModel):
    noise: list[Noise] | None = Field(description="A row a level of noise, where it was asked for")


class Loose(BaseModel):
    noise: list[dict[str, float]] = Field(description="Records of any columns")


class Where(BaseModel):
    place: list[int] = Field(description="No plain value", json_schema_extra={"key": True})


class Places(BaseModel):
    boxes: list[Where] = Field(description="A row a place")


class Keyless(BaseModel):
    noise: list[Config] = Field(description="No column is a key")


class Twice(BaseModel):
    noise: list[Noise] = Field(description="A row a level of noise")
    top1: float = Field(description="A column of the table too")


class Provenance(BaseModel):
    host: str = Field(description="The store says this")


class Asked(BaseModel):
    steps: int = Field(description="A config field too")


@pytest.mark.parametrize(
    ("result", "view", "words"),
    [
        (Keyless, None, "of the table noise no column is a key"),
        (Loose, None, "the field noise is a list of records without columns"),
        (Places, None, "the key place of the table boxes is no plain value"),
        (Twice, None, "top1 is a column of the table noise and a field besides"),
        (Provenance, None, "host is what the store says of a run"),
        (Asked, None, "steps is a field of the config and of the result"),
        (Robust, View(title="V", table="nose", x="sigma", y="top1"), "is of a table nose; there are: noise"),
        (Robust, View(title="V", x="sigma", y="mean"), "names sigma, which is no column of its rows"),
        (Robust, View(title="V", table="noise", x="sigma", y="top5"), "names top5, which is no column"),
    ],
)
def test_what_tables_promise_is_checked_when_the_experiment_is_declared(declare, result, view, words):
    with pytest.raises(BadResult, match=words):
        declare(result, *([view] if view else []))


def test_a_table_that_may_be_missing_is_one():
    assert tables_of(Perhaps.model_json_schema()) == {"noise": NOISE}
    assert unfold({}, {"noise": None}, "noise") == []


def test_what_keeps_to_it_is_taken(declare):
    view = View(title="V", table="noise", x="sigma", y="top1", series="steps")
    assert EXPERIMENTS[declare(Robust, view)].info.tables == {"noise": NOISE}
