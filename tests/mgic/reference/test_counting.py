"""The counts that stand in a file are those of the networks, and each row is linked to something that exists."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mgic.experiment import EXPERIMENTS
from mgic.models import MODELS, model_info
from mgic.records import Config, Reference
from mgic.reference import counting, list_references, recipe
from mgic.reference.counting import count, recount
from mgic.reference.paper import Countable, countables, locked

ROWS = list_references()
LINKED = [found for found in ROWS if found.model is not None]
RUNNABLE = [found for found in ROWS if found.experiment is not None]


def of_each_network() -> Iterator[Any]:
    """The first count of each stands for its others, at other options or another size."""
    seen = set()
    for key, one in countables().items():
        yield pytest.param(key, marks=pytest.mark.thorough) if one.model in seen else key
        seen.add(one.model)


@pytest.mark.parametrize("key", list(of_each_network()))
def test_a_count_is_what_counting_gives(key):
    """After a change of a network: `mgic reference --recount`, then its deviations in `tables/`, then docs/paper.md."""
    assert locked()[key] == count(countables()[key])


def test_recounting_writes_what_is_there(monkeypatch, tmp_path):
    few = dict(list(countables().items())[:3])
    monkeypatch.setattr(counting, "countables", lambda: few)
    path = tmp_path / "counted.json"
    assert recount(path) == 3
    assert json.loads(path.read_text()) == {key: locked()[key] for key in few}


def test_nothing_is_locked_that_no_row_asks_for():
    assert locked().keys() == countables().keys()


def test_the_transfer_operators_of_table_1_are_counted_alone():
    """64-32-16-8 in groups of 16: 512 + 256 + 128 weights down, and as many up."""
    options: Config = {"group_size": 16, "coarsest_size": 8, "coarsening": "paper"}
    weights = 2 * (512 + 256 + 128)
    assert count(Countable("transfer_operators", None, options, (64, 4, 4))) == {
        "params": weights,
        "macs": 16 * weights,
        "transfer_macs": 16 * weights,
    }


@pytest.mark.parametrize("found", LINKED, ids=[found.id for found in LINKED])
def test_a_row_spells_out_every_option(found: Reference):
    """So that a change of a default cannot change a row."""
    info = model_info(str(found.model))
    MODELS[str(found.model)].options(**found.options)
    assert found.options.keys() == info.options["properties"].keys() - {"in_channels", "num_classes"}
    assert not found.input_size or len(found.input_size) == len(info.input_size)


@pytest.mark.parametrize("found", RUNNABLE, ids=[found.id for found in RUNNABLE])
def test_the_scale_is_a_config(found: Reference):
    config = EXPERIMENTS[str(found.experiment)].config(**found.scale).model_dump()
    assert config.items() >= found.scale.items()


@pytest.mark.parametrize("found", RUNNABLE, ids=[found.id for found in RUNNABLE])
def test_its_recipes_hold_the_row(found: Reference):
    """The paper's scale with all of the row's fields, the quick one with the network's."""
    network = found.options | ({"model": found.model} if found.model else {})
    for name, fields, scale in ((found.recipe, found.scale, "paper"), (found.quick_recipe, network, "quick")):
        if name is None:
            continue
        known = recipe(name)
        assert (known.experiment, known.scale) == (found.experiment, scale)
        options = MODELS[found.model].options().model_dump() if found.model else {}
        assert any(
            all(value in grid.get(field, [options.get(field)]) for field, value in fields.items())
            for grid in known.grids
        )
